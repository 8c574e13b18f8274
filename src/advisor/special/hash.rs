//! Hash indexes: four bytes for a key of any length.
//!
//! A btree holds its keys whole, so that one on addresses or tokens can be as large as the table. A hash index (crash-safe since
//! `PostgreSQL` 10, when its changes came to be logged) holds 20 bytes a row, and finds by `=` at the same cost. It can do
//! nothing else: no order, no range, no pattern, no list (`IN`), no second column, no index-only scan, no uniqueness. So it is a
//! candidate only where all that the workload does with the column is to compare it by `=`, where no index serves that yet,
//! and where it saves enough space: half of the btree and 8 MB at least.

use std::collections::BTreeSet;

use crate::advisor::size::{hypothetical, hypothetical_in};
use crate::advisor::special::definition;
use crate::model::catalog::Table;
use crate::model::index::{IndexDefinition, IndexKey};
use crate::model::snapshot::Snapshot;
use crate::query::shape::{ColumnRef, Operator, Predicate, Relation, Shape};
use crate::query::workload::Workload;

/// Largest part of the btree's pages that is worth giving up all that a btree can do.
const SMALLER: f64 = 0.5;
/// Fewest pages that it must spare: 8 MB.
const SPARED_PAGES: f64 = 1024.0;

/// Columns, by the table at the root of their partition tree, with which some statement does anything but compare them by `=`.
pub(in crate::advisor) fn compared_otherwise(
    workload: &Workload,
    snapshot: &Snapshot,
) -> BTreeSet<(u32, String)> {
    let root = |oid: u32| snapshot.table(oid).map_or(oid, |t| snapshot.root_of(t).oid);
    let shapes = workload.queries.iter().map(|q| &q.shape);
    let of_shape = |shape| {
        otherwise(shape).into_iter().filter_map(move |column| {
            let relation = shape.relations.get(column.relation)?;
            Some((root(relation.table_oid), column.column))
        })
    };
    shapes.flat_map(of_shape).collect()
}

fn otherwise(shape: &Shape) -> Vec<ColumnRef> {
    let mut columns: Vec<ColumnRef> = Vec::new();
    for (relation, used) in shape.relations.iter().enumerate() {
        let arms = used.disjunctions.iter().flatten().flatten();
        let other = (used.predicates.iter().chain(arms))
            .filter(|p| p.operator != Operator::Eq && p.expression.is_none());
        columns.extend(other.map(|p| ColumnRef {
            relation,
            column: p.column.clone(),
        }));
    }
    // A join may be looked up by hash as well, but for one by merging both sides must be sorted.
    for join in &shape.joins {
        columns.extend([join.left.clone(), join.right.clone()]);
    }
    for block in &shape.blocks {
        columns.extend(block.order.iter().map(|k| k.column.clone()));
        columns.extend(block.nearest.iter().map(|n| n.column.clone()));
        for list in [&block.group, &block.distinct, &block.min_max] {
            columns.extend(list.iter().cloned());
        }
    }
    columns
}

/// The candidates of one use of a table. `otherwise` says of a column whether it is compared otherwise; `others` are the
/// statement's other candidates.
pub(in crate::advisor) fn hashes(
    used: &Relation,
    table: &Table,
    snapshot: &Snapshot,
    otherwise: &dyn Fn(&str) -> bool,
    others: &[IndexDefinition],
) -> Vec<IndexDefinition> {
    let arms = used.disjunctions.iter().flatten().flatten();
    let equal = |p: &&Predicate| p.operator == Operator::Eq && p.expression.is_none();
    let columns: BTreeSet<&str> = (used.predicates.iter().chain(arms))
        .filter(equal)
        .map(|p| p.column.as_str())
        .collect();
    let begins = |d: &IndexDefinition, name: &str| {
        d.keys.first().and_then(IndexKey::column_name) == Some(name)
    };
    let is_served = |name: &str| {
        let mut existing = snapshot.indexes_of(table.oid).filter(|i| i.usable());
        existing.any(|i| {
            matches!(i.definition.method.as_str(), "btree" | "hash") && begins(&i.definition, name)
        })
    };
    let covers = |name: &str| {
        let mut covering = others.iter().filter(|d| !d.include.is_empty());
        covering.any(|d| begins(d, name))
    };
    columns
        .into_iter()
        .filter(|name| can_be_hashed(name, table))
        .filter(|name| !otherwise(name) && !is_served(name) && !covers(name))
        .map(|name| definition(table, "hash", vec![IndexKey::column(name)]))
        .filter(|hash| spares_enough(hash, table, snapshot))
        .collect()
}

/// Of the types with a hash function those that can be long.
fn can_be_hashed(name: &str, table: &Table) -> bool {
    table.column(name).is_some_and(|c| {
        matches!(
            c.base_type.as_str(),
            "text" | "varchar" | "bpchar" | "bytea"
        ) && c.stats.is_some()
            && c.generated != "v"
    })
}

fn spares_enough(hash: &IndexDefinition, table: &Table, snapshot: &Snapshot) -> bool {
    let pages = |definition: &IndexDefinition| {
        let whole = hypothetical_in(definition, snapshot);
        whole
            .unwrap_or_else(|| hypothetical(definition, table))
            .pages
    };
    let btree = pages(&IndexDefinition {
        method: "btree".into(),
        ..hash.clone()
    });
    let hash = pages(hash);
    hash <= SMALLER * btree && btree - hash >= SPARED_PAGES
}
