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
    /// What was read some samples ago, at that time of the server's clock; it was not asked for since.
    #[serde(skip)]
    Kept(T, f64),
    /// It could not be read, and why.
    Failed(String),
}

impl<T> Panel<T> {
    /// What was read, now or some samples ago.
    pub fn read(&self) -> Option<&T> {
        match self {
            Self::Read(read) | Self::Kept(read, _) => Some(read),
            _ => None,
        }
    }

    fn is_unread(&self) -> bool {
        matches!(self, Self::Unread)
    }

    /// When it was read, if that was some samples ago.
    fn kept_since(&self) -> Option<f64> {
        match self {
            Self::Kept(_, at) => Some(*at),
            _ => None,
        }
    }

    /// Keeps what is known from before, at that time, where nobody has asked.
    fn keep(&mut self, before: Self, at: f64) {
        if let Self::Unread = self {
            *self = match before {
                Self::Read(read) => Self::Kept(read, at),
                other => other,
            };
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
    /// Nothing beside what every sample has: the server as a whole, databases, sessions, and locks that are waited for.
    pub const NOTHING: Self = Self {
        statements: false,
        tables: false,
        indexes: false,
        io: false,
        progress: false,
        replication: false,
    };

    /// Everything.
    pub const ALL: Self = Self {
        statements: true,
        tables: true,
        indexes: true,
        io: true,
        progress: true,
        replication: true,
    };

    /// These, and those.
    #[must_use]
    pub fn and(self, more: Self) -> Self {
        Self {
            statements: self.statements || more.statements,
            tables: self.tables || more.tables,
            indexes: self.indexes || more.indexes,
            io: self.io || more.io,
            progress: self.progress || more.progress,
            replication: self.replication || more.replication,
        }
    }
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

impl Sample {
    /// Keeps the parts of the sample before that were not asked for this time.
    pub fn keep(&mut self, before: Self) {
        let at = before.pulse.at;
        self.statements.keep(before.statements, at);
        self.tables.keep(before.tables, at);
        self.indexes.keep(before.indexes, at);
        self.io.keep(before.io, at);
        self.wal.keep(before.wal, at);
        self.checkpoints.keep(before.checkpoints, at);
        self.progress.keep(before.progress, at);
        self.replication.keep(before.replication, at);
    }

    /// Whether all of these parts were asked for.
    #[must_use]
    pub fn has(&self, parts: Wants) -> bool {
        let asked = [
            (parts.statements, self.statements.is_unread()),
            (parts.tables, self.tables.is_unread()),
            (parts.indexes, self.indexes.is_unread()),
            (parts.io, self.io.is_unread()),
            (parts.progress, self.progress.is_unread()),
            (parts.replication, self.replication.is_unread()),
        ];
        asked
            .iter()
            .all(|(is_wanted, is_unread)| !(*is_wanted && *is_unread))
    }

    /// How old the oldest of these parts is, seconds; 0 if all are of this sample.
    #[must_use]
    pub fn age(&self, parts: Wants) -> f64 {
        let kept = [
            (parts.statements, self.statements.kept_since()),
            (parts.tables, self.tables.kept_since()),
            (parts.indexes, self.indexes.kept_since()),
            (parts.io, self.io.kept_since()),
            (parts.progress, self.progress.kept_since()),
            (parts.replication, self.replication.kept_since()),
        ];
        let since = kept
            .into_iter()
            .filter_map(|(is_wanted, since)| since.filter(|_| is_wanted));
        since.map(|since| self.pulse.at - since).fold(0.0, f64::max)
    }
}
