//! Candidates that hold only part of a table: the rows that a condition without parameters keeps.
//!
//! 9. **Partial**: `x IS NULL`, `x IS NOT NULL`, a boolean column, `x = 'constant'`, if it keeps less than three tenths of
//!    the rows. The column itself is then no key; where it is all that is searched by, the primary key is. A constant counts
//!    only where every call has the same one (what stands for a parameter may be another value the next time, and the planner
//!    could not prove that the index has its rows), and where it is far rarer than the column's other values: `state = 'new'`
//!    is how a queue is read, `customer = 77` an example.

use std::collections::BTreeSet;

use crate::advisor::estimate::predicate_selectivity;
use crate::advisor::estimate::selectivity::same_but_for_padding;
use crate::model::catalog::{Column, Table};
use crate::model::ident::{quote_ident, quote_literal};
use crate::model::index::{IndexDefinition, IndexKey};
use crate::model::snapshot::Snapshot;
use crate::query::shape::{Operand, Operator, Predicate};
use crate::query::workload::Query;

/// Largest share of the rows that is worth an index of its own.
const MOST: f64 = 0.3;

/// A condition as the predicate of an index, and its column.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    column: String,
    predicate: String,
}

/// The parts of the table that the statement asks for, whatever its parameters.
pub(super) fn parts(
    query: &Query,
    relation: usize,
    table: &Table,
    snapshot: &Snapshot,
) -> Vec<Part> {
    let used = &query.shape.relations[relation];
    let texts: BTreeSet<&str> = (query.members.iter())
        .filter_map(|&m| snapshot.statements[m].query.as_deref())
        .collect();
    let assumed = |column: &str| query.assumed().any(|a| a.column == column);
    let constant = |p: &Predicate| texts.len() == 1 && !assumed(&p.column);
    let part = |p: &Predicate| {
        let column = table.column(&p.column)?;
        let name = quote_ident(&p.column);
        let predicate = match (&p.operator, &p.operand) {
            _ if p.expression.is_some() => return None,
            (Operator::IsNull, _) => format!("{name} IS NULL"),
            (Operator::IsNotNull, _) => format!("{name} IS NOT NULL"),
            (Operator::Eq, Operand::Literal(value))
                if column.base_type == "bool" && !assumed(&p.column) =>
            {
                match value.as_str() {
                    "t" | "true" => name.into_owned(),
                    _ => format!("NOT {name}"),
                }
            }
            (Operator::Eq, Operand::Literal(value))
                if constant(p) && is_rare(value, column, table) =>
            {
                format!("{name} = {}", quote_literal(value))
            }
            _ => return None,
        };
        Some(Part {
            column: p.column.clone(),
            predicate,
        })
    };
    let mut parts: Vec<Part> = used.predicates.iter().filter_map(part).collect();
    parts.retain(|part| keeps(&part.predicate, table) <= MOST);
    if let [one, other] = parts.as_slice() {
        let both = format!("{} AND {}", one.predicate, other.predicate);
        parts.push(Part {
            column: one.column.clone(),
            predicate: both,
        });
    }
    parts
}

/// Whether a value is much rarer than the mean of the column's few values.
fn is_rare(value: &str, column: &Column, table: &Table) -> bool {
    const RARE: f64 = 1.0 / 3.0;
    let Some(stats) = &column.stats else {
        return false;
    };
    let values = stats.most_common_vals.iter().flatten();
    let shares = stats.most_common_freqs.iter().flatten();
    let padded = column.base_type == "bpchar";
    let same = |v: &String| v == value || padded && same_but_for_padding(v, value);
    // One that was never seen may be common tomorrow.
    let Some((_, share)) = values.zip(shares).find(|(v, _)| same(v)) else {
        return false;
    };
    *share <= RARE * (1.0 - stats.null_frac) / stats.distinct(table.rows())
}

/// The same keys for a part of the table, if anything else is left to search by: in a part like `x IS NULL` x is the same in
/// every row.
pub(super) fn partial(plain: &IndexDefinition, part: &Part) -> Option<IndexDefinition> {
    let mut keys = plain.keys.clone();
    keys.retain(|key| key.column_name() != Some(part.column.as_str()));
    (!keys.is_empty()).then(|| IndexDefinition {
        keys,
        predicate: Some(part.predicate.clone()),
        ..plain.clone()
    })
}

impl Part {
    /// Whether an index holds this part.
    pub(super) fn is_of(&self, definition: &IndexDefinition) -> bool {
        definition.predicate.as_ref() == Some(&self.predicate)
    }

    /// An index on the part where nothing else is searched by: on the few values of a column that is mostly NULL, else on the
    /// primary key, since the column is the same in every row of the part. A search for NULLs alone is served by an index on the
    /// column as well, which finds its values too.
    pub(super) fn alone(&self, table: &Table, snapshot: &Snapshot) -> Option<IndexDefinition> {
        let name = quote_ident(&self.column);
        if self.predicate == format!("{name} IS NULL") {
            return None;
        }
        let key = if self.predicate == format!("{name} IS NOT NULL") {
            let column = table.column(&self.column).filter(|c| c.btree)?;
            IndexKey::column(&column.name)
        } else {
            let primary = snapshot.indexes_of(table.oid).find(|i| i.primary)?;
            match primary.definition.keys.as_slice() {
                [key] => key.clone(),
                _ => return None,
            }
        };
        Some(IndexDefinition {
            table_oid: table.oid,
            table: table.qualified(),
            method: "btree".into(),
            keys: vec![key],
            include: Vec::new(),
            predicate: Some(self.predicate.clone()),
            unique: false,
        })
    }
}

/// Share of the rows; all of them where statistics say nothing.
fn keeps(predicate: &str, table: &Table) -> f64 {
    let definition = IndexDefinition {
        table_oid: table.oid,
        table: table.qualified(),
        method: "btree".into(),
        keys: Vec::new(),
        include: Vec::new(),
        predicate: Some(predicate.to_owned()),
        unique: false,
    };
    let analyzed = table.columns.iter().any(|c| c.stats.is_some());
    if analyzed {
        predicate_selectivity(&definition, table)
    } else {
        1.0
    }
}
