//! How many groups GROUP BY or DISTINCT makes (`estimate_num_groups` of `selfuncs.c`).

use crate::advisor::estimate::base::{Base, column_at};
use crate::advisor::estimate::settings::clamp_rows;
use crate::model::snapshot::Snapshot;
use crate::query::shape::{ColumnRef, Shape};

/// Distinct values of the grouped columns, by relation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grouping {
    relations: Vec<Part>,
    /// How many columns there are.
    pub(crate) columns: f64,
}

#[derive(Debug, Clone)]
struct Part {
    relation: usize,
    distinct: f64,
    most: f64,
    columns: u32,
    tuples: f64,
    rows: f64,
}

impl Grouping {
    pub(crate) fn of(
        columns: &[ColumnRef],
        bases: &[Base<'_>],
        shape: &Shape,
        snapshot: &Snapshot,
    ) -> Self {
        let mut relations: Vec<Part> = Vec::new();
        let mut counted = 0.0;
        for column in columns {
            let Some(base) = bases.get(column.relation) else {
                continue;
            };
            let table = shape
                .relations
                .get(column.relation)
                .and_then(|r| snapshot.table(r.table_oid));
            let field = base.field(column_at(table, &column.column));
            // NULLs are a group of their own.
            let distinct = field.distinct() + if field.null_frac() > 0.0 { 1.0 } else { 0.0 };
            counted += 1.0;
            if let Some(part) = relations.iter_mut().find(|p| p.relation == column.relation) {
                part.distinct *= distinct;
                part.most = part.most.max(distinct);
                part.columns += 1;
            } else {
                relations.push(Part {
                    relation: column.relation,
                    distinct,
                    most: distinct,
                    columns: 1,
                    tuples: base.tuples.max(1.0),
                    rows: base.rows,
                });
            }
        }
        Self {
            relations,
            columns: counted,
        }
    }

    /// Groups among that many rows.
    pub(crate) fn groups(&self, rows: f64) -> f64 {
        let mut groups = 1.0;
        for part in &self.relations {
            // Several columns hardly vary independently: at most a tenth of the rows, unless one alone has more.
            let limit = if part.columns > 1 {
                (part.tuples * 0.1).max(part.most)
            } else {
                part.tuples
            };
            let mut distinct = part.distinct.min(limit).min(part.tuples).max(1.0);
            if part.rows < part.tuples {
                let missed = 1.0 - part.rows / part.tuples;
                distinct *= 1.0 - missed.powf(part.tuples / distinct);
            }
            groups *= clamp_rows(distinct);
        }
        groups.min(rows).max(1.0).ceil()
    }
}
