//! `rollbacks`: many transactions do their work for nothing.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "rollbacks",
    title: "Many transactions are rolled back",
    page: "\
A transaction that is rolled back has read, locked and written like any other; rows that it wrote are dead at once. Mostly it is an error: a unique key that was there,
a serialization failure, a timeout, a statement that no longer fits the schema.

Told by: 10 % or more of 10,000 transactions or more ended in ROLLBACK.

Do: look into the log for the errors. INSERT … ON CONFLICT instead of an insert that fails; shorter transactions against serialization failures.

All right when: a framework ends transactions that only read with ROLLBACK.",
    check: Check::Database(check),
};

const LEAST: f64 = 10_000.0;
const TOLD: f64 = 0.1;

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    hit(snapshot).into_iter().collect()
}

fn hit(snapshot: &Snapshot) -> Option<DatabaseHit> {
    let counters = snapshot.cluster.as_ref()?.counters.as_ref()?;
    let all = counters.xact_commit + counters.xact_rollback;
    let share = counters.xact_rollback / all.max(1.0);
    (all >= LEAST && share >= TOLD).then(|| DatabaseHit {
        object: format!("database {}", snapshot.server.database),
        severity: Severity::Low,
        evidence: vec![format!(
            "{} of {} transactions, {}",
            Count(counters.xact_rollback),
            Count(all),
            Percent(share)
        )],
        fix: Fix::from("look into the log for the errors behind them"),
    })
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::in_database;
    use crate::model::cluster::DatabaseCounters;

    #[test]
    fn it_is_told_by_the_share_of_many() {
        let told = |xact_commit: f64, xact_rollback: f64| {
            in_database("rollbacks", "", |s| {
                s.cluster.as_mut().unwrap().counters = Some(DatabaseCounters {
                    xact_commit,
                    xact_rollback,
                    ..DatabaseCounters::default()
                });
            })
        };
        assert!(
            told(50_000.0, 10_000.0).contains("10,000 of 60,000 transactions, 16.7 %"),
            "{}",
            told(50_000.0, 10_000.0)
        );
        assert_eq!(told(50_000.0, 1_000.0), "");
        assert_eq!(told(500.0, 100.0), "");
    }
}
