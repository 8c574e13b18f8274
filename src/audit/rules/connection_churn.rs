//! `connection-churn`: sessions that live for a moment, and sessions that do nothing.

use crate::audit::database::{DAY, counters};
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::connections_near_limit::clients;
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Count, Millis, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "connection-churn",
    title: "Connections are opened for a moment each, or kept for nothing",
    page: "\
Each connection is a process of its own: opening one takes some milliseconds (with TLS and a password, tens), fills its caches anew and loses them at its end. A
thousand that do nothing still cost memory and make each snapshot of the others slower.

Told by: (14 and newer) one session a second or more is opened, which lives for 10 s or less on average; or 200 clients or more are connected, of which 90 % are
idle at the moment of the snapshot.

Do: a pool: in the application where it has one (and keeps connections longer than a request), else PgBouncer or its like in transaction mode.

All right when: a pooler is already there, and its own pool is what is seen here.",
    check: Check::Database(check),
};

/// Sessions a second, and how long they live, s.
const A_SECOND: f64 = 1.0;
const SHORT: f64 = 10.0;
/// Clients, and the share of idle ones.
const MANY: f64 = 200.0;
const IDLE: f64 = 0.9;

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    short(snapshot).into_iter().chain(idle(snapshot)).collect()
}

fn short(snapshot: &Snapshot) -> Option<DatabaseHit> {
    let (counters, seconds) = counters(snapshot)?;
    let (sessions, time) = (counters.sessions?, counters.session_time?);
    let (a_second, lives) = (sessions / seconds.max(1.0), time / sessions.max(1.0));
    let fits = a_second >= A_SECOND && lives <= SHORT * 1000.0 && seconds >= 600.0;
    fits.then(|| DatabaseHit {
        object: format!("database {}", snapshot.server.database),
        severity: if a_second >= 20.0 { Severity::High } else { Severity::Medium },
        evidence: vec![format!(
            "{} sessions a day are opened, {a_second:.1} a second; one lives for {} on average",
            Count(a_second * DAY),
            Millis(lives)
        )],
        fix: Fix::from("keep connections in a pool: in the application, or PgBouncer in transaction mode before the server"),
    })
}

fn idle(snapshot: &Snapshot) -> Option<DatabaseHit> {
    let (clients, idle) = clients(snapshot);
    let share = idle / clients;
    (clients >= MANY && share >= IDLE).then(|| DatabaseHit {
        object: "sessions".into(),
        severity: Severity::Low,
        evidence: vec![format!(
            "{} of {} clients are idle, {}",
            Count(idle),
            Count(clients),
            Percent(share)
        )],
        fix: Fix::from("let a pooler in transaction mode share a few dozen connections among them"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::testing::in_database;
    use crate::model::cluster::{DatabaseCounters, Session};

    fn told(sessions: f64, lives_ms: f64, idle: usize) -> String {
        in_database("connection-churn", "", |s| {
            let cluster = s.cluster.as_mut().unwrap();
            cluster.counters = Some(DatabaseCounters {
                sessions: Some(sessions),
                session_time: Some(sessions * lives_ms),
                stats_reset: Some(s.taken_at - DAY),
                ..DatabaseCounters::default()
            });
            let session = Session {
                backend_type: Some("client backend".into()),
                state: Some("idle".into()),
                ..Session::default()
            };
            cluster.sessions = vec![session; idle];
        })
    }

    #[test]
    fn short_sessions_are_told_and_long_or_few_ones_are_not() {
        let found = told(200_000.0, 50.0, 0);
        assert!(
            found.contains("200,000 sessions a day are opened, 2.3 a second; one lives for 50"),
            "{found}"
        );
        assert_eq!(told(200_000.0, 60_000.0, 0), "");
        assert_eq!(told(2_000.0, 50.0, 0), "");
    }

    #[test]
    fn hundreds_of_idle_ones_are_told() {
        assert!(
            told(10.0, 1e6, 400).contains("400 of 401 clients are idle"),
            "{}",
            told(10.0, 1e6, 400)
        );
        assert_eq!(told(10.0, 1e6, 50), "");
    }
}
