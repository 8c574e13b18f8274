//! Session → Snapshot: one read-only repeatable-read transaction, one SQL file a collector, one round trip each.
//!
//! Nothing here waits behind ACCESS EXCLUSIVE: sizes come from `pg_class`, and the few functions that open a relation
//! (`pg_get_expr` and its kin) are kept away from relations that somebody locks. What cannot be seen becomes a Gap.

mod array;
mod catalog;
mod cluster;
mod columns;
mod definitions;
mod gaps;
mod gate;
mod indexes;
mod rows;
mod server;
mod standing;
mod statements;
mod tick;
mod transaction;
mod variant;

use crate::model::gap::{Gap, Part};
use crate::model::snapshot::{FORMAT, Snapshot};
use crate::pg::connect::Connection;
use crate::pg::error::{Error, Kind};

pub use gate::{Behind, Names, Suspect, behind, behind_writes, fires, suspects};
pub(super) use standing::{activity, rights, standing};
pub use tick::{Ticker, signal};
use transaction::{Transaction, is_lock_timeout};

/// What to collect.
#[derive(Debug, Clone)]
pub struct CollectOptions {
    /// Read `pg_stat_statements`.
    pub statements: bool,
    /// Read statements from `pg_stat_activity` too (used when there is no `pg_stat_statements`, or asked for).
    pub activity: bool,
    /// Keep at most so many statements of `pg_stat_statements`, those with the most time; a Gap counts the rest.
    pub max_statements: u32,
    /// Read the server as a whole, and sequences.
    pub cluster: bool,
}

impl Default for CollectOptions {
    fn default() -> Self {
        Self {
            statements: true,
            activity: false,
            max_statements: 10_000,
            cluster: true,
        }
    }
}

/// Collects everything that the role can see; the rest becomes Gaps.
///
/// # Errors
/// Only when nothing can be had: connection lost, not a `PostgreSQL` 13+ server.
pub async fn collect(connection: &Connection, options: &CollectOptions) -> Result<Snapshot, Error> {
    let mut transaction = Transaction::begin(connection).await?;
    let snapshot = everything(&mut transaction, options).await;
    let ended = transaction.end().await;
    let snapshot = snapshot?;
    ended?;
    Ok(snapshot)
}

/// Reads the server and `pg_stat_statements` alone: a Snapshot without tables, to be compared with one before or after it.
///
/// # Errors
/// As [`collect`].
pub async fn sample(connection: &Connection) -> Result<Snapshot, Error> {
    let mut transaction = Transaction::begin(connection).await?;
    let sample = counters(&mut transaction).await;
    let ended = transaction.end().await;
    let sample = sample?;
    ended?;
    Ok(sample)
}

async fn counters(transaction: &mut Transaction<'_>) -> Result<Snapshot, Error> {
    let (mut server, taken_at) = server::server(transaction).await.map_err(catalogs_locked)?;
    transaction.prepare(server.major()).await?;
    let (options, mut gaps) = (CollectOptions::default(), Vec::new());
    let statements =
        statements::statements(transaction, &mut server, taken_at, &options, &mut gaps).await?;
    Ok(Snapshot {
        format: FORMAT,
        pgperf: env!("CARGO_PKG_VERSION").to_owned(),
        taken_at,
        server,
        statements,
        gaps,
        ..Snapshot::default()
    })
}

async fn everything(
    transaction: &mut Transaction<'_>,
    options: &CollectOptions,
) -> Result<Snapshot, Error> {
    let (mut server, taken_at) = server::server(transaction).await.map_err(catalogs_locked)?;
    if server.major() < 13 {
        return Err(Error::new(
            Kind::Config,
            format!(
                "the server is PostgreSQL {}; pgperf needs 13 or newer",
                server.version
            ),
        ));
    }
    transaction.prepare(server.major()).await?;
    let mut gaps = gaps::of_server(&server, taken_at);

    let statements =
        statements::statements(transaction, &mut server, taken_at, options, &mut gaps).await?;
    let mut relations = catalog::tables(transaction).await?;
    let expression_stats = columns::columns(transaction, &mut relations, &mut gaps).await?;
    let indexes = indexes::indexes(transaction, &server.search_path).await?;
    let constraints = catalog::constraints(transaction).await?;
    let extended_stats = catalog::extended_stats(transaction).await?;
    let definitions = definitions::definitions(transaction, expression_stats).await?;
    catalog::views(transaction, &mut relations).await?;
    server::roles(transaction, &mut server, &statements).await?;
    let (sequences, cluster) = if options.cluster {
        (
            cluster::sequences(transaction).await?,
            cluster::cluster(transaction).await?,
        )
    } else {
        (Vec::new(), None)
    };

    gaps.extend(gaps::of_relations(&server, &relations));
    gaps.extend(gaps::of_expressions(&server, &indexes));
    gaps.append(&mut transaction.gaps);
    let tables = relations.into_iter().map(|r| r.table).collect();
    let mut snapshot = Snapshot {
        format: FORMAT,
        pgperf: env!("CARGO_PKG_VERSION").to_owned(),
        taken_at,
        redacted: false,
        server,
        tables,
        indexes,
        constraints,
        extended_stats,
        definitions,
        sequences,
        cluster,
        statements,
        gaps,
    };
    snapshot
        .gaps
        .extend(gaps::of_locks(&snapshot, &transaction.locked));
    catalog::sum_partitions(&mut snapshot);
    snapshot.gaps.sort();
    Ok(snapshot)
}

/// Not even the server's own catalogs can be read: says who is in the way.
fn catalogs_locked(mut error: Error) -> Error {
    if is_lock_timeout(&error) {
        error.message = format!(
            "the system catalogs could not be read, another session holds an ACCESS EXCLUSIVE lock on one: {}",
            error.message
        );
        error.hint = Some("wait until its VACUUM FULL, REINDEX or LOCK has ended (pg_stat_activity shows it), then again".into());
    }
    error
}

/// The gap of a collector that the server refused or that gave up.
fn failed(part: Part, collector: &str, error: &Error) -> Gap {
    let gap = Gap::new(part, format!("{collector} could not be read: {error}"));
    if is_lock_timeout(error) {
        return gap
            .effect("what depends on them is missing, although it may exist")
            .close(gaps::WHO_LOCKS);
    }
    match &error.hint {
        Some(hint) => gap.close(format!("-- {hint}")),
        None => gap,
    }
}
