//! The rows nearest to something: `ORDER BY spot <-> $1 LIMIT 10` is a walk through a `GiST` index, which gives them one after
//! another.
//!
//! Without LIMIT all rows are wanted, and sorting them is cheaper. What the planner does not know is how many entries the walk
//! looks at: of points a few pages, of texts (trigrams) a good part of the index, which still takes a tenth of the time that
//! comparing all texts does.

use crate::advisor::expressions::expression_key;
use crate::advisor::finders::rows_by_equality;
use crate::advisor::keys::filtered_elsewhere;
use crate::advisor::special::several::scalars;
use crate::advisor::special::{definition, of_trigrams};
use crate::model::catalog::Table;
use crate::model::index::{IndexDefinition, IndexKey};
use crate::model::snapshot::Snapshot;
use crate::query::shape::{Nearest, Shape};

/// Where equality leaves a smaller share of the rows, the nearest of them may be far away, with many others on the way: the
/// trap of ORDER BY with LIMIT.
const NEAR: f64 = 0.1;

/// The candidates that give the nearest rows first.
pub(super) fn nearest(
    shape: &Shape,
    relation: usize,
    table: &Table,
    snapshot: &Snapshot,
    max_columns: usize,
) -> Vec<IndexDefinition> {
    let used = &shape.relations[relation];
    let block = &shape.blocks[used.block];
    let of_relation = |n: &&Nearest| n.column.relation == relation;
    let stops = block.limit.is_some()
        && !block.aggregates
        && block.distinct.is_empty()
        && !filtered_elsewhere(shape, relation);
    let nearest = block.nearest.as_ref().filter(of_relation).filter(|_| stops);
    let Some(key) = nearest.and_then(|n| key(n, table, snapshot)) else {
        return Vec::new();
    };
    let mut keys = scalars("gist", used, table, snapshot, max_columns - 1);
    let behind_others = !keys.is_empty();
    keys.push(key.clone());
    let mut found = Vec::new();
    if behind_others {
        found.push(definition(table, "gist", keys));
    }
    if rows_by_equality(used, table) >= NEAR * table.rows() {
        found.push(definition(table, "gist", vec![key]));
    }
    found
}

/// The key that knows the distance.
fn key(nearest: &Nearest, table: &Table, snapshot: &Snapshot) -> Option<IndexKey> {
    let plain = nearest.operator == "<->";
    if let Some(text) = &nearest.expression {
        // Coordinates in columns of their own.
        return expression_key(text).filter(|_| plain && text.starts_with("point("));
    }
    let column = table.column(&nearest.column.column)?;
    let installed = |name: &str| snapshot.server.extensions.contains_key(name);
    let opclass = match column.base_type.as_str() {
        "point" | "box" | "circle" | "polygon" if plain => None,
        "text" | "varchar" if column.collation_deterministic => {
            Some(of_trigrams("gist_trgm_ops", snapshot)?)
        }
        "int2" | "int4" | "int8" | "float4" | "float8" | "money" | "oid" | "date" | "time"
        | "timestamp" | "timestamptz" | "interval"
            if plain && installed("btree_gist") =>
        {
            None
        }
        _ => return None,
    };
    Some(IndexKey {
        opclass,
        ..IndexKey::column(&column.name)
    })
}
