//! Sessions and the locks that they wait for, at one instant.

use serde::{Deserialize, Serialize};

/// One row of `pg_stat_activity`. Times are Unix seconds; without `pg_read_all_stats` other roles' sessions have no state.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Activity {
    /// Process.
    pub pid: i32,
    /// The session that a parallel worker works for.
    pub leader_pid: Option<i32>,
    /// `datname`.
    pub database: Option<String>,
    /// `usename`.
    pub user: Option<String>,
    /// `application_name`.
    pub application_name: Option<String>,
    /// `client_addr`; none over a socket.
    pub client_addr: Option<String>,
    /// `client backend`, `autovacuum worker`, …
    pub backend_type: Option<String>,
    /// `active`, `idle in transaction`, …
    pub state: Option<String>,
    /// `wait_event_type`.
    pub wait_event_type: Option<String>,
    /// `wait_event`.
    pub wait_event: Option<String>,
    /// Since when it is connected; with the pid it is a session's identity, for pids are used again.
    pub backend_start: Option<f64>,
    /// The same as the server writes it, to the microsecond.
    pub backend_start_text: Option<String>,
    /// Since when its transaction is open.
    pub xact_start: Option<f64>,
    /// Since when its statement runs, or when the last one began.
    pub query_start: Option<f64>,
    /// Since when it has its state.
    pub state_change: Option<f64>,
    /// `age(backend_xmin)`.
    pub xmin_age: Option<f64>,
    /// `query_id` (14+).
    pub query_id: Option<i64>,
    /// The beginning of the statement.
    pub query: Option<String>,
    /// Whom it waits for, if it waits for a lock.
    pub blocked_by: Vec<i32>,
}

impl Activity {
    /// Whether it does something for a client: parallel workers do.
    #[must_use]
    pub fn is_active(&self) -> bool {
        let kind = self.backend_type.as_deref();
        self.state.as_deref() == Some("active")
            && matches!(kind, Some("client backend" | "parallel worker"))
    }

    /// Whether it belongs to a client.
    #[must_use]
    pub fn is_client(&self) -> bool {
        self.backend_type.as_deref() == Some("client backend")
    }

    /// Whether it keeps a transaction open and does nothing.
    #[must_use]
    pub fn is_idle_in_transaction(&self) -> bool {
        let state = self.state.as_deref();
        state.is_some_and(|state| state.starts_with("idle in transaction"))
    }
}

/// A lock that a session waits for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LockWait {
    /// Who waits.
    pub pid: i32,
    /// `locktype`.
    pub locktype: String,
    /// `mode`.
    pub mode: String,
    /// The relation, if it is one of this database.
    pub relation: Option<String>,
    /// Since when (14+), Unix seconds.
    pub waitstart: Option<f64>,
}
