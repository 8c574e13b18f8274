//! `unused-index`: an index that no query has read.

use crate::audit::database::{ENOUGH_DAYS, bytes, count, days, tables};
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::duplicate_index::{LARGE, superfluous};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::catalog::{Constraint, ConstraintKind, Table, TableKind};
use crate::model::change::Change;
use crate::model::index::Index;
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Bytes, Count, Millis};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "unused-index",
    title: "No query has read the index",
    page: "\
Every insert, and every update that is not HOT, writes to it; it occupies memory and is vacuumed and replicated. What nobody reads costs all that for
nothing.

Told by: idx_scan is 0 although the counters count for a week or more; the index has 1 MB or more. Left alone are indexes that
back constraints, unique ones, those of a replica identity, and those that serve a foreign key. On a standby nothing is told: it counts its own reads only.

Do: look at the same counter on every standby, and think of what runs once a month or a year; then drop it, concurrently. The definition
stands in the finding, should it be wanted again.

All right when: it is kept for a rare job, or was made for a query that comes.",
    check: Check::Database(check),
};

/// A smaller one costs nothing worth a person's time.
const LEAST_BYTES: f64 = 1024.0 * 1024.0;

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    if snapshot.server.in_recovery || days(snapshot) < ENOUGH_DAYS {
        return Vec::new();
    }
    let told: Vec<u32> = superfluous(snapshot)
        .map(|(_, index, _)| index.oid)
        .collect();
    let mut hits = Vec::new();
    for table in tables(snapshot) {
        let unused = snapshot.indexes_of(table.oid).filter(|index| {
            let read = index.stats.as_ref().map(|s| s.idx_scan);
            index.is_droppable()
                && read == Some(0)
                && bytes(snapshot, index.oid, index.relpages) >= LEAST_BYTES
                && !told.contains(&index.oid)
                && !serves_foreign_key(snapshot, table, index)
        });
        hits.extend(unused.map(|index| hit(snapshot, table, index)));
    }
    hits
}

/// Whether deletes in another table would need it: they may be rare, and slow without it.
fn serves_foreign_key(snapshot: &Snapshot, table: &Table, index: &Index) -> bool {
    let first = index
        .definition
        .keys
        .first()
        .and_then(|key| key.column_name());
    let begins = |c: &Constraint| c.columns.iter().any(|name| Some(name.as_str()) == first);
    let mut keys = snapshot.constraints_of(table.oid);
    keys.any(|c| c.kind == ConstraintKind::ForeignKey && begins(c))
}

fn hit(snapshot: &Snapshot, table: &Table, index: &Index) -> DatabaseHit {
    let size = bytes(snapshot, index.oid, index.relpages);
    let writes = table
        .stats
        .as_ref()
        .map_or(0.0, |s| count(s.n_tup_ins + s.n_tup_upd - s.n_tup_hot_upd));
    let standbys = snapshot.cluster.as_ref().map_or(0, |c| c.standbys.len());
    let mut evidence = vec![
        format!("no scan in {}", Millis(days(snapshot) * 86_400_000.0)),
        format!(
            "{}, written {} times in that time",
            Bytes(size),
            Count(writes)
        ),
        format!("it is {}", index.definition),
    ];
    if standbys > 0 {
        evidence.push("standbys are connected, whose reads are not counted here".into());
    }
    DatabaseHit {
        object: index.qualified().to_string(),
        severity: if size >= LARGE && writes > 0.0 && standbys == 0 {
            Severity::Medium
        } else {
            Severity::Low
        },
        evidence,
        fix: Fix {
            changes: vec![Change::DropIndex {
                name: index.qualified(),
                concurrently: table.kind != TableKind::Partitioned,
            }],
            ..Fix::from("drop it, once neither a standby nor a rare job is known to read it")
        },
    }
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::in_database;
    use crate::model::cluster::Standby;
    use crate::model::snapshot::Snapshot;

    fn told(index: &str, change: impl FnOnce(&mut Snapshot)) -> String {
        let ddl = format!(
            "create table p (id int primary key);\ncreate table t (id int primary key, a int, p_id int references p); -- rows=1000000 pages=10000 n_tup_ins=500\n{index}"
        );
        in_database("unused-index", &ddl, change)
    }

    #[test]
    fn what_nobody_read_for_a_month_is_told() {
        let found = told("create index i on t (a); -- pages=20000 idx_scan=0", |_| {});
        assert!(
            found.starts_with("medium public.i: no scan in 30.0 days"),
            "{found}"
        );
        let found = told("create index i on t (a); -- pages=20000 idx_scan=0", |s| {
            s.cluster.as_mut().unwrap().standbys = vec![Standby::default()];
        });
        assert!(
            found.starts_with("low ") && found.contains("standbys"),
            "{found}"
        );
    }

    #[test]
    fn what_is_read_small_needed_or_counted_shortly_is_not() {
        for index in [
            "create index i on t (a); -- pages=20000 idx_scan=3",
            "create index i on t (a); -- pages=20 idx_scan=0",
            "create unique index i on t (a); -- pages=20000 idx_scan=0",
            "create index i on t (p_id); -- pages=20000 idx_scan=0",
        ] {
            assert_eq!(told(index, |_| {}), "", "{index}");
        }
        let index = "create index i on t (a); -- pages=20000 idx_scan=0";
        let young = |s: &mut Snapshot| s.server.stats_reset = Some(s.taken_at - 86_400.0);
        assert_eq!(told(index, young), "");
        assert_eq!(told(index, |s| s.server.in_recovery = true), "");
    }
}
