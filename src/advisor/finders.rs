//! How many rows the conditions on columns leave, and which of the columns it takes to find them.

use std::collections::BTreeSet;

use crate::model::catalog::Table;
use crate::model::index::{IndexDefinition, IndexKey};
use crate::model::snapshot::Snapshot;
use crate::model::stats::ExtendedStats;
use crate::query::shape::{Operator, Relation};

/// Columns that leave at most so many times the rows that were counted are enough.
const NEAR: f64 = 1.5;

/// A column that another one decides in so many of the rows finds no fewer rows than that.
const DECIDED: f64 = 0.95;

/// The equality columns that it takes to find the rows of a statement, in their order. The planner multiplies what each leaves,
/// as if they had nothing to do with each other; but where a zip code lies in one city, the city behind it finds no fewer rows.
/// Extended statistics say so, or the rows that the statement was `counted` to return.
pub(super) fn needed(
    eq: Vec<IndexKey>,
    used: &Relation,
    table: &Table,
    snapshot: &Snapshot,
    counted: Option<f64>,
) -> Vec<IndexKey> {
    let eq = undecided(eq, used, table, snapshot);
    match counted {
        Some(rows) => enough(eq, used, table, rows),
        None => eq,
    }
}

/// Those that no other column decides.
fn undecided(
    mut eq: Vec<IndexKey>,
    used: &Relation,
    table: &Table,
    snapshot: &Snapshot,
) -> Vec<IndexKey> {
    let mut pairs: Vec<(i16, i16, f64)> = (snapshot.extended_stats.iter())
        .filter(|s| s.table_oid == table.oid)
        .flat_map(ExtendedStats::pairs)
        .filter(|(_, _, degree)| *degree >= DECIDED)
        .collect();
    pairs.sort_by(|a, b| b.2.total_cmp(&a.2).then((a.0, a.1).cmp(&(b.0, b.1))));
    let name = |attnum: i16| {
        let column = table.columns.iter().find(|c| c.attnum == attnum);
        column.map(|c| c.name.as_str())
    };
    for (from, to, _) in pairs {
        let (Some(from), Some(to)) = (name(from), name(to)) else {
            continue;
        };
        let held = |column| eq.iter().any(|k| k.column_name() == Some(column));
        if held(from) && held(to) && share_by(used, from, table) <= share_by(used, to, table) {
            eq.retain(|k| k.column_name() != Some(to));
        }
    }
    eq
}

/// Those that leave about the rows that were counted, the most selective first to be taken.
fn enough(eq: Vec<IndexKey>, used: &Relation, table: &Table, counted: f64) -> Vec<IndexKey> {
    let share = |key: &IndexKey| key.column_name().map(|name| share_by(used, name, table));
    let Some(shares) = eq.iter().map(share).collect::<Option<Vec<f64>>>() else {
        return eq;
    };
    let mut order: Vec<usize> = (0..eq.len()).collect();
    order.sort_by(|&a, &b| shares[a].total_cmp(&shares[b]));
    let mut left = table.rows();
    let mut taken = BTreeSet::new();
    for at in order {
        if !taken.is_empty() && left <= NEAR * counted {
            break;
        }
        left *= shares[at];
        taken.insert(at);
    }
    let mut at = 0..;
    let mut kept = eq;
    kept.retain(|_| at.next().is_some_and(|at| taken.contains(&at)));
    kept
}

/// Rows that the equalities on columns leave, which btrees find.
pub(super) fn rows_by_equality(used: &Relation, table: &Table) -> f64 {
    let keys: BTreeSet<&str> = (used.predicates.iter())
        .filter(|p| p.operator.is_equality() && p.expression.is_none())
        .filter(|p| table.column(&p.column).is_some_and(|c| c.btree))
        .map(|p| p.column.as_str())
        .collect();
    let share: f64 = keys.iter().map(|key| share_by(used, key, table)).product();
    table.rows() * share
}

/// Share of the rows that the conditions on the key columns leave, each taken by itself as a generic plan takes it.
pub(super) fn share_searched(used: &Relation, index: &IndexDefinition, table: &Table) -> f64 {
    let share = |key: &str| share_by(used, key, table);
    index.key_columns().map(share).product()
}

/// Share of the rows that the condition on one column leaves.
pub(super) fn share_by(used: &Relation, key: &str, table: &Table) -> f64 {
    let rows = table.rows().max(1.0);
    let stats = table.column(key).and_then(|c| c.stats.as_ref());
    let one_value = stats.map_or(1.0 / rows.sqrt(), |s| {
        (1.0 - s.null_frac) / s.distinct(rows)
    });
    let mut conditions =
        (used.predicates.iter()).filter(|p| p.column == key && p.expression.is_none());
    match conditions.next().map(|p| &p.operator) {
        Some(Operator::IsNull) => stats.map_or(0.005, |s| s.null_frac),
        Some(Operator::In(Some(values))) => {
            #[expect(clippy::cast_precision_loss, reason = "the length of a list")]
            let values = *values as f64;
            (values * one_value).min(1.0)
        }
        Some(operator) if operator.is_range() => 1.0 / 3.0,
        // Without a condition of its own a key column is joined or sorted by: one value at a time.
        _ => one_value,
    }
}
