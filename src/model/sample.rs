//! What one tick of `pgperf top` reads: counters and sessions, cheap enough for every other second. Two of them make a Delta.

mod activity;
mod relations;
mod server;
mod statements;

use serde::{Deserialize, Serialize};

pub use activity::{Activity, LockWait};
pub use relations::{IndexCounters, IndexKey, IndexSample, TableCounters, TableKey, TableSample};
pub use server::{
    CheckpointCounters, DatabaseSample, DatabaseTicks, IoCounters, IoKey, IoSample, Progress,
    Pulse, Receiver, Replication, SlotSample, StandbySample, WalCounters,
};
pub use statements::{StatementCounters, StatementKey, StatementSample, Statements};

/// A part of a sample: nothing seen and not looked never look alike.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Panel<T> {
    /// Nobody has asked for it.
    #[default]
    Unread,
    /// What was read.
    Read(T),
    /// It could not be read, and why.
    Failed(String),
}

impl<T> Panel<T> {
    /// What was read.
    pub fn read(&self) -> Option<&T> {
        match self {
            Self::Read(read) => Some(read),
            _ => None,
        }
    }

    /// Why it could not be read.
    pub fn trouble(&self) -> Option<&str> {
        match self {
            Self::Failed(why) => Some(why),
            _ => None,
        }
    }
}

/// What is to be read beside the pulse.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a part that can be left out"
)]
pub struct Wants {
    /// `pg_stat_statements`.
    pub statements: bool,
    /// Tables.
    pub tables: bool,
    /// Indexes.
    pub indexes: bool,
    /// I/O, WAL, checkpoints.
    pub io: bool,
    /// Progress.
    pub progress: bool,
    /// Standbys and slots.
    pub replication: bool,
}

impl Wants {
    /// Everything.
    pub const ALL: Self = Self {
        statements: true,
        tables: true,
        indexes: true,
        io: true,
        progress: true,
        replication: true,
    };
}

/// Everything that one tick has read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sample {
    /// The server as a whole, and its clock.
    pub pulse: Pulse,
    /// `pg_stat_database`, one a database.
    pub databases: Vec<DatabaseSample>,
    /// `pg_stat_statements`.
    pub statements: Panel<Statements>,
    /// `pg_stat_activity` but our own.
    pub activity: Panel<Vec<Activity>>,
    /// Locks that sessions wait for.
    pub locks: Panel<Vec<LockWait>>,
    /// `pg_stat_user_tables`.
    pub tables: Panel<Vec<TableSample>>,
    /// `pg_stat_user_indexes`.
    pub indexes: Panel<Vec<IndexSample>>,
    /// `pg_stat_io` (16+).
    pub io: Panel<Vec<IoSample>>,
    /// `pg_stat_wal` (14+).
    pub wal: Panel<WalCounters>,
    /// Checkpoints.
    pub checkpoints: Panel<CheckpointCounters>,
    /// `pg_stat_progress_*`.
    pub progress: Panel<Vec<Progress>>,
    /// Standbys, slots, and where a standby receives from.
    pub replication: Panel<Replication>,
}
