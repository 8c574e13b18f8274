//! `bloated-index`: a btree far larger than its entries.

use crate::audit::database::{PAGE, bytes, tables};
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::catalog::Table;
use crate::model::change::Change;
use crate::model::index::Index;
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Bytes, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "bloated-index",
    title: "The index takes far more room than its entries",
    page: "\
Pages of a btree that deletes emptied in part are not merged. After mass deletes, or updates that come faster than VACUUM, an index stays large: more to
read for a range, and more of the cache.

Told by: the pages of a btree on plain columns against what its entries would take without deduplication (average widths by pg_stats, 90 % full): 50 MB
or more, and half of the index or more, would be empty. As deduplication makes indexes smaller, a real one that is larger than this is certainly
bloated; one with many equal keys may be bloated without being told.

Do: REINDEX INDEX CONCURRENTLY: it builds the index anew beside the old one, while both reads and writes go on.

All right when: as many entries will come back soon.",
    check: Check::Database(check),
};

/// Bytes that are to be won at least, and that matter.
const LEAST: f64 = 50.0 * 1024.0 * 1024.0;
const MATTERS: f64 = 1024.0 * 1024.0 * 1024.0;
/// Share of the index.
const SHARE: f64 = 0.5;

/// `IndexTupleData` and the line pointer.
const HEADER: f64 = 8.0;
const POINTER: f64 = 4.0;
/// Bytes of a leaf for entries, filled to 90 %: without header and the btree's own 16 bytes.
const ROOM: f64 = (PAGE - 40.0) * 0.9;

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    let mut hits = Vec::new();
    for table in tables(snapshot) {
        let judged = snapshot
            .indexes_of(table.oid)
            .filter(|i| i.valid && i.definition.method == "btree");
        for index in judged {
            let Some(full) = entries(table, index) else {
                continue;
            };
            let size = bytes(snapshot, index.oid, index.relpages);
            let empty = size - full;
            let share = empty / size.max(1.0);
            if empty >= LEAST && share >= SHARE {
                hits.push((empty, hit(index, size, empty, share)));
            }
        }
    }
    hits.sort_by(|a, b| b.0.total_cmp(&a.0));
    hits.into_iter().map(|(_, hit)| hit).collect()
}

/// Bytes that the entries take at most; `None` where a key is no plain column with statistics, or the rows are not known.
fn entries(table: &Table, index: &Index) -> Option<f64> {
    let definition = &index.definition;
    let rows = table.rows();
    let mut width = HEADER;
    let names = definition.keys.iter().map(|key| key.column_name());
    let included = definition.include.iter().map(|name| Some(name.as_str()));
    for name in names.chain(included) {
        let stats = table.column(name?)?.stats.as_ref()?;
        // Rounded up for alignment.
        width += (stats.avg_width / 8.0).ceil() * 8.0;
    }
    // A partial index holds what its predicate keeps, which only its own count tells.
    let rows = if definition.predicate.is_some() {
        index.reltuples
    } else {
        rows.max(index.reltuples)
    };
    (rows > 0.0).then(|| rows * (width + POINTER) / ROOM * PAGE)
}

fn hit(index: &Index, size: f64, empty: f64, share: f64) -> DatabaseHit {
    let whole = index.parent_oid.is_none();
    DatabaseHit {
        object: index.qualified().to_string(),
        severity: if empty >= MATTERS {
            Severity::Medium
        } else {
            Severity::Low
        },
        evidence: vec![format!(
            "{} of {} are empty at least, {}",
            Bytes(empty),
            Bytes(size),
            Percent(share)
        )],
        fix: Fix {
            changes: if whole {
                vec![Change::Reindex {
                    name: index.qualified(),
                }]
            } else {
                Vec::new()
            },
            ..Fix::from("build it anew")
        },
    }
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::in_database;

    fn told(pages: u32, index: &str) -> String {
        let ddl = format!(
            "create table t (\n a bigint, -- n_distinct=-1 width=8\n b text\n); -- rows=1000000 pages=9000 n_live_tup=1000000\ncreate index i on t {index}; -- pages={pages} rows=1000000"
        );
        in_database("bloated-index", &ddl, |_| {})
    }

    #[test]
    fn it_is_told_by_what_the_entries_would_take() {
        // 8 + 8 + 4 = 20 bytes: 366 entries a page, 2,731 pages.
        let found = told(20_000, "(a)");
        assert!(
            found.starts_with("low public.i: 135 MB of 156 MB are empty at least, 86.4 %"),
            "{found}"
        );
        assert!(
            found.contains("REINDEX INDEX CONCURRENTLY public.i;"),
            "{found}"
        );
        assert_eq!(told(2_800, "(a)"), "");
        assert_eq!(told(8_000, "(a)"), "", "41 MB");
    }

    #[test]
    fn what_cannot_be_reckoned_is_not_told() {
        assert_eq!(told(20_000, "(b)"), "", "no statistics");
        assert_eq!(told(20_000, "((a + 1))"), "", "an expression");
        assert_eq!(told(20_000, "using gin (b)"), "", "no btree");
    }
}
