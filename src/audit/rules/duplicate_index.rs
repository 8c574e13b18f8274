//! `duplicate-index`: two indexes that are the same.

use crate::audit::database::{bytes, count, tables};
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::catalog::{Table, TableKind};
use crate::model::change::Change;
use crate::model::index::Index;
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Bytes, Count};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "duplicate-index",
    title: "Two indexes are the same",
    page: "\
Both are written by every insert, vacuumed, kept in memory and replicated; queries use one of them.

Told by: same table, method, keys with their order, operator classes and collations, INCLUDE columns and predicate. The one that backs
a constraint, or else the older one, stays.

Do: drop the other, concurrently.

All right when: one is about to replace the other (after REINDEX, or a change of definition).",
    check: Check::Database(check),
};

/// Bytes from which on it is more than untidy.
pub(super) const LARGE: f64 = 100.0 * 1024.0 * 1024.0;

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    superfluous(snapshot)
        .filter(|(_, index, other)| is_twin(index, other))
        .map(|(table, index, other)| {
            let evidence = format!(
                "{} has the same definition, {}",
                other.qualified(),
                other.definition
            );
            hit(snapshot, table, index, evidence)
        })
        .collect()
}

/// Indexes that another one of the table stands in for, with that one.
pub(super) fn superfluous(snapshot: &Snapshot) -> impl Iterator<Item = (&Table, &Index, &Index)> {
    tables(snapshot).flat_map(move |table| {
        let droppable = snapshot.indexes_of(table.oid).filter(|i| i.is_droppable());
        droppable.filter_map(move |index| {
            let mut others = snapshot.indexes_of(table.oid);
            let other = others.find(|other| other.stands_in_for(index))?;
            Some((table, index, other))
        })
    })
}

/// Whether they are of the same length, hence the same.
pub(super) fn is_twin(index: &Index, other: &Index) -> bool {
    index.definition.keys.len() == other.definition.keys.len()
        && index.definition.include.len() == other.definition.include.len()
}

/// The finding about an index that is to go.
pub(super) fn hit(
    snapshot: &Snapshot,
    table: &Table,
    index: &Index,
    evidence: String,
) -> DatabaseHit {
    let size = bytes(snapshot, index.oid, index.relpages);
    let writes = table
        .stats
        .as_ref()
        .map_or(0.0, |s| count(s.n_tup_ins + s.n_tup_upd - s.n_tup_hot_upd));
    DatabaseHit {
        object: index.qualified().to_string(),
        severity: if size >= LARGE {
            Severity::Medium
        } else {
            Severity::Low
        },
        evidence: vec![
            evidence,
            format!("{}, written {} times so far", Bytes(size), Count(writes)),
        ],
        fix: Fix {
            changes: vec![Change::DropIndex {
                name: index.qualified(),
                concurrently: table.kind != TableKind::Partitioned,
            }],
            ..Fix::from("drop it; the other answers the same queries")
        },
    }
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::in_database;

    const TABLE: &str =
        "create table t (id int primary key, a int, b int); -- rows=100000 pages=1000\n";

    fn told(rule: &str, indexes: &str) -> String {
        in_database(rule, &format!("{TABLE}{indexes}"), |_| {})
    }

    #[test]
    fn the_younger_of_twins_goes_and_a_longer_one_is_none() {
        let found = told(
            "duplicate-index",
            "create index i on t (a);\ncreate index j on t (a);",
        );
        assert!(
            found.contains("DROP INDEX CONCURRENTLY public.j;"),
            "{found}"
        );
        assert_eq!(found.lines().count(), 1, "{found}");
        for others in [
            "create index i on t (a);\ncreate index j on t (a desc, b);",
            "create index i on t (a);\ncreate unique index j on t (b);",
            "create index i on t (a);\ncreate index j on t (a) where b = 1;",
            "create index i on t (a);\ncreate index j on t (a); -- invalid",
        ] {
            assert_eq!(told("duplicate-index", others), "", "{others}");
        }
    }

    #[test]
    fn the_twin_of_a_key_goes_and_the_key_stays() {
        let found = told("duplicate-index", "create index i on t (id);");
        assert!(
            found.contains("DROP INDEX CONCURRENTLY public.i;"),
            "{found}"
        );
    }

    #[test]
    fn the_beginning_of_another_is_redundant_and_no_twin() {
        let two = "create index i on t (a); -- pages=100\ncreate index j on t (a, b); -- pages=150";
        let found = told("redundant-index", two);
        assert!(
            found.contains("DROP INDEX CONCURRENTLY public.i;"),
            "{found}"
        );
        assert_eq!(told("duplicate-index", two), "");
        assert_eq!(
            told("redundant-index", &two.replace("150", "900")),
            "",
            "a far larger one is no substitute"
        );
        assert_eq!(
            told(
                "redundant-index",
                "create index i on t (b);\ncreate index j on t (a, b);"
            ),
            ""
        );
    }
}
