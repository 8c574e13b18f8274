//! `pg_stat_statements` at one instant, without texts.

use serde::{Deserialize, Serialize};

use crate::model::counters::counters;

/// What identifies an entry.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct StatementKey {
    /// Role.
    pub userid: u32,
    /// Database.
    pub dbid: u32,
    /// `None` without the privilege to see it: all of a role's hidden statements in a database share one key.
    pub queryid: Option<i64>,
    /// False inside functions; true below extension 1.9, which cannot tell.
    pub toplevel: bool,
}

counters! {
    /// What an entry counts. Times are milliseconds, blocks are of 8 kB; what the extension's version lacks is 0.
    pub struct StatementCounters {
        /// Executions.
        calls,
        /// Time of execution.
        total_exec_time,
        /// Time of planning (`track_planning`).
        total_plan_time,
        /// Rows returned or changed.
        rows,
        /// Shared blocks found in the cache.
        shared_blks_hit,
        /// Shared blocks read.
        shared_blks_read,
        /// Shared blocks dirtied.
        shared_blks_dirtied,
        /// Shared blocks written.
        shared_blks_written,
        /// Temporary blocks read.
        temp_blks_read,
        /// Temporary blocks written.
        temp_blks_written,
        /// Time of reading and writing blocks (`track_io_timing`).
        blk_time,
        /// Bytes of WAL.
        wal_bytes,
        /// Time of compiling (1.10+).
        jit_time,
    }
}

/// An entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct StatementSample {
    /// Which.
    pub key: StatementKey,
    /// What it has counted.
    pub counters: StatementCounters,
    /// Since when, Unix seconds (1.11+).
    pub since: Option<f64>,
    /// Longest execution since then, ms. It cannot be had for an interval.
    pub max_exec_time: f64,
    /// Standard deviation of the executions since then, ms.
    pub stddev_exec_time: f64,
}

/// All entries.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Statements {
    /// One a key; hidden ones are summed up.
    pub entries: Vec<StatementSample>,
    /// How many entries are hidden: other roles', without `pg_read_all_stats`.
    pub hidden: usize,
    /// Entries evicted since the reset (1.9+).
    pub dealloc: Option<i64>,
    /// The last reset of all of them, Unix seconds (1.9+).
    pub reset: Option<f64>,
    /// `pg_stat_statements.max`.
    pub max: Option<f64>,
}
