//! `connections-near-limit`: soon nobody can connect.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::cluster::Session;
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "connections-near-limit",
    title: "Nearly all connections are taken",
    page: "\
At max_connections (less those reserved for superusers) further clients are refused. Mostly many of the sessions are idle: each application process keeps some.

Told by: 80 % or more of the connections that ordinary roles may have are taken at the moment of the snapshot; from 90 % on it is high.

Do: a pooler in transaction mode (PgBouncer and its like) lets a few dozen connections serve thousands of clients; smaller pools in the applications. More
max_connections is the last thing: it takes memory, a restart, and snapshots become slower.

All right when: a deployment just doubles the pools for a moment.",
    check: Check::Database(check),
};

const TOLD: f64 = 0.8;
const URGENT: f64 = 0.9;

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    hit(snapshot).into_iter().collect()
}

/// Sessions of clients. Without the privilege their kind is hidden, but they have a database; our own is one more.
#[expect(clippy::cast_precision_loss, reason = "nobody has 2^52 sessions")]
pub(super) fn clients(snapshot: &Snapshot) -> (f64, f64) {
    let sessions = snapshot.cluster.iter().flat_map(|c| &c.sessions);
    let client = |s: &&Session| match s.backend_type.as_deref() {
        Some(kind) => kind == "client backend",
        None => s.database.is_some(),
    };
    let clients: Vec<&Session> = sessions.filter(client).collect();
    let idle = clients
        .iter()
        .filter(|s| s.state.as_deref() == Some("idle"))
        .count();
    (clients.len() as f64 + 1.0, idle as f64)
}

fn hit(snapshot: &Snapshot) -> Option<DatabaseHit> {
    let number = |name: &str| snapshot.server.number(name, 0.0);
    let limit = number("max_connections")
        - number("superuser_reserved_connections")
        - number("reserved_connections");
    let (clients, idle) = clients(snapshot);
    let share = clients / limit;
    (limit > 0.0 && share >= TOLD).then(|| DatabaseHit {
        object: "max_connections".into(),
        severity: if share >= URGENT { Severity::High } else { Severity::Medium },
        evidence: vec![
            format!("{} of {} connections are taken, {}", Count(clients), Count(limit), Percent(share.min(1.0))),
            format!("{} of them are idle", Count(idle)),
        ],
        fix: Fix::from("put a pooler in transaction mode before the server, or make the applications' pools smaller"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::testing::{in_database, set};

    fn told(sessions: usize) -> String {
        in_database("connections-near-limit", "", |s| {
            set(s, "max_connections", "103", None);
            set(s, "superuser_reserved_connections", "3", None);
            let session = Session {
                database: Some("shop".into()),
                backend_type: Some("client backend".into()),
                state: Some("idle".into()),
                ..Session::default()
            };
            let worker = Session {
                backend_type: Some("walwriter".into()),
                ..Session::default()
            };
            let sessions =
                std::iter::repeat_n(session, sessions).chain(std::iter::repeat_n(worker, 50));
            s.cluster.as_mut().unwrap().sessions = sessions.collect();
        })
    }

    #[test]
    fn it_is_told_by_the_share_of_clients() {
        assert!(told(95).starts_with("high max_connections: 96 of 100 connections are taken, 96.0 % | 95 of them are idle"), "{}", told(95));
        assert!(told(81).starts_with("medium "));
        assert_eq!(told(60), "");
    }
}
