//! Session → Snapshot: one read-only repeatable-read transaction, one SQL file a collector.

use crate::model::snapshot::Snapshot;
use crate::pg::{Error, connect::Connection};

/// What to collect.
#[derive(Debug, Clone)]
pub struct CollectOptions {
    /// Read `pg_stat_statements`.
    pub statements: bool,
    /// Read statements from `pg_stat_activity` too (used when there is no `pg_stat_statements`, or asked for).
    pub activity: bool,
}

impl Default for CollectOptions {
    fn default() -> Self {
        Self {
            statements: true,
            activity: false,
        }
    }
}

/// Collects everything that the role can see; the rest becomes Gaps.
///
/// # Errors
/// Only when nothing can be had: connection lost, not a `PostgreSQL` 13+ server.
pub async fn collect(
    _connection: &Connection,
    _options: &CollectOptions,
) -> Result<Snapshot, Error> {
    todo!()
}
