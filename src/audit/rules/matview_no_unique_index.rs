//! `matview-no-unique-index`: a materialized view that locks out its readers when it is refreshed.

use crate::audit::database::tables;
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::catalog::TableKind;
use crate::model::snapshot::Snapshot;
use crate::model::unit::Bytes;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "matview-no-unique-index",
    title: "The materialized view cannot be refreshed concurrently",
    page: "\
REFRESH MATERIALIZED VIEW locks out every reader while its query runs. REFRESH … CONCURRENTLY does not, and needs a unique index on plain columns, over all rows.

Told by: a materialized view of 100 pages or more without such an index.

Do: CREATE UNIQUE INDEX on the columns that identify a row, then refresh concurrently.

All right when: it is refreshed when nobody reads, or never.",
    check: Check::Database(check),
};

const PAGES: f64 = 100.0;

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    let views =
        tables(snapshot).filter(|t| t.kind == TableKind::MaterializedView && t.relpages >= PAGES);
    let without = views.filter(|view| {
        !snapshot.indexes_of(view.oid).any(|index| {
            let definition = &index.definition;
            definition.unique
                && index.valid
                && definition.predicate.is_none()
                && definition.key_columns().count() == definition.keys.len()
        })
    });
    without
        .map(|view| DatabaseHit {
            object: view.qualified().to_string(),
            severity: Severity::Info,
            evidence: vec![format!("{}, and no unique index", Bytes(view.relpages * 8192.0))],
            fix: Fix::from("create a unique index on the columns that identify a row, then REFRESH MATERIALIZED VIEW CONCURRENTLY"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::in_database;

    #[test]
    fn it_needs_a_unique_index_on_all_rows() {
        let told = |index: &str| {
            let ddl = format!(
                "create table t (a int primary key, b int);\ncreate materialized view m as select a, b from t; -- rows=90000 pages=500\n{index}"
            );
            in_database("matview-no-unique-index", &ddl, |s| {
                for table in &mut s.tables {
                    if table.name == "m" {
                        table.relpages = 500.0;
                    }
                }
            })
        };
        assert!(told("").starts_with("info public.m: "), "{}", told(""));
        assert!(told("create index i on m (a);").starts_with("info "));
        assert_eq!(told("create unique index i on m (a);"), "");
    }
}
