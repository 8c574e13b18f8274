//! One index for conditions on several columns, where each has one that only GIN or `GiST` serves.
//!
//! Such an index finds the rows that meet all of them at once, where two indexes give two lists of rows to be compared. Columns
//! compared by `=` join where an extension gives their types an operator class. Ranges do not: GIN collects the rows of every
//! value in the range, and the planner takes any range for a hundred values (`gincost_pattern`); on 60,000 rows with as many
//! timestamps, half of them in the range, it promised two thirds of the cost, and the query took forty times as long. For
//! `GiST` a range of numbers is a btree's work.

use crate::advisor::finders::share_by;
use crate::advisor::special::{by_operators, definition};
use crate::model::catalog::{Column, Table};
use crate::model::index::{IndexDefinition, IndexKey};
use crate::model::snapshot::Snapshot;
use crate::query::shape::{Operator, Predicate, Relation};

/// The candidates with several keys.
pub(super) fn several(
    used: &Relation,
    table: &Table,
    snapshot: &Snapshot,
    max_columns: usize,
) -> Vec<IndexDefinition> {
    let all: Vec<&Predicate> = used.predicates.iter().collect();
    let served = by_operators(&all, table, snapshot);
    let keys_for = |method: &str| -> Vec<IndexKey> {
        let of_method = served.iter().filter(|(m, _)| *m == method);
        let mut keys: Vec<IndexKey> = of_method.map(|(_, key)| key.clone()).collect();
        keys.truncate(max_columns);
        let scalars = if keys.is_empty() {
            Vec::new()
        } else {
            scalars(method, used, table, snapshot, max_columns - keys.len())
        };
        // GiST is searched by the first key first.
        match method {
            "gist" => scalars.into_iter().chain(keys).collect(),
            _ => keys.into_iter().chain(scalars).collect(),
        }
    };
    ["gin", "gist"]
        .into_iter()
        .map(|method| (method, keys_for(method)))
        .filter(|(_, keys)| keys.len() > 1)
        .map(|(method, keys)| definition(table, method, keys))
        .collect()
}

/// Columns compared by `=` that an index of that method can hold, the most selective first, at most so many.
pub(super) fn scalars(
    method: &str,
    used: &Relation,
    table: &Table,
    snapshot: &Snapshot,
    most: usize,
) -> Vec<IndexKey> {
    let extension = format!("btree_{method}");
    if !snapshot.server.extensions.contains_key(&extension) {
        return Vec::new();
    }
    let equal = |c: &&Column| {
        let mut own = used.predicates.iter().filter(|p| p.column == c.name);
        own.any(|p| p.operator == Operator::Eq && p.expression.is_none())
    };
    let mut columns: Vec<&Column> = table.columns.iter().filter(equal).collect();
    columns.retain(|c| is_scalar(c));
    columns.sort_by(|a, b| {
        let share = |c: &Column| share_by(used, &c.name, table);
        share(a).total_cmp(&share(b))
    });
    let keys = columns.into_iter().map(|c| IndexKey::column(&c.name));
    keys.take(most).collect()
}

/// Whether both extensions have a class for the type. Truth values, which `btree_gin` knows as well, tell too little.
fn is_scalar(column: &Column) -> bool {
    const TYPES: [&str; 24] = [
        "int2",
        "int4",
        "int8",
        "float4",
        "float8",
        "numeric",
        "money",
        "oid",
        "text",
        "varchar",
        "bpchar",
        "bytea",
        "date",
        "time",
        "timetz",
        "timestamp",
        "timestamptz",
        "interval",
        "uuid",
        "inet",
        "cidr",
        "macaddr",
        "macaddr8",
        "bit",
    ];
    column.generated != "v"
        && (column.category == "E" || TYPES.contains(&column.base_type.as_str()))
}
