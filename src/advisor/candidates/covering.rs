//! INCLUDE columns: when an index-only scan is realistic.

use crate::advisor::keys::Groups;
use crate::model::catalog::Table;
use crate::model::index::IndexDefinition;
use crate::query::shape::{Operator, Relation};

/// INCLUDE columns that would make the statement's access index-only, if few, narrow, and the table's pages are mostly all
/// visible (else every row is fetched from the heap anyway).
pub(super) fn covering(
    groups: &Groups,
    plain: &IndexDefinition,
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

/// Share of the rows that the conditions on the key columns leave, each taken by itself as a generic plan takes it.
pub(super) fn share_searched(used: &Relation, index: &IndexDefinition, table: &Table) -> f64 {
    let rows = table.rows().max(1.0);
    let share = |key: &str| {
        let stats = table.column(key).and_then(|c| c.stats.as_ref());
        let one_value = stats.map_or(1.0 / rows.sqrt(), |s| {
            (1.0 - s.null_frac) / s.distinct(rows)
        });
        let mut conditions = used
            .predicates
            .iter()
            .filter(|p| p.column == key && p.expression.is_none());
        match conditions.next().map(|p| &p.operator) {
            Some(Operator::IsNull) => stats.map_or(0.005, |s| s.null_frac),
            Some(operator) if operator.is_range() => 1.0 / 3.0,
            // Without a condition of its own a key column is joined or sorted by: one value at a time.
            _ => one_value,
        }
    };
    index.key_columns().map(share).product()
}
