//! `long-transaction`: a transaction that runs for an hour.

use crate::audit::database::ago;
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::cluster::Session;
use crate::model::snapshot::Snapshot;
use crate::model::unit::Count;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "long-transaction",
    title: "A transaction has been running for an hour",
    page: "\
As long as a transaction runs, no row that died since it began (or since its current statement did) is removed, in any table. Updates and deletes of the other
sessions pile up behind it.

Told by: an active session whose transaction is open for an hour or more; from six hours on it is medium. Sessions that are idle in theirs are
told by idle-in-transaction.

Do: split the job into shorter transactions; run reports on a standby (with hot_standby_feedback off); statement_timeout for the roles of applications.

All right when: it is a dump, an index build or a report at its hour.",
    check: Check::Database(check),
};

/// Seconds from which on it is told, and matters.
const TOLD: f64 = 3600.0;
const MATTERS: f64 = 6.0 * 3600.0;

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    let sessions = snapshot.cluster.iter().flat_map(|c| &c.sessions);
    let active = |s: &&Session| {
        s.state.as_deref() == Some("active") && s.backend_type.as_deref() == Some("client backend")
    };
    let mut hits: Vec<(f64, DatabaseHit)> = sessions
        .filter(active)
        .filter_map(|session| {
            let seconds = snapshot.taken_at - session.xact_start?;
            (seconds >= TOLD).then(|| (seconds, hit(snapshot, session, seconds)))
        })
        .collect();
    hits.sort_by(|a, b| b.0.total_cmp(&a.0));
    hits.into_iter().map(|(_, hit)| hit).collect()
}

fn hit(snapshot: &Snapshot, session: &Session, seconds: f64) -> DatabaseHit {
    let of = |what: &Option<String>| what.clone().unwrap_or_default();
    let since = snapshot.taken_at - seconds;
    let mut evidence = vec![format!(
        "{} of {} in {} began {} ago",
        session.pid,
        of(&session.user),
        of(&session.database),
        ago(snapshot, since)
    )];
    if let Some(age) = session.xmin_age {
        evidence.push(format!(
            "VACUUM removes nothing that died in the last {} transactions",
            Count(age)
        ));
    }
    if let (Some(kind), Some(event)) = (&session.wait_event_type, &session.wait_event) {
        evidence.push(format!("it waits now: {kind} {event}"));
    }
    DatabaseHit {
        object: format!("session {}", session.pid),
        severity: if seconds >= MATTERS {
            Severity::Medium
        } else {
            Severity::Low
        },
        evidence,
        fix: Fix::from("split it into shorter transactions, or run it on a standby"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::testing::in_database;

    fn told(state: &str, backend_type: &str, seconds: f64) -> String {
        in_database("long-transaction", "", |s| {
            s.cluster.as_mut().unwrap().sessions = vec![Session {
                pid: 42,
                user: Some("report".into()),
                database: Some("shop".into()),
                backend_type: Some(backend_type.into()),
                state: Some(state.into()),
                xact_start: Some(s.taken_at - seconds),
                xmin_age: Some(1000.0),
                ..Session::default()
            }];
        })
    }

    #[test]
    fn it_is_told_by_how_long() {
        let found = told("active", "client backend", 7200.0);
        assert!(
            found.starts_with("low session 42: 42 of report in shop began 2.0 h ago"),
            "{found}"
        );
        assert!(told("active", "client backend", 30_000.0).starts_with("medium "));
        assert_eq!(told("active", "client backend", 600.0), "");
        assert_eq!(told("idle in transaction", "client backend", 7200.0), "");
        assert_eq!(told("active", "walsender", 7200.0), "");
    }
}
