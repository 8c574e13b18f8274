//! `invalid-index`: an index that writes maintain and no query may use.

use crate::audit::database::{bytes, tables};
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::catalog::TableKind;
use crate::model::change::Change;
use crate::model::snapshot::Snapshot;
use crate::model::unit::Bytes;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "invalid-index",
    title: "An index is invalid: written to, and never read",
    page: "\
CREATE INDEX CONCURRENTLY and REINDEX CONCURRENTLY that fail (a duplicate key, a deadlock, a cancelled session) leave their index behind, invalid.
Writes maintain it from then on, queries cannot use it, and a unique one may or may not refuse duplicates.

Told by: pg_index.indisvalid is false on an ordinary table. One that is being built right now looks the same: see
pg_stat_progress_create_index.

Do: REINDEX INDEX CONCURRENTLY, or drop it. What REINDEX left (names that end in _ccnew or _ccold) is dropped.

All right when: it is being built.",
    check: Check::Database(check),
};

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    let mut hits = Vec::new();
    // That of a partitioned table is invalid until all its partitions have theirs, which is another matter.
    for table in tables(snapshot).filter(|t| t.kind != TableKind::Partitioned) {
        for index in snapshot.indexes_of(table.oid).filter(|i| !i.valid) {
            let name = index.qualified();
            let digits = index.name.trim_end_matches(|c: char| c.is_ascii_digit());
            let left = digits.ends_with("_ccnew") || digits.ends_with("_ccold");
            let (advice, change) = if left {
                let concurrently = true;
                (
                    "drop what REINDEX CONCURRENTLY left, unless it still runs",
                    Change::DropIndex { name, concurrently },
                )
            } else {
                (
                    "build it again, or drop it, unless it is being built now",
                    Change::Reindex { name },
                )
            };
            hits.push(DatabaseHit {
                object: index.qualified().to_string(),
                severity: Severity::Medium,
                evidence: vec![
                    format!(
                        "{}, on {}",
                        Bytes(bytes(snapshot, index.oid, index.relpages)),
                        table.qualified()
                    ),
                    format!(
                        "it is {}{}",
                        if index.definition.unique {
                            "UNIQUE "
                        } else {
                            ""
                        },
                        index.definition
                    ),
                ],
                fix: Fix {
                    changes: vec![change],
                    ..Fix::from(advice)
                },
            });
        }
    }
    hits
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::in_database;

    fn told(index: &str) -> String {
        in_database(
            "invalid-index",
            &format!("create table t (id int primary key, a int);\n{index}"),
            |_| {},
        )
    }

    #[test]
    fn it_is_built_again_and_leftovers_are_dropped() {
        let found = told("create index i on t (a); -- invalid");
        assert!(
            found.contains("REINDEX INDEX CONCURRENTLY public.i;"),
            "{found}"
        );
        let found = told("create index i_ccnew1 on t (a); -- invalid");
        assert!(
            found.contains("DROP INDEX CONCURRENTLY public.i_ccnew1;"),
            "{found}"
        );
        assert_eq!(told("create index i on t (a);"), "");
    }
}
