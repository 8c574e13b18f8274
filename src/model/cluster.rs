//! What a server says of itself beyond one database's schema: sessions, counters, ages, replication. Each part is what the view of
//! that name shows; what a version lacks or a role may not see is absent.

use serde::{Deserialize, Serialize};

/// The server as a whole, at the instant of the snapshot.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cluster {
    /// All databases, by name: wraparound concerns every one of them.
    pub databases: Vec<DatabaseAge>,
    /// Sessions but our own, by pid. Without `pg_read_all_stats` those of other roles have no state.
    pub sessions: Vec<Session>,
    /// `pg_stat_database` of this database.
    pub counters: Option<DatabaseCounters>,
    /// Checkpoints since their counters were reset.
    pub checkpoints: Option<Checkpoints>,
    /// `pg_stat_wal` (14+).
    pub wal: Option<Wal>,
    /// Replication slots, by name.
    pub slots: Vec<Slot>,
    /// Standbys that are connected, by name.
    pub standbys: Vec<Standby>,
    /// Prepared transactions of all databases, oldest first.
    pub prepared: Vec<Prepared>,
    /// Collations in use whose library has another version than the one that indexes were built with.
    pub changed_collations: Vec<ChangedCollation>,
}

/// How far a database is from transaction ID wraparound.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DatabaseAge {
    /// `datname`.
    pub name: String,
    /// `age(datfrozenxid)`, transactions.
    pub xid_age: f64,
    /// `mxid_age(datminmxid)`, multixacts.
    pub mxid_age: f64,
}

/// One row of `pg_stat_activity`, without its statement. Times are Unix seconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Session {
    /// Process.
    pub pid: i32,
    /// `datname`; none for processes of the server.
    pub database: Option<String>,
    /// `usename`.
    pub user: Option<String>,
    /// `application_name`.
    pub application_name: Option<String>,
    /// `client backend`, `autovacuum worker`, `walsender`, …; none without the privilege.
    pub backend_type: Option<String>,
    /// `active`, `idle`, `idle in transaction`, …; none without the privilege.
    pub state: Option<String>,
    /// `wait_event_type`.
    pub wait_event_type: Option<String>,
    /// `wait_event`.
    pub wait_event: Option<String>,
    /// Since when it is connected.
    pub backend_start: Option<f64>,
    /// Since when its transaction is open, if it is.
    pub xact_start: Option<f64>,
    /// Since when it has this state.
    pub state_change: Option<f64>,
    /// `age(backend_xmin)`: how many transactions old the oldest rows are that it keeps VACUUM from removing.
    pub xmin_age: Option<f64>,
}

/// One row of `pg_stat_database`, counters since `stats_reset`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DatabaseCounters {
    /// Transactions committed.
    pub xact_commit: f64,
    /// Transactions rolled back.
    pub xact_rollback: f64,
    /// 8 kB blocks read from disk or the system's cache.
    pub blks_read: f64,
    /// Blocks found in shared buffers.
    pub blks_hit: f64,
    /// Temporary files.
    pub temp_files: f64,
    /// Bytes in them.
    pub temp_bytes: f64,
    /// Deadlocks.
    pub deadlocks: f64,
    /// Pages whose checksum was wrong; none without checksums.
    pub checksum_failures: Option<f64>,
    /// When the last was, Unix seconds.
    pub checksum_last_failure: Option<f64>,
    /// Sessions that were opened (14+).
    pub sessions: Option<f64>,
    /// Time that sessions were there, ms (14+).
    pub session_time: Option<f64>,
    /// Time that they ran statements, ms (14+).
    pub active_time: Option<f64>,
    /// Time that they were idle in a transaction, ms (14+).
    pub idle_in_transaction_time: Option<f64>,
    /// Since when it counts, Unix seconds; none = since the server was made.
    pub stats_reset: Option<f64>,
}

/// `pg_stat_checkpointer` (17+), `pg_stat_bgwriter` below.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Checkpoints {
    /// Those that time demanded.
    pub timed: f64,
    /// Those that the WAL, or somebody, demanded.
    pub requested: f64,
    /// Since when they are counted, Unix seconds.
    pub stats_reset: Option<f64>,
}

/// `pg_stat_wal`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wal {
    /// Bytes generated.
    pub bytes: f64,
    /// Times that WAL buffers were full.
    pub buffers_full: f64,
    /// Since when they are counted, Unix seconds.
    pub stats_reset: Option<f64>,
}

/// One row of `pg_replication_slots`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Slot {
    /// `slot_name`.
    pub name: String,
    /// `physical` or `logical`.
    pub kind: String,
    /// Whether somebody streams from it.
    pub active: bool,
    /// Bytes of WAL that it keeps.
    pub retained_bytes: Option<f64>,
    /// Age of the older of `xmin` and `catalog_xmin`, transactions.
    pub xmin_age: Option<f64>,
    /// `reserved`, `extended`, `unreserved`, `lost`.
    pub wal_status: Option<String>,
}

/// One row of `pg_stat_replication`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Standby {
    /// `application_name`.
    pub name: String,
    /// `streaming`, `catchup`, …; none without the privilege.
    pub state: Option<String>,
    /// Bytes of WAL that it has yet to replay.
    pub lag_bytes: Option<f64>,
}

/// One row of `pg_prepared_xacts`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Prepared {
    /// `gid`.
    pub gid: String,
    /// `database`.
    pub database: String,
    /// `owner`.
    pub owner: String,
    /// When it was prepared, Unix seconds.
    pub prepared: f64,
    /// Its age, transactions.
    pub xid_age: f64,
}

/// A collation whose library changed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChangedCollation {
    /// Its name; none for the database's own (15+).
    pub name: Option<String>,
    /// The version that is on record.
    pub recorded: String,
    /// The version of the library that is there.
    pub actual: String,
}

/// A sequence.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sequence {
    /// `pg_sequence.seqrelid`.
    pub oid: u32,
    /// Schema, unquoted.
    pub schema: String,
    /// Name, unquoted.
    pub name: String,
    /// `seqmin`.
    pub min_value: i64,
    /// `seqmax`.
    pub max_value: i64,
    /// `seqincrement`.
    pub increment: i64,
    /// `seqcycle`.
    pub cycle: bool,
    /// Last value handed out; none if it was never used, or may not be seen.
    pub last_value: Option<i64>,
    /// Oid of the table whose column it belongs to.
    pub table_oid: Option<u32>,
    /// That column.
    pub column: Option<String>,
    /// `pg_type.typname` of the column: `int4`.
    pub column_type: Option<String>,
}
