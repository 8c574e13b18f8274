//! Relations, constraints, extended statistics and view definitions.

use std::collections::BTreeMap;

use serde::Deserialize;
use tokio_postgres::types::Type;

use crate::model::catalog::{Constraint, Table, TableKind};
use crate::model::gap::Part;
use crate::model::index::Index;
use crate::model::snapshot::Snapshot;
use crate::model::stats::{ExtendedStats, IndexStats, TableStats};
use crate::pg::collect::transaction::{Transaction, is_lock_timeout};
use crate::pg::collect::variant::{Collector, collector};
use crate::pg::error::Error;

const TABLES: Collector = collector!("tables", [(13, 0) => "13"]);
const CONSTRAINTS: Collector = collector!("constraints", [(13, 0) => "13"]);
const EXTENDED_STATS: Collector = collector!("extended_stats", [
    (15, 0) => "15",
    (14, 0) => "14",
    (13, 0) => "13",
]);
const VIEWS: Collector = collector!("views", [(13, 0) => "13"]);

/// Deparsing a view locks all that it reads until the savepoint is rolled back; a few hundred at a time leave the
/// server's lock table (`max_locks_per_transaction` × `max_connections`, at least some thousands) to others.
const VIEWS_AT_ONCE: usize = 200;

/// A relation, and whether the role sees its statistics.
#[derive(Debug, Deserialize)]
pub(super) struct Relation {
    #[serde(flatten)]
    pub(super) table: Table,
    /// SELECT on all of it.
    pub(super) readable: bool,
    /// Row-level security restricts what the role sees of it, statistics included.
    pub(super) policed: bool,
}

/// All relations, by oid, without columns.
pub(super) async fn tables(transaction: &mut Transaction<'_>) -> Result<Vec<Relation>, Error> {
    transaction
        .collect_unlocked(Part::Catalog, &TABLES, &[])
        .await
}

/// All constraints.
pub(super) async fn constraints(
    transaction: &mut Transaction<'_>,
) -> Result<Vec<Constraint>, Error> {
    transaction
        .collect_unlocked(Part::Catalog, &CONSTRAINTS, &[])
        .await
}

/// All extended statistics.
pub(super) async fn extended_stats(
    transaction: &mut Transaction<'_>,
) -> Result<Vec<ExtendedStats>, Error> {
    transaction
        .collect_unlocked(Part::ExtendedStats, &EXTENDED_STATS, &[])
        .await
}

/// Fills in the texts of views; those of extensions are of no use.
pub(super) async fn views(
    transaction: &mut Transaction<'_>,
    relations: &mut [Relation],
) -> Result<(), Error> {
    #[derive(Deserialize)]
    struct Row {
        oid: u32,
        view_definition: Option<String>,
    }
    let oids: Vec<u32> = relations
        .iter()
        .map(|relation| &relation.table)
        .filter(|t| matches!(t.kind, TableKind::View | TableKind::MaterializedView))
        .filter(|t| t.extension.is_none())
        .map(|t| t.oid)
        .collect();
    let sql = VIEWS.variants[0].sql;
    for chunk in oids.chunks(VIEWS_AT_ONCE) {
        let mut attempt = 0;
        let rows: Vec<Row> = loop {
            let locked = transaction.locked_oids();
            let rows = transaction
                .rows(
                    sql,
                    &[(&chunk, Type::OID_ARRAY), (&locked, Type::OID_ARRAY)],
                )
                .await;
            match rows {
                Err(error) if attempt == 0 && is_lock_timeout(&error) => {
                    attempt += 1;
                    transaction.look_for_locks().await?;
                }
                rows => break transaction.or_gap(Part::Catalog, VIEWS.name, rows)?,
            }
        };
        for row in rows {
            if let Ok(i) = relations.binary_search_by_key(&row.oid, |r| r.table.oid) {
                relations[i].table.view_definition = row.view_definition;
            }
        }
    }
    Ok(())
}

