//! `default-partition-filled`: rows that belong to no partition gather.

use crate::audit::database::stored;
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::catalog::Table;
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "default-partition-filled",
    title: "The default partition holds rows",
    page: "\
The default partition takes what fits into no other: mostly because the next partition was not made in time. Every query that prunes must read it as
well, and a new partition cannot be attached without reading all of it under a lock, or at all if it holds rows that belong there.

Told by: a partition FOR VALUES … DEFAULT with 1,000 rows or more.

Do: make the missing partitions: detach the default one (CONCURRENTLY), create them, move the rows, attach it again. Then see that partitions are made ahead
of time (pg_partman does).

All right when: it is meant to be the catch-all of a list partitioning.",
    check: Check::Database(check),
};

const ROWS: f64 = 1000.0;

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    let is_default = |t: &Table| {
        let storage = snapshot.definitions.storage(t.oid);
        storage.and_then(|s| s.partition_bound.as_deref()) == Some("DEFAULT")
    };
    let filled = stored(snapshot).filter(|t| is_default(t) && t.rows() >= ROWS);
    filled
        .map(|table| {
            let parent = snapshot.root_of(table);
            let share = (table.rows() / parent.rows().max(1.0)).min(1.0);
            let key = parent.partition_key.as_deref().unwrap_or_default();
            let ranges = key.to_ascii_uppercase().starts_with("RANGE");
            DatabaseHit {
                object: table.qualified().to_string(),
                severity: if ranges { Severity::Medium } else { Severity::Low },
                evidence: vec![format!("{} rows, {} of {}", Count(table.rows()), Percent(share), parent.qualified())],
                fix: Fix::from("make the partitions that are missing and move the rows there; see that they are made ahead of time"),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::in_database;
    use crate::model::definition::Storage;

    fn told(rows: u32, bound: &str) -> String {
        let ddl = format!(
            "create table t (a int) partition by range (a);\ncreate table t_d partition of t for values from (0) to (9); -- rows={rows} pages=10"
        );
        in_database("default-partition-filled", &ddl, |s| {
            let oid = s.tables.iter().find(|t| t.name == "t_d").unwrap().oid;
            s.definitions.storage = vec![Storage {
                oid,
                partition_bound: Some(bound.into()),
                ..Storage::default()
            }];
        })
    }

    #[test]
    fn rows_in_the_default_are_told_and_an_empty_one_is_not() {
        assert!(
            told(5000, "DEFAULT").contains("public.t_d: 5,000 rows"),
            "{}",
            told(5000, "DEFAULT")
        );
        assert_eq!(told(0, "DEFAULT"), "");
        assert_eq!(told(5000, "FOR VALUES FROM (0) TO (9)"), "");
    }
}
