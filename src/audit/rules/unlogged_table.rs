//! `unlogged-table`: a table that a crash empties.

use crate::audit::database::stored;
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::snapshot::Snapshot;
use crate::model::unit::Count;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "unlogged-table",
    title: "The table is unlogged: a crash empties it",
    page: "\
An unlogged table writes no WAL. That is fast; after a crash it is empty, it is empty on every standby, and hence after a failover.

Told by: relpersistence is u and there are rows.

Do: if the rows are needed, ALTER TABLE … SET LOGGED (which writes the table anew under a lock).

All right when: it holds what can be made anew: caches, staging, sessions.",
    check: Check::Database(check),
};

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    let unlogged = stored(snapshot).filter(|t| t.persistence == "u" && t.rows() >= 1.0);
    unlogged
        .map(|table| DatabaseHit {
            object: table.qualified().to_string(),
            severity: Severity::Info,
            evidence: vec![format!("{} rows", Count(table.rows()))],
            fix: Fix::from("ALTER TABLE … SET LOGGED, unless what it holds can be made anew"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::in_database;

    #[test]
    fn an_unlogged_one_is_told_and_a_logged_one_is_not() {
        let told = |persistence: &str| {
            in_database(
                "unlogged-table",
                "create table t (id int primary key); -- rows=10 pages=1",
                |s| {
                    s.tables[0].persistence = persistence.into();
                },
            )
        };
        assert!(
            told("u").starts_with("info public.t: 10 rows"),
            "{}",
            told("u")
        );
        assert_eq!(told("p"), "");
    }
}
