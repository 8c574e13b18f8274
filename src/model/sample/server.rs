//! The server as a whole at one instant: databases, I/O, WAL, checkpoints, what is in progress, replication.

use serde::{Deserialize, Serialize};

use crate::model::counters::counters;

/// What tells whether it is the same server as before, and what limits it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pulse {
    /// The server's clock, Unix seconds.
    pub at: f64,
    /// `server_version`.
    pub version: String,
    /// `server_version_num`.
    pub version_num: u32,
    /// The database that we are connected to.
    pub database: String,
    /// Our role.
    pub user: String,
    /// Whether it is a standby.
    pub in_recovery: bool,
    /// When it was started, Unix seconds. A crash does not change it.
    pub postmaster_start: f64,
    /// `max_connections`.
    pub max_connections: f64,
    /// Bytes of WAL written since the beginning of time; none on a standby.
    pub wal_position: Option<f64>,
    /// Age of the oldest `datfrozenxid`, transactions.
    pub oldest_xid_age: f64,
    /// When this database's counters were reset, Unix seconds.
    pub stats_reset: Option<f64>,
    /// Whether other roles' sessions and statements are visible.
    pub sees_all: bool,
    /// `pg_stat_statements.max`.
    pub statements_max: Option<f64>,
}

counters! {
    /// What `pg_stat_database` counts of a database.
    pub struct DatabaseTicks {
        /// Transactions committed.
        xact_commit,
        /// Transactions rolled back.
        xact_rollback,
        /// Blocks found in the cache.
        blks_hit,
        /// Blocks read.
        blks_read,
        /// Rows that queries returned.
        tup_returned,
        /// Rows that they fetched.
        tup_fetched,
        /// Rows written.
        tup_written,
        /// Bytes of temporary files.
        temp_bytes,
        /// Deadlocks.
        deadlocks,
    }
}

/// A database.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DatabaseSample {
    /// Its oid.
    pub oid: u32,
    /// `datname`.
    pub name: String,
    /// Sessions.
    pub numbackends: f64,
    /// What was counted.
    #[serde(flatten)]
    pub counters: DatabaseTicks,
    /// `age(datfrozenxid)`.
    pub xid_age: f64,
}

/// A row of `pg_stat_io`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct IoKey {
    /// Who.
    pub backend_type: String,
    /// What on.
    pub object: String,
    /// On what occasion.
    pub context: String,
}

counters! {
    /// What `pg_stat_io` counts: operations, bytes, milliseconds (`track_io_timing`).
    pub struct IoCounters {
        /// Reads.
        reads,
        /// Bytes read.
        read_bytes,
        /// Time of reading.
        read_time,
        /// Writes.
        writes,
        /// Bytes written.
        write_bytes,
        /// Time of writing.
        write_time,
        /// Extensions of files.
        extends,
        /// Blocks found in the cache.
        hits,
        /// Blocks pushed out of it.
        evictions,
        /// fsyncs.
        fsyncs,
    }
}

/// I/O of one kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IoSample {
    /// Which.
    #[serde(flatten)]
    pub key: IoKey,
    /// What was counted.
    #[serde(flatten)]
    pub counters: IoCounters,
}

counters! {
    /// What `pg_stat_wal` counts.
    pub struct WalCounters {
        /// Records.
        records,
        /// Full page images.
        fpi,
        /// Bytes.
        bytes,
        /// Writes because the buffers were full.
        buffers_full,
    }
}

counters! {
    /// What is counted of checkpoints.
    pub struct CheckpointCounters {
        /// Begun because it was time.
        timed,
        /// Begun because of WAL, or by hand.
        requested,
        /// Time of writing, ms.
        write_time,
        /// Time of syncing, ms.
        sync_time,
        /// Buffers written by them.
        buffers_written,
        /// Buffers written by the background writer.
        buffers_clean,
        /// Buffers allocated.
        buffers_alloc,
    }
}

/// Something long that is under way, and how far it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// Process.
    pub pid: i32,
    /// `VACUUM`, `CREATE INDEX`, …
    pub command: String,
    /// Database.
    pub database: Option<String>,
    /// The table, if it is of this database.
    pub relation: Option<String>,
    /// `phase`.
    pub phase: String,
    /// What is done, in `unit`.
    pub done: f64,
    /// Of how much; 0 where it is not known.
    pub total: f64,
    /// `blocks`, `bytes`, `rows`.
    pub unit: String,
    /// Since when, Unix seconds.
    pub since: Option<f64>,
}

/// A standby that is connected.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StandbySample {
    /// Process that sends to it.
    pub pid: i32,
    /// `application_name`.
    pub name: String,
    /// `client_addr`.
    pub client_addr: Option<String>,
    /// `state`.
    pub state: Option<String>,
    /// `sync_state`.
    pub sync_state: Option<String>,
    /// Bytes of WAL that it has not received.
    pub sent_lag_bytes: Option<f64>,
    /// Bytes of WAL that it has not replayed.
    pub replay_lag_bytes: Option<f64>,
    /// `replay_lag`, seconds.
    pub replay_lag_s: Option<f64>,
}

/// A replication slot.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SlotSample {
    /// `slot_name`.
    pub name: String,
    /// `slot_type`.
    pub kind: String,
    /// Whether somebody reads from it.
    pub active: bool,
    /// Bytes of WAL that it keeps.
    pub retained_bytes: Option<f64>,
    /// `wal_status`.
    pub wal_status: Option<String>,
}

/// Where a standby receives from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Receiver {
    /// `status`.
    pub status: Option<String>,
    /// `sender_host`.
    pub sender_host: Option<String>,
    /// Seconds since the last transaction that was replayed.
    pub replay_age_s: Option<f64>,
}

/// Replication from and to this server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Replication {
    /// `pg_stat_replication`.
    pub standbys: Vec<StandbySample>,
    /// `pg_replication_slots`.
    pub slots: Vec<SlotSample>,
    /// `pg_stat_wal_receiver`, on a standby.
    pub receiver: Vec<Receiver>,
}
