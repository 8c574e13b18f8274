//! INCLUDE columns: when an index-only scan is realistic.

use crate::advisor::keys::Groups;
use crate::model::catalog::Table;
use crate::model::index::IndexDefinition;
use crate::query::shape::Relation;

/// INCLUDE columns that would make the statement's access index-only, if few, narrow, and the table's pages are mostly all
/// visible (else every row is fetched from the heap anyway).
pub(super) fn covering(
    groups: &Groups,
    plain: &IndexDefinition,
    used: &Relation,
    table: &Table,
) -> Option<Vec<String>> {
    const MOST_COLUMNS: usize = 4;
    const MOST_BYTES: f64 = 64.0;
    const ALL_VISIBLE: f64 = 0.8;
    let read = groups.read.as_ref()?;
    // What an expression is made of is not in the index.
    if plain.keys.iter().any(|k| k.column_name().is_none()) {
        return None;
    }
    let include: Vec<String> = read
        .iter()
        .filter(|c| plain.key_columns().all(|k| k != *c))
        .cloned()
        .collect();
    // Columns that are all compared in an OR are keys for its arms: an index that holds no more than an INCLUDE would, is
    // smaller where values repeat, and is searched by them as well.
    let arms = || used.disjunctions.iter().flatten().flatten();
    if include.iter().all(|name| arms().any(|p| p.column == *name)) {
        return None;
    }
    let width: f64 = include
        .iter()
        .map(|name| match table.column(name) {
            Some(column) if column.typlen > 0 => f64::from(column.typlen),
            Some(column) => column.stats.as_ref().map_or(MOST_BYTES, |s| s.avg_width),
            None => f64::INFINITY,
        })
        .sum();
    // A virtual generated column (18+) is stored nowhere, not even in an index.
    let stored = |name: &String| table.column(name).is_some_and(|c| c.generated != "v");
    let visible = table.relallvisible > ALL_VISIBLE * table.relpages;
    (visible
        && include.iter().all(stored)
        && !include.is_empty()
        && include.len() <= MOST_COLUMNS
        && width <= MOST_BYTES)
        .then_some(include)
}
