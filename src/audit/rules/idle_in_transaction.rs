//! `idle-in-transaction`: sessions that hold a transaction open and do nothing.

use crate::audit::database::{ago, counters, set};
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::cluster::Session;
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "idle-in-transaction",
    title: "Sessions are idle in a transaction",
    page: "\
A session that began a transaction and waits for its application keeps its locks, and may keep VACUUM from removing any row that died since, in all tables. It
comes from work done between two statements (calls of other services, the user's thinking) or from a connection that was given back without COMMIT.

Told by: a session idle in a transaction for a minute or more; from 10 minutes on it is medium, from an hour on high. Or (14 and newer) sessions spend
more time idle in transactions than they spend executing, and 10 % or more of an hour each hour.

Do: end the transaction before the wait; idle_in_transaction_session_timeout ends those that forget.

All right when: a person looks at something in psql, for a moment.",
    check: Check::Database(check),
};

/// Seconds from which on it is told, matters, is urgent.
const TOLD: f64 = 60.0;
const MATTERS: f64 = 600.0;
const URGENT: f64 = 3600.0;
/// Share of the time in which some session is idle in a transaction.
const ALWAYS: f64 = 0.1;

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    let Some(cluster) = &snapshot.cluster else {
        return Vec::new();
    };
    let idle = |s: &&Session| {
        let state = s.state.as_deref().unwrap_or_default();
        let since = s.state_change.unwrap_or(snapshot.taken_at);
        state.starts_with("idle in transaction") && snapshot.taken_at - since >= TOLD
    };
    let mut sessions: Vec<&Session> = cluster.sessions.iter().filter(idle).collect();
    sessions.sort_by(|a, b| {
        a.state_change
            .unwrap_or(0.0)
            .total_cmp(&b.state_change.unwrap_or(0.0))
            .then(a.pid.cmp(&b.pid))
    });
    if sessions.is_empty() {
        return usually(snapshot).into_iter().collect();
    }
    sessions
        .into_iter()
        .map(|session| hit(snapshot, session))
        .collect()
}

fn hit(snapshot: &Snapshot, session: &Session) -> DatabaseHit {
    let since = session.state_change.unwrap_or(snapshot.taken_at);
    let seconds = snapshot.taken_at - since;
    let of = |what: &Option<String>| what.clone().unwrap_or_default();
    let mut evidence = vec![format!(
        "{} of {} in {} does nothing for {}{}",
        session.pid,
        of(&session.user),
        of(&session.database),
        ago(snapshot, since),
        session
            .application_name
            .as_ref()
            .filter(|name| !name.is_empty())
            .map_or_else(String::new, |name| format!(" ({name})"))
    )];
    if let Some(began) = session.xact_start {
        evidence.push(format!(
            "its transaction is open for {}",
            ago(snapshot, began)
        ));
    }
    if let Some(age) = session.xmin_age {
        evidence.push(format!(
            "VACUUM removes nothing that died in the last {} transactions",
            Count(age)
        ));
    }
    DatabaseHit {
        object: format!("session {}", session.pid),
        severity: match seconds {
            s if s >= URGENT => Severity::High,
            s if s >= MATTERS => Severity::Medium,
            _ => Severity::Low,
        },
        evidence,
        fix: fix(
            snapshot,
            &format!(
                "find out what it waits for; pg_terminate_backend({}) ends it",
                session.pid
            ),
        ),
    }
}

fn fix(snapshot: &Snapshot, advice: &str) -> Fix {
    let name = "idle_in_transaction_session_timeout";
    let unlimited = (snapshot.server.settings.get(name)).is_some_and(|s| s.setting == "0");
    if !unlimited {
        return Fix::from(advice);
    }
    Fix {
        changes: set(name, "5min"),
        ..Fix::from(format!("{advice}; a limit ends those that come"))
    }
}

/// What the counters say of all the time before.
fn usually(snapshot: &Snapshot) -> Option<DatabaseHit> {
    let (counters, seconds) = counters(snapshot)?;
    let (idle, active) = (counters.idle_in_transaction_time?, counters.active_time?);
    let share = idle / 1000.0 / seconds.max(3600.0);
    (idle > active && share >= ALWAYS).then(|| DatabaseHit {
        object: format!("database {}", snapshot.server.database),
        severity: Severity::Low,
        evidence: vec![format!(
            "on average {share:.1} sessions are idle in a transaction, {} of the time in which transactions are open",
            Percent(idle / (idle + active))
        )],
        fix: fix(snapshot, "do nothing else between BEGIN and COMMIT: no call of another service, no file, no thinking"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::testing::{in_database, set};
    use crate::model::cluster::DatabaseCounters;

    fn told(state: &str, seconds: f64, timeout: &str) -> String {
        in_database("idle-in-transaction", "", |s| {
            set(
                s,
                "idle_in_transaction_session_timeout",
                timeout,
                Some("ms"),
            );
            s.cluster.as_mut().unwrap().sessions = vec![Session {
                pid: 42,
                user: Some("app".into()),
                database: Some("shop".into()),
                state: Some(state.into()),
                state_change: Some(s.taken_at - seconds),
                ..Session::default()
            }];
        })
    }

    #[test]
    fn it_is_told_by_how_long() {
        let found = told("idle in transaction", 7200.0, "0");
        assert!(
            found.starts_with("high session 42: 42 of app in shop does nothing for 2.0 h"),
            "{found}"
        );
        assert!(
            found.contains("ALTER SYSTEM SET idle_in_transaction_session_timeout = '5min';"),
            "{found}"
        );
        assert!(!told("idle in transaction (aborted)", 700.0, "60000").contains("ALTER SYSTEM"));
        assert!(told("idle in transaction", 700.0, "0").starts_with("medium "));
        assert_eq!(told("idle in transaction", 5.0, "0"), "");
        assert_eq!(told("idle", 7200.0, "0"), "");
        assert_eq!(told("active", 7200.0, "0"), "");
    }

    #[test]
    fn counters_tell_of_the_time_before() {
        let told = |idle: f64, active: f64| {
            in_database("idle-in-transaction", "", |s| {
                s.cluster.as_mut().unwrap().counters = Some(DatabaseCounters {
                    idle_in_transaction_time: Some(idle * 864e5),
                    active_time: Some(active * 864e5),
                    stats_reset: Some(s.taken_at - 86_400.0),
                    ..DatabaseCounters::default()
                });
            })
        };
        assert!(
            told(3.0, 1.0).contains("on average 3.0 sessions are idle in a transaction, 75.0 %"),
            "{}",
            told(3.0, 1.0)
        );
        assert_eq!(told(0.05, 0.01), "");
        assert_eq!(told(1.0, 3.0), "");
    }
}
