//! `partition-candidate`: a very large table in order of time.

use crate::audit::database::{bytes, count, tables};
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::catalog::{Column, Table, TableKind};
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Bytes, Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "partition-candidate",
    title: "A very large table grows in order of time",
    page: "\
Old rows of such a table are mostly dropped or moved away one day. From one table that is a DELETE of millions of rows, with dead rows, bloat and WAL; from a
partitioned one it is a DROP. Vacuum, index builds and copies work on one partition at a time, and queries of a time read its partitions only.

Told by: an ordinary table of 50 GB or more whose rows lie in the order of a date or timestamp column (correlation 0.9 or more); it matters more where a
tenth as many rows as are inserted are deleted.

Do: partition it by range of that column, a few dozen to a few hundred partitions. Unique keys must then hold the column, and queries should name it. Moving a large
table needs a plan: a new partitioned table, attach the old one as its first partition, or copy in batches.

All right when: its rows are read by key only, and none ever goes.",
    check: Check::Database(check),
};

/// Bytes from which on it is worth the work.
const LARGE: f64 = 50.0 * 1024.0 * 1024.0 * 1024.0;
/// In order of the column.
const ORDERED: f64 = 0.9;
/// Deletes for each insert that show that old rows go.
const GOES: f64 = 0.1;

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    let whole = tables(snapshot).filter(|t| t.kind == TableKind::Table && t.parent_oid.is_none());
    whole.filter_map(|table| hit(snapshot, table)).collect()
}

fn hit(snapshot: &Snapshot, table: &Table) -> Option<DatabaseHit> {
    let size = bytes(snapshot, table.oid, table.relpages);
    let in_order = |c: &&Column| {
        let correlation = c.stats.as_ref().and_then(|s| s.correlation);
        c.category == "D" && c.base_type != "interval" && correlation.is_some_and(|r| r >= ORDERED)
    };
    let column = table
        .columns
        .iter()
        .find(in_order)
        .filter(|_| size >= LARGE)?;
    let stats = table.stats.as_ref();
    let (inserted, deleted) =
        stats.map_or((0.0, 0.0), |s| (count(s.n_tup_ins), count(s.n_tup_del)));
    let goes = deleted > 0.0 && deleted >= GOES * inserted;
    let mut evidence = vec![format!(
        "{}, {} rows in the order of {}",
        Bytes(size),
        Count(table.rows()),
        column.name
    )];
    if goes {
        let share = (deleted / inserted.max(1.0)).min(1.0);
        evidence.push(format!(
            "{} rows were deleted, {} of those inserted",
            Count(deleted),
            Percent(share)
        ));
    }
    Some(DatabaseHit {
        object: table.qualified().to_string(),
        severity: if goes {
            Severity::Medium
        } else {
            Severity::Info
        },
        evidence,
        fix: Fix::from(format!(
            "partition it by range of {}: old rows go by DROP then",
            column.name
        )),
    })
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::in_database;

    fn told(pages: u64, correlation: f64, deleted: u64) -> String {
        let ddl = format!(
            "create table t (\n id bigint primary key,\n at timestamptz -- n_distinct=-1 correlation={correlation}\n); -- rows=1000000000 pages={pages} n_tup_ins=1000000 n_tup_del={deleted}"
        );
        in_database("partition-candidate", &ddl, |_| {})
    }

    #[test]
    fn a_large_table_in_order_of_time_is_told() {
        assert!(
            told(8_000_000, 0.99, 0).starts_with("info "),
            "{}",
            told(8_000_000, 0.99, 0)
        );
        assert!(told(8_000_000, 0.99, 500_000).starts_with("medium "));
        assert_eq!(told(800_000, 0.99, 0), "");
        assert_eq!(told(8_000_000, 0.2, 0), "");
    }
}
