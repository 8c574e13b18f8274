//! What a scan reads for what it keeps, and what is compared in its filter: what several rules ask of a scan.

use crate::audit::view::View;
use crate::model::catalog::Table;
use crate::model::index::{Index, KeyOf};
use crate::model::unit::{Count, Percent};
use crate::query::comparison::{Comparison, comparisons};
use crate::query::expression::{canonical, unqualified};

/// The scans that have filters.
pub const SCANS: &[&str] = &[
    "Seq Scan",
    "Index Scan",
    "Index Only Scan",
    "Bitmap Heap Scan",
];

/// Least rows or blocks that make a scan large.
const MANY_ROWS: f64 = 10_000.0;
const MANY_BLOCKS: f64 = 1000.0;
/// Least share of the rows that is thrown away: of more rows an index would not find them sooner.
const WASTED: f64 = 0.9;
/// Most of a table's rows that are few.
const FEW: f64 = 0.05;

/// A large scan that throws most of it away.
#[derive(Debug, Clone, PartialEq)]
pub struct Waste {
    /// Share of the statement that this costs.
    pub share: f64,
    /// The figures.
    pub evidence: String,
}

/// Whether a scan reads much, keeps little of it, and that is worth a word. Where it was only planned, the table has to be known.
#[must_use]
pub fn waste(view: &View<'_>, at: usize) -> Option<Waste> {
    let node = &view.explained.nodes[at];
    if node.text("Filter").is_none() || !view.matters(at) {
        return None;
    }
    let share = view.share(at);
    let (of_it, figures) = if let Some(rows) = node.rows() {
        let removed = node.removed("Rows Removed by Filter");
        let read = rows + removed;
        let large = read >= MANY_ROWS || view.exclusive.blocks.own[at] >= MANY_BLOCKS;
        let wasted = removed / read.max(1.0);
        if !large || wasted < WASTED {
            return None;
        }
        let figures = format!("{} of {} rows kept", Count(rows), Count(read));
        (wasted, figures)
    } else {
        let table = view.table(at)?;
        let (expected, all) = (node.plan_rows(), table.rows());
        if table.relpages < MANY_BLOCKS || expected > FEW * all {
            return None;
        }
        let figures = format!("{} of {} rows expected", Count(expected), Count(all));
        (1.0, figures)
    };
    Some(Waste {
        share: share * of_it,
        evidence: format!("{figures}, {} of the statement", Percent(share)),
    })
}

/// What the filter of a scan compares.
#[must_use]
pub fn compared(view: &View<'_>, at: usize) -> Vec<Comparison> {
    let node = &view.explained.nodes[at];
    let alias = node.text("Alias").or(node.relation()).unwrap_or("");
    node.text("Filter")
        .map_or_else(Vec::new, |filter| comparisons(filter, alias))
}

/// The usable indexes of a table.
pub fn indexes<'a>(view: &View<'a>, table: &'a Table) -> impl Iterator<Item = &'a Index> {
    let all = view.snapshot.map(|s| s.indexes_of(table.oid));
    all.into_iter().flatten().filter(|index| index.usable())
}

/// Whether an index has a key on that expression, as EXPLAIN prints it.
#[must_use]
pub fn is_indexed(view: &View<'_>, table: &Table, expression: &str) -> bool {
    let spelled = |text: &str| unqualified(&canonical(text, table));
    let wanted = spelled(expression);
    indexes(view, table).any(|index| {
        index.definition.keys.iter().any(|key| match &key.of {
            KeyOf::Expression(text) => spelled(text) == wanted,
            KeyOf::Column(name) => *name == wanted,
        })
    })
}

/// The name of an index whose first key is that column.
#[must_use]
pub fn index_on(view: &View<'_>, table: &Table, column: &str) -> Option<String> {
    let first = |index: &&Index| {
        let key = index.definition.keys.first();
        index.definition.method == "btree" && key.and_then(|key| key.column_name()) == Some(column)
    };
    indexes(view, table).find(first).map(|i| i.name.clone())
}
