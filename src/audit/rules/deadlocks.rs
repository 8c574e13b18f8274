//! `deadlocks`: transactions that wait for each other.

use crate::audit::database::{DAY, counters};
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::snapshot::Snapshot;
use crate::model::unit::Count;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "deadlocks",
    title: "Deadlocks happen",
    page: "\
Two transactions that lock the same rows in different orders wait for each other, until after deadlock_timeout one of them is cancelled. Its work is lost, and all the while
both held up others.

Told by: pg_stat_database.deadlocks: one a day or more on average.

Do: the log names both statements of each. Lock rows in one order everywhere (ORDER BY key in SELECT … FOR UPDATE and before batch updates), keep transactions short,
take the strongest lock first.

All right when: the application tries again, and it is rare.",
    check: Check::Database(check),
};

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    hit(snapshot).into_iter().collect()
}

fn hit(snapshot: &Snapshot) -> Option<DatabaseHit> {
    let (counters, seconds) = counters(snapshot)?;
    let days = (seconds / DAY).max(1.0);
    let a_day = counters.deadlocks / days;
    (a_day >= 1.0).then(|| DatabaseHit {
        object: format!("database {}", snapshot.server.database),
        severity: if a_day >= 100.0 { Severity::Medium } else { Severity::Low },
        evidence: vec![format!("{} deadlocks in {days:.1} days, {a_day:.1} a day", Count(counters.deadlocks))],
        fix: Fix::from("the log names the statements; lock rows in one order everywhere, and keep transactions short"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::testing::in_database;
    use crate::model::cluster::DatabaseCounters;

    #[test]
    fn it_is_told_by_the_day() {
        let told = |deadlocks: f64| {
            in_database("deadlocks", "", |s| {
                let stats_reset = Some(s.taken_at - 10.0 * DAY);
                s.cluster.as_mut().unwrap().counters = Some(DatabaseCounters {
                    deadlocks,
                    stats_reset,
                    ..DatabaseCounters::default()
                });
            })
        };
        assert!(
            told(50.0).contains("50 deadlocks in 10.0 days, 5.0 a day"),
            "{}",
            told(50.0)
        );
        assert!(told(5000.0).starts_with("medium "));
        assert_eq!(told(3.0), "");
    }
}
