//! `many-partitions`: so many partitions that planning takes longer than they save.

use crate::audit::database::tables;
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::catalog::{Table, TableKind};
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Bytes, Count};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "many-partitions",
    title: "The table has very many partitions",
    page: "\
Every statement that does not name the partition key plans, locks and opens all of them, with all their indexes; each session caches what it knows of each. A generic
plan holds them all.

Told by: 1,000 partitions or more, and 100 MB or less each on average.

Do: larger ranges: months instead of days, days instead of hours. Partitions of some GB are as easy to drop.

All right when: every statement names the key, and the partitions are dropped one by one.",
    check: Check::Database(check),
};

const MANY: usize = 1000;
const SMALL: f64 = 100.0 * 1024.0 * 1024.0;

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    let roots =
        tables(snapshot).filter(|t| t.kind == TableKind::Partitioned && t.parent_oid.is_none());
    roots.filter_map(|root| hit(snapshot, root)).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a count of tables")]
fn hit(snapshot: &Snapshot, root: &Table) -> Option<DatabaseHit> {
    let below = |t: &&Table| {
        t.parent_oid.is_some() && t.kind == TableKind::Table && snapshot.root_of(t).oid == root.oid
    };
    let partitions: Vec<&Table> = snapshot.tables.iter().filter(below).collect();
    let pages: f64 = partitions.iter().map(|t| t.relpages.max(0.0)).sum();
    let each = pages * 8192.0 / partitions.len().max(1) as f64;
    (partitions.len() >= MANY && each <= SMALL).then(|| DatabaseHit {
        object: root.qualified().to_string(),
        severity: Severity::Low,
        evidence: vec![format!(
            "{} partitions of {} each on average",
            Count(partitions.len() as f64),
            Bytes(each)
        )],
        fix: Fix::from("make the ranges larger: fewer, larger partitions"),
    })
}

#[cfg(test)]
mod tests {
    use super::MANY;
    use crate::audit::testing::in_database;

    fn told(partitions: usize, pages: f64) -> String {
        let ddl = "create table t (a int) partition by range (a);\ncreate table p partition of t for values from (0) to (9);";
        in_database("many-partitions", ddl, |s| {
            let mut one = s.tables.iter().find(|t| t.name == "p").unwrap().clone();
            s.tables.retain(|t| t.name != "p");
            for at in 0..partitions {
                one.oid = 100_000 + u32::try_from(at).unwrap();
                one.relpages = pages;
                s.tables.push(one.clone());
            }
        })
    }

    #[test]
    fn many_small_ones_are_told() {
        assert!(
            told(MANY, 100.0).contains("1,000 partitions of 800 kB each"),
            "{}",
            told(MANY, 100.0)
        );
        assert_eq!(told(100, 100.0), "");
        assert_eq!(told(MANY, 100_000.0), "");
    }
}