/// Gives partitioned tables and indexes the sums over their leaves: the server keeps none for them, or stale ones.
pub(super) fn sum_partitions(snapshot: &mut Snapshot) {
    let children = |pairs: Vec<(Option<u32>, usize)>| {
        let mut children: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (parent, child) in pairs {
            if let Some(parent) = parent {
                children.entry(parent).or_default().push(child);
            }
        }
        children
    };
    let of_tables = children(
        snapshot
            .tables
            .iter()
            .enumerate()
            .map(|(i, t)| (t.parent_oid, i))
            .collect(),
    );
    for i in 0..snapshot.tables.len() {
        if snapshot.tables[i].kind == TableKind::Partitioned {
            let leaves = leaves(snapshot.tables[i].oid, &of_tables, &|i| {
                snapshot.tables[i].oid
            });
            let leaves: Vec<&Table> = leaves.into_iter().map(|i| &snapshot.tables[i]).collect();
            let sums = table_sums(&leaves, snapshot.tables[i].stats.as_ref());
            let table = &mut snapshot.tables[i];
            (table.reltuples, table.relpages, table.relallvisible) = sums.0;
            table.stats = sums.1;
        }
    }
    let of_indexes = children(
        snapshot
            .indexes
            .iter()
            .enumerate()
            .map(|(i, x)| (x.parent_oid, i))
            .collect(),
    );
    for i in 0..snapshot.indexes.len() {
        let oid = snapshot.indexes[i].oid;
        if of_indexes.contains_key(&oid) {
            let leaves = leaves(oid, &of_indexes, &|i| snapshot.indexes[i].oid);
            let leaves: Vec<&Index> = leaves.into_iter().map(|i| &snapshot.indexes[i]).collect();
            let pages = leaves.iter().map(|x| x.relpages).sum();
            let tuples = leaves.iter().map(|x| x.reltuples.max(0.0)).sum();
            let stats = index_sums(&leaves);
            let index = &mut snapshot.indexes[i];
            (index.relpages, index.reltuples, index.stats) = (pages, tuples, stats);
        }
    }
}

/// Positions of all descendants that have no children themselves. A visited oid is never entered again.
fn leaves(
    root: u32,
    children: &BTreeMap<u32, Vec<usize>>,
    oid: &dyn Fn(usize) -> u32,
) -> Vec<usize> {
    let mut found = Vec::new();
    let mut seen = vec![root];
    let mut open: Vec<usize> = children.get(&root).cloned().unwrap_or_default();
    while let Some(i) = open.pop() {
        match children.get(&oid(i)) {
            None => found.push(i),
            Some(below) if !seen.contains(&oid(i)) => {
                seen.push(oid(i));
                open.extend(below);
            }
            Some(_) => {}
        }
    }
    found.sort_unstable();
    found
}

type Figures = (f64, f64, f64);

fn table_sums(leaves: &[&Table], own: Option<&TableStats>) -> (Figures, Option<TableStats>) {
    // A partitioned parent without rows in its children is a leaf of nothing; subpartitioned ones hold no pages.
    let leaves: Vec<&&Table> = leaves
        .iter()
        .filter(|t| t.kind != TableKind::Partitioned)
        .collect();
    let never = !leaves.is_empty() && leaves.iter().all(|t| t.reltuples < 0.0);
    let reltuples = if never {
        -1.0
    } else {
        leaves.iter().map(|t| t.reltuples.max(0.0)).sum()
    };
    let figures = (
        reltuples,
        leaves.iter().map(|t| t.relpages.max(0.0)).sum(),
        leaves.iter().map(|t| t.relallvisible.max(0.0)).sum(),
    );
    let stats: Option<Vec<&TableStats>> = leaves.iter().map(|t| t.stats.as_ref()).collect();
    let sums = stats.map(|stats| {
        let sum = |of: fn(&TableStats) -> i64| stats.iter().map(|s| of(s)).sum();
        let oldest = |of: fn(&TableStats) -> Option<f64>| {
            let all: Option<Vec<f64>> = stats.iter().map(|s| of(s)).collect();
            all?.into_iter().reduce(f64::min)
        };
        TableStats {
            seq_scan: sum(|s| s.seq_scan),
            seq_tup_read: sum(|s| s.seq_tup_read),
            idx_scan: sum(|s| s.idx_scan),
            idx_tup_fetch: sum(|s| s.idx_tup_fetch),
            n_tup_ins: sum(|s| s.n_tup_ins),
            n_tup_upd: sum(|s| s.n_tup_upd),
            n_tup_del: sum(|s| s.n_tup_del),
            n_tup_hot_upd: sum(|s| s.n_tup_hot_upd),
            n_live_tup: sum(|s| s.n_live_tup),
            n_dead_tup: sum(|s| s.n_dead_tup),
            n_mod_since_analyze: sum(|s| s.n_mod_since_analyze),
            n_ins_since_vacuum: sum(|s| s.n_ins_since_vacuum),
            last_vacuum: oldest(|s| s.last_vacuum),
            last_analyze: own
                .and_then(|s| s.last_analyze)
                .or(oldest(|s| s.last_analyze)),
        }
    });
    (figures, sums)
}

fn index_sums(leaves: &[&Index]) -> Option<IndexStats> {
    let stats: Option<Vec<&IndexStats>> = leaves.iter().map(|x| x.stats.as_ref()).collect();
    let stats = stats?;
    Some(IndexStats {
        idx_scan: stats.iter().map(|s| s.idx_scan).sum(),
        idx_tup_read: stats.iter().map(|s| s.idx_tup_read).sum(),
        idx_tup_fetch: stats.iter().map(|s| s.idx_tup_fetch).sum(),
        last_idx_scan: stats
            .iter()
            .filter_map(|s| s.last_idx_scan)
            .reduce(f64::max),
    })
}
