//! One row of `pg_stat_statements`, or one statement from a file, stdin or `pg_stat_activity`.

use serde::{Deserialize, Serialize};

/// Where a statement came from.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// `pg_stat_statements`: text with `$n` for constants, real figures.
    #[default]
    PgStatStatements,
    /// `pg_stat_activity`: text with literals, seen running, no figures.
    PgStatActivity,
    /// A file or stdin given by the user; calls and time only if the file says so.
    File,
}

/// A statement and what it cost. Identity in `pg_stat_statements` is (queryid, dbid, userid, toplevel).
/// Figures that the installed extension version lacks are `None`, never 0.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Statement {
    /// Origin.
    pub source: Source,
    /// `queryid`; `None` outside of `pg_stat_statements` or without the privilege to see it.
    pub queryid: Option<i64>,
    /// Role that ran it.
    pub userid: u32,
    /// Database it ran in.
    pub dbid: u32,
    /// False for statements inside functions (`track = all`); true below extension 1.9, which cannot tell.
    pub toplevel: bool,
    /// Text as the server keeps it; `None` when it was not readable (privilege, purged text file).
    pub query: Option<String>,
    /// Line in the user's file where it starts (1-based).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Number of executions. 1 for a statement without figures.
    pub calls: i64,
    /// Total execution time, ms; `None` when the source has no times.
    pub total_exec_time: Option<f64>,
    /// Mean execution time, ms.
    pub mean_exec_time: Option<f64>,
    /// Standard deviation of it, ms.
    pub stddev_exec_time: Option<f64>,
    /// Total planning time, ms (`track_planning`).
    pub total_plan_time: Option<f64>,
    /// Rows returned or changed, total.
    pub rows: i64,
    /// Shared buffers found in cache.
    pub shared_blks_hit: i64,
    /// Shared buffers read.
    pub shared_blks_read: i64,
    /// Shared buffers dirtied.
    pub shared_blks_dirtied: i64,
    /// Temporary blocks read.
    pub temp_blks_read: i64,
    /// Temporary blocks written.
    pub temp_blks_written: i64,
    /// Time reading shared blocks, ms (`track_io_timing`).
    pub blk_read_time: Option<f64>,
    /// WAL bytes generated.
    pub wal_bytes: Option<f64>,
    /// `pg_stat_statements.stats_since` (extension 1.11+), Unix seconds.
    pub stats_since: Option<f64>,
}
