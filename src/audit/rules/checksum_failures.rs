//! `checksum-failures`: pages that are not as they were written.

use crate::audit::database::ago;
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::snapshot::Snapshot;
use crate::model::unit::Count;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "checksum-failures",
    title: "Pages with a wrong checksum were read",
    page: "\
A page whose checksum does not fit was changed outside of PostgreSQL: by a disk, a controller, a file system, memory. What stood on it cannot be trusted.

Told by: pg_stat_database.checksum_failures is above 0.

Do: now: look into the log which relation it is, and take no backup over the last good one. Move to a standby or restore; then find the part that fails. pg_amcheck
tells what else is damaged.

All right when: never; a failure that was repaired goes away with pg_stat_reset.",
    check: Check::Database(check),
};

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    let counters = snapshot.cluster.as_ref().and_then(|c| c.counters.as_ref());
    let failures = counters.and_then(|c| {
        Some((
            c.checksum_failures.filter(|n| *n > 0.0)?,
            c.checksum_last_failure,
        ))
    });
    let hit = failures.map(|(failures, last)| {
        let last = last.map_or_else(String::new, |last| format!(", the last {} ago", ago(snapshot, last)));
        DatabaseHit {
            object: format!("database {}", snapshot.server.database),
            severity: Severity::High,
            evidence: vec![format!("{} failures{last}", Count(failures))],
            fix: Fix::from("find the relation in the log, keep the last good backup, and move to a healthy machine"),
        }
    });
    hit.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::in_database;
    use crate::model::cluster::DatabaseCounters;

    #[test]
    fn one_failure_is_told_and_none_is_not() {
        let told = |failures: Option<f64>| {
            in_database("checksum-failures", "", |s| {
                let counters = DatabaseCounters {
                    checksum_failures: failures,
                    ..DatabaseCounters::default()
                };
                s.cluster.as_mut().unwrap().counters = Some(counters);
            })
        };
        assert!(told(Some(1.0)).starts_with("high "));
        assert_eq!(told(Some(0.0)), "");
        assert_eq!(told(None), "");
    }
}
