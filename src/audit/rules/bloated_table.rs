//! `bloated-table`: a table far larger than its rows.

use crate::audit::database::{PAGE, bytes, count, stored};
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::catalog::Table;
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Bytes, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "bloated-table",
    title: "The table takes far more room than its rows",
    page: "\
Room that dead rows took is used again, but seldom given back: after a mass DELETE or a time without VACUUM a table stays as long as it
was. Sequential scans read all of it, and the cache holds pages that are mostly empty.

Told by: the table's pages against what its rows would take (average widths by pg_stats, alignment, row header, fill factor): 100 MB
or more, and half of the table or more, would be empty. It is an estimate: for certainty use pgstattuple_approx.

Do: find out why first (vacuum-lag), or it comes back. pg_repack or pg_squeeze write the table anew while it is used; VACUUM FULL locks it for as
long as that takes; partitions of old data can be dropped instead of deleted from.

All right when: the room will be used again soon, by as many rows as were there.",
    check: Check::Database(check),
};

/// Bytes that are to be won at least, that matter, and that are much.
const LEAST: f64 = 100.0 * 1024.0 * 1024.0;
const MATTERS: f64 = 1024.0 * 1024.0 * 1024.0;
const MUCH: f64 = 20.0 * MATTERS;
/// Share of the table.
const SHARE: f64 = 0.5;

/// `SizeofHeapTupleHeader` aligned, and the line pointer.
const HEADER: f64 = 24.0;
const POINTER: f64 = 4.0;
/// Bytes of a page for rows: without its header.
const ROOM: f64 = PAGE - 24.0;

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    let hit = |table: &Table| {
        let stats = table.stats.as_ref()?;
        // Figures of another time would make a grown or emptied table look bloated.
        let rows = table.rows().max(count(stats.n_live_tup));
        let width = row_width(table)?;
        let full =
            rows * (width + POINTER) / (ROOM * table.fillfactor.clamp(10.0, 100.0) / 100.0) * PAGE;
        let size = bytes(snapshot, table.oid, table.relpages);
        let empty = size - full;
        let share = empty / size.max(1.0);
        (rows > 0.0 && empty >= LEAST && share >= SHARE)
            .then(|| (empty, hit(table, size, empty, share, width)))
    };
    let mut hits: Vec<(f64, DatabaseHit)> = stored(snapshot).filter_map(hit).collect();
    hits.sort_by(|a, b| b.0.total_cmp(&a.0));
    hits.into_iter().map(|(_, hit)| hit).collect()
}

/// Bytes of an average row with header and alignment; `None` where a column has no statistics.
fn row_width(table: &Table) -> Option<f64> {
    let mut width = HEADER;
    for column in &table.columns {
        let stats = column.stats.as_ref()?;
        let align: f64 = match column.typalign.as_str() {
            "d" => 8.0,
            "i" => 4.0,
            "s" => 2.0,
            _ => 1.0,
        };
        // Values of variable length below 127 bytes are not aligned.
        let aligned = column.typlen > 0 || stats.avg_width >= 127.0;
        if aligned {
            width = (width / align).ceil() * align;
        }
        width += stats.avg_width * (1.0 - stats.null_frac);
    }
    Some((width / 8.0).ceil() * 8.0)
}

fn hit(table: &Table, size: f64, empty: f64, share: f64, width: f64) -> DatabaseHit {
    DatabaseHit {
        object: table.qualified().to_string(),
        severity: match empty {
            empty if empty >= MUCH => Severity::High,
            empty if empty >= MATTERS => Severity::Medium,
            _ => Severity::Low,
        },
        evidence: vec![
            format!(
                "{} of {} are empty by estimate, {}",
                Bytes(empty),
                Bytes(size),
                Percent(share)
            ),
            format!("a row takes {width:.0} bytes on average"),
        ],
        fix: Fix::from(
            "see first that vacuum keeps up; then pg_repack, or VACUUM FULL where the table may be locked for so long",
        ),
    }
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::in_database;

    fn told(pages: u32, last: &str) -> String {
        let ddl = format!(
            "create table t (\n a bigint, -- n_distinct=-1 width=8\n b text -- {last}\n); -- rows=1000000 pages={pages} n_live_tup=1000000"
        );
        in_database("bloated-table", &ddl, |_| {})
    }

    #[test]
    fn it_is_told_by_what_the_rows_would_take() {
        // 24 + 8 + 30 = 62, aligned 64, with its pointer 68: 120 rows a page, 8,326 pages.
        let found = told(50_000, "n_distinct=100 width=30");
        assert!(
            found.starts_with("low public.t: 326 MB of 391 MB are empty by estimate, 83.3 %"),
            "{found}"
        );
        assert!(told(250_000, "n_distinct=100 width=30").starts_with("medium "));
        assert_eq!(told(9_000, "n_distinct=100 width=30"), "");
        assert_eq!(told(14_000, "n_distinct=100 width=30"), "", "44 MB");
    }

    #[test]
    fn without_statistics_nothing_is_told() {
        assert_eq!(told(50_000, ""), "");
    }
}
