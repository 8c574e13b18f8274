//! Which tables of a block are read through an index for few rows anyway: how their other conditions are written is of no account.

use crate::audit::text::Text;
use crate::model::catalog::{Column as TableColumn, Table};
use crate::query::facts::{Column, Side, Test, Value};

/// So many rows are few.
const FEW: f64 = 1000.0;
/// Elements of a list that is not known.
const LIST: f64 = 10.0;

impl Text<'_> {
    /// Whether an index finds few rows of a relation by equality, or by the few rows of those that it is joined to.
    #[must_use]
    pub fn is_narrowed(&self, relation: usize) -> bool {
        let block = self.facts().relations[relation].block;
        let relations: Vec<usize> = self.relations(block).collect();
        let mut rows: Vec<Option<f64>> = (relations.iter())
            .map(|&r| self.found_by_value(r).filter(|&rows| rows <= FEW))
            .collect();
        // Each round carries the narrowing one join further.
        for _ in 0..relations.len() {
            for (a, b, table, column) in self.links(block) {
                let place = |r: usize| relations.iter().position(|&other| other == r);
                let (Some(a), Some(b)) = (place(a), place(b)) else {
                    continue;
                };
                if let (Some(from), None) = (rows[a], rows[b])
                    && self.leads_index(table, &column.name)
                {
                    let found = from * per_value(table, &column.name);
                    rows[b] = Some(found).filter(|&rows| rows <= FEW);
                }
            }
        }
        let at = relations.iter().position(|&r| r == relation);
        at.is_some_and(|at| rows[at].is_some())
    }

    /// Rows of a relation that an index finds by the values that its columns are compared with, the fewest.
    #[must_use]
    pub fn found_by_value(&self, relation: usize) -> Option<f64> {
        let table = self.table(relation)?;
        let fixed = self.fixed(relation);
        let found = self.indexes(table).filter_map(|index| {
            let definition = &index.definition;
            let columns = definition.keys.iter().map_while(|key| {
                let name = key.column_name()?;
                let (_, values) = fixed.iter().find(|(column, _)| column.name == name)?;
                Some((name, *values))
            });
            let matched: Vec<(&str, f64)> = columns.collect();
            let values: f64 = matched.iter().map(|(_, values)| values).product();
            if matched.is_empty() {
                return None;
            }
            if definition.unique && matched.len() == definition.keys.len() {
                return Some(values);
            }
            let each = matched.iter().map(|(name, _)| distinct(table, name));
            Some((table.rows() / each.product::<f64>() * values).max(1.0))
        });
        found.min_by(f64::total_cmp)
    }

    /// Columns of a relation that are compared with values, and how many of them each.
    #[must_use]
    pub fn fixed(&self, relation: usize) -> Vec<(&Column, f64)> {
        let block = self.facts().relations[relation].block;
        let own = |column: &Column| self.owner(column, block) == Some(relation);
        let conditions = self.conditions(block).filter(|c| !c.outer);
        let fixed = conditions.filter_map(|condition| match &condition.test {
            Test::In(Side::Column(column)) => Some((column, LIST)),
            Test::Compare {
                left,
                operator: "=",
                right,
                ..
            } => match (left, right) {
                (Side::Column(column), Side::Value { value, .. })
                | (Side::Value { value, .. }, Side::Column(column)) => {
                    let known = self.column(column, block);
                    let converted = known.and_then(|(_, known)| converts(known, value));
                    converted.is_none().then_some((column, 1.0))
                }
                // What a block around it reads is a value here.
                (Side::Column(a), Side::Column(b)) => {
                    let outside = |c: &Column| {
                        let owner = self.owner(c, block);
                        owner.is_some_and(|r| self.facts().relations[r].block != block)
                    };
                    match (outside(a), outside(b)) {
                        (false, true) => Some((a, 1.0)),
                        (true, false) => Some((b, 1.0)),
                        _ => None,
                    }
                }
                _ => None,
            },
            _ => None,
        });
        fixed.filter(|(column, _)| own(column)).collect()
    }

    /// Equalities between two relations of a block: from, to, and the column there, in both directions.
    fn links(&self, block: usize) -> Vec<(usize, usize, &Table, &Column)> {
        let mut links = Vec::new();
        for condition in self.conditions(block) {
            let Test::Compare {
                left: Side::Column(a),
                operator: "=",
                right: Side::Column(b),
                ..
            } = &condition.test
            else {
                continue;
            };
            let (Some(one), Some(other)) = (self.owner(a, block), self.owner(b, block)) else {
                continue;
            };
            for (from, to, column) in [(one, other, b), (other, one, a)] {
                if let Some(table) = self.table(to).filter(|_| from != to) {
                    links.push((from, to, table, column));
                }
            }
        }
        links
    }
}

/// Different values of a column; as many as rows where nobody knows, so that nothing is claimed.
fn distinct(table: &Table, column: &str) -> f64 {
    let stats = table.column(column).and_then(|c| c.stats.as_ref());
    match stats.map(|s| s.n_distinct) {
        Some(n) if n > 0.0 => n,
        Some(n) if n < 0.0 => -n * table.rows(),
        _ => table.rows(),
    }
    .max(1.0)
}

fn per_value(table: &Table, column: &str) -> f64 {
    (table.rows() / distinct(table, column)).max(1.0)
}

/// The type of a value, if the server converts the column to it instead of the value to the column's.
pub(crate) fn converts(column: &TableColumn, value: &Value) -> Option<&'static str> {
    let Value::Cast(_, to) = value else {
        return None;
    };
    let to = match to.split('(').next().unwrap_or(to).trim() {
        "numeric" | "decimal" | "dec" => "numeric",
        "double precision" | "float8" | "float" | "real" | "float4" | "double" => {
            "double precision"
        }
        _ => return None,
    };
    match column.base_type.as_str() {
        "int2" | "int4" | "int8" => Some(to),
        "numeric" if to == "double precision" => Some(to),
        _ => None,
    }
}
