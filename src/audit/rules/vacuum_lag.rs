//! `vacuum-lag`: dead rows pile up.

use crate::audit::database::{ago, count, holders, option, setting_of, stored};
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::catalog::Table;
use crate::model::change::Change;
use crate::model::snapshot::Snapshot;
use crate::model::stats::TableStats;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "vacuum-lag",
    title: "Dead rows pile up in the table",
    page: "\
UPDATE and DELETE leave the old row behind until VACUUM removes it. Scans read dead rows, indexes point to them, and the room that they take
stays taken. Autovacuum begins at autovacuum_vacuum_threshold (50) plus autovacuum_vacuum_scale_factor (0.2) of the rows: for a table of a
hundred million rows that is twenty million dead ones.

Told by: n_dead_tup is 10,000 or more and either twice what autovacuum of this table begins at, or a fifth of all rows. Half of the rows is
high.

Do: VACUUM it now; then remove the cause: a transaction, slot or standby that holds old rows back (named in the finding where it is seen), a scale factor too
large for a large table (set it for the table, e.g. 0.02), workers too few or too slow (autovacuum_max_workers, autovacuum_vacuum_cost_limit).

All right when: a batch job has just changed the table, and autovacuum will come.",
    check: Check::Database(check),
};

/// Fewer are nothing.
const ROWS: f64 = 10_000.0;
/// Share of all rows that is told, and that is much.
const TOLD: f64 = 0.2;
const MUCH: f64 = 0.5;
/// How far beyond what autovacuum begins at.
const TIMES: f64 = 2.0;
/// Transactions old that what holds rows back is at least, to be the cause.
const OLD: f64 = 10_000.0;

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    let hit = |table: &Table| {
        let stats = table.stats.as_ref()?;
        let (dead, live) = (count(stats.n_dead_tup), count(stats.n_live_tup));
        let share = dead / (dead + live).max(1.0);
        let begins = setting_of(snapshot, table, "autovacuum_vacuum_threshold", 50.0)
            + setting_of(snapshot, table, "autovacuum_vacuum_scale_factor", 0.2) * table.rows();
        let lags = dead >= ROWS && (share >= TOLD || dead >= TIMES * begins);
        lags.then(|| (share, hit(snapshot, table, stats, share, begins)))
    };
    let mut hits: Vec<(f64, DatabaseHit)> = stored(snapshot).filter_map(hit).collect();
    hits.sort_by(|a, b| b.0.total_cmp(&a.0));
    hits.into_iter().map(|(_, hit)| hit).collect()
}

fn hit(
    snapshot: &Snapshot,
    table: &Table,
    stats: &TableStats,
    share: f64,
    begins: f64,
) -> DatabaseHit {
    let dead = count(stats.n_dead_tup);
    let last = match stats.last_vacuum {
        Some(last) => format!("last vacuumed {} ago", ago(snapshot, last)),
        None => "never vacuumed since the counters count".into(),
    };
    let mut evidence = vec![
        format!("{} dead rows, {} of all", Count(dead), Percent(share)),
        format!("autovacuum begins at {}; {last}", Count(begins)),
    ];
    let holders = snapshot.cluster.as_ref().map(holders).unwrap_or_default();
    let holder = holders.into_iter().find(|(age, _)| *age >= OLD);
    let off = option(snapshot, table, "autovacuum_enabled")
        .is_some_and(|v| matches!(v, "false" | "off" | "0"));
    let advice = match (&holder, off) {
        (Some((age, what)), _) => {
            evidence.push(format!("{what} holds rows back since {} transactions", Count(*age)));
            format!("end {what}, then vacuum: no row that it may still see can be removed")
        }
        (None, true) => "vacuum it, and switch autovacuum on for it".into(),
        (None, false) if dead < begins => "vacuum it; let autovacuum begin sooner: a smaller autovacuum_vacuum_scale_factor for this table".into(),
        (None, false) => "vacuum it, and give autovacuum more to work with: autovacuum_vacuum_cost_limit, autovacuum_max_workers".into(),
    };
    let mut changes = vec![Change::Vacuum {
        table: table.qualified(),
        freeze: false,
    }];
    if holder.is_none() && !off && dead < begins {
        changes.push(Change::SetOption {
            table: table.qualified(),
            name: "autovacuum_vacuum_scale_factor".into(),
            value: "0.02".into(),
        });
    }
    DatabaseHit {
        object: table.qualified().to_string(),
        severity: match share {
            share if share >= MUCH => Severity::High,
            share if share >= TOLD => Severity::Medium,
            _ => Severity::Low,
        },
        evidence,
        fix: Fix {
            changes,
            ..Fix::from(advice)
        },
    }
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::in_database;
    use crate::model::cluster::Session;
    use crate::model::snapshot::Snapshot;

    fn told(live: u64, dead: u64, change: impl FnOnce(&mut Snapshot)) -> String {
        let ddl = format!(
            "create table t (id int primary key); -- rows={live} pages=5000 n_live_tup={live} n_dead_tup={dead}"
        );
        in_database("vacuum-lag", &ddl, change)
    }

    #[test]
    fn it_is_told_by_the_share_or_by_the_lag() {
        assert!(told(100_000, 200_000, |_| {}).starts_with("high "));
        assert!(told(100_000, 30_000, |_| {}).starts_with("medium "));
        assert_eq!(
            told(100_000, 19_000, |_| {}),
            "",
            "autovacuum is about to begin"
        );
        assert_eq!(told(100, 9_000, |_| {}), "", "few");
        let early = |s: &mut Snapshot| {
            let storage = crate::model::definition::Storage {
                oid: s.tables[0].oid,
                options: vec!["autovacuum_vacuum_scale_factor=0.01".into()],
                ..Default::default()
            };
            s.definitions.storage.push(storage);
        };
        assert!(
            told(1_000_000, 25_000, early).starts_with("low "),
            "twice what the table's own setting says"
        );
    }

    #[test]
    fn what_holds_rows_back_is_named() {
        let held = |s: &mut Snapshot| {
            s.cluster.as_mut().unwrap().sessions = vec![Session {
                pid: 77,
                backend_type: Some("client backend".into()),
                state: Some("idle in transaction".into()),
                xmin_age: Some(50_000.0),
                ..Session::default()
            }];
        };
        let found = told(100_000, 200_000, held);
        assert!(
            found.contains("end client backend 77 (idle in transaction), then vacuum"),
            "{found}"
        );
    }
}
