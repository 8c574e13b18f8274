//! The planner source `estimate`: what a statement would cost with other indexes, by arithmetic alone.
//!
//! A small re-implementation of `PostgreSQL`'s planner over Shapes, for servers without `HypoPG` or a clone: selectivities
//! from `pg_stats`, the cost formulas of `costsize.c` and `selfuncs.c`, index matching, join order, sort and LIMIT. It leaves
//! out parallelism, partitionwise joins, and expressions whose statistics nobody collected. More indexes never raise a cost.

pub(crate) mod base;
mod between;
mod bitmap;
pub(crate) mod bound;
mod classes;
pub(crate) mod condition;
mod conjunct;
pub(crate) mod elements;
mod finish;
mod groups;
mod index;
mod join;
mod join_cost;
mod join_method;
mod join_share;
mod join_size;
mod key;
mod links;
mod merge_join;
mod nested_loop;
pub(crate) mod number;
mod partial;
mod path;
mod pattern;
mod question;
mod relation;
pub(crate) mod scan;
pub(crate) mod selectivity;
pub(crate) mod settings;
mod sketch;
mod sort;
#[cfg(test)]
mod tests;
mod unit;
pub(crate) mod value;

use crate::advisor::estimate::index::Ix;
use crate::advisor::estimate::join::{Joined, Joiner};
use crate::advisor::estimate::path::{Arena, Offer, Path, Step, UNORDERED, cheapest};
pub use crate::advisor::estimate::question::Question;
use crate::advisor::estimate::scan::Frame;
use crate::advisor::estimate::unit::{Leaf, Unit};
use crate::model::catalog::Table;
use crate::model::index::IndexDefinition;
use crate::model::plan::Plan;
use crate::model::snapshot::Snapshot;
use crate::model::whatif::{Cost, Hypothetical};
use crate::query::workload::{Query, QueryKind};

/// The cost of a query with these indexes in addition to those that exist. To ask about many sets of indexes, build a
/// [`Question`] once.
#[must_use]
pub fn estimate(query: &Query, snapshot: &Snapshot, indexes: &[&Hypothetical]) -> Cost {
    let cost =
        |shape| Question::new(shape, query.kind, query.rows_per_call, snapshot).cost(indexes);
    Cost::mean(
        query
            .ways()
            .map(|(share, _, shape)| (share, cost(shape)))
            .collect(),
    )
}

/// Share of the table's rows that the predicate of an index keeps; 1 when it has none, or one that is not understood.
#[must_use]
pub fn predicate_selectivity(definition: &IndexDefinition, table: &Table) -> f64 {
    definition
        .predicate
        .as_deref()
        .map_or(1.0, |p| partial::share(p, table))
}

/// What planning a unit gave.
#[derive(Debug, Clone)]
struct Planned {
    /// Ways to its result: the cheapest, and those that start earlier.
    paths: Vec<Path>,
    width: f64,
}

impl<'a> Question<'a> {
    /// The cost with these indexes in addition to those that exist.
    #[must_use]
    pub fn cost(&self, indexes: &[&'a Hypothetical]) -> Cost {
        let ways: Vec<Vec<Ix<'a>>> = (0..self.bases.len())
            .map(|r| self.indexes_of(r, indexes))
            .collect();
        let mut arena = Arena::default();
        let mut planned: Vec<Option<Planned>> = vec![None; self.units.len()];
        for (number, unit) in self.units.iter().enumerate().rev() {
            planned[number] = self.plan_unit(&mut arena, unit, &ways, &planned);
        }
        let tops = self.units.iter().zip(&planned).filter(|(unit, _)| unit.top);
        let tops: Vec<Path> = tops
            .filter_map(|(_, p)| cheapest(&p.as_ref()?.paths))
            .collect();
        self.answer(&arena, &tops)
    }

    fn answer(&self, arena: &Arena<'_>, tops: &[Path]) -> Cost {
        let total: f64 = tops.iter().map(|p| p.total).sum();
        let mut used = Vec::new();
        for path in tops {
            sketch::collect_used(arena, path.node, &mut used);
        }
        used.sort_unstable();
        used.dedup();
        let mut plan = match tops {
            [] => Plan::default(),
            [one] => sketch::plan(self, arena, one.node),
            several => sketch::over("Append", total, several, self, arena),
        };
        if self.kind != QueryKind::Select && self.shape.target.is_some() {
            plan = Plan {
                node_type: "ModifyTable".to_owned(),
                relation_name: self.target_name(),
                total_cost: total,
                plans: vec![plan],
                ..Plan::default()
            };
        }
        Cost {
            total: if total.is_finite() {
                total.max(0.0)
            } else {
                f64::MAX
            },
            used,
            plan,
            ..Cost::default()
        }
    }

    /// The table that the statement writes to, if it also reads it.
    fn target_name(&self) -> Option<String> {
        let mut tables = self.bases.iter().filter_map(|b| b.table);
        let target = tables.find(|t| Some(t.oid) == self.shape.target);
        target.map(|t| t.name.clone())
    }

    fn indexes_of(&self, relation: usize, asked: &[&'a Hypothetical]) -> Vec<Ix<'a>> {
        let Some(base) = self.bases.get(relation) else {
            return Vec::new();
        };
        let mut ways = base.existing.clone();
        let oid = base.table.map(|t| t.oid);
        for (position, index) in asked.iter().enumerate() {
            if Some(index.definition.table_oid) == oid {
                ways.extend(Ix::hypothetical(position, index, base));
            }
        }
        ways
    }

    fn plan_unit(
        &self,
        arena: &mut Arena<'a>,
        unit: &Unit,
        ways: &[Vec<Ix<'a>>],
        planned: &[Option<Planned>],
    ) -> Option<Planned> {
        let frame = Frame {
            settings: &self.settings,
            total_pages: self.total_pages,
        };
        arena.fraction = if unit.early { 0.0 } else { 1.0 };
        let mut leaves = Vec::new();
        let mut leaf_rows = vec![1.0; unit.leaves.len()];
        for (number, leaf) in unit.leaves.iter().enumerate().take(64) {
            let (rows, width, paths) = match leaf {
                Leaf::Base(relation) => {
                    let (base, ways) = (self.bases.get(*relation)?, ways.get(*relation)?);
                    (
                        base.rows,
                        base.width,
                        relation::paths(arena, &frame, unit, number, *relation, base, ways),
                    )
                }
                Leaf::Unit(inner) => {
                    let Some(inner) = planned.get(*inner).and_then(Option::as_ref) else {
                        continue;
                    };
                    // Whatever order it has is not known by the names of this unit.
                    let unordered = |p: &Path| Path {
                        order: UNORDERED,
                        ..*p
                    };
                    let rows = inner.paths.first().map_or(1.0, |p| p.rows);
                    (
                        rows,
                        inner.width,
                        inner.paths.iter().map(unordered).collect(),
                    )
                }
            };
            leaf_rows[number] = rows;
            leaves.push((number, width, paths));
        }
        if leaves.is_empty() {
            let row = self.one_row(arena);
            return Some(with_subqueries(arena, unit, vec![row], 8.0, planned));
        }
        let mut joiner = Joiner {
            frame,
            unit,
            bases: &self.bases,
            indexes: ways,
            leaf_rows,
            inner: Vec::new(),
            sorted: Vec::new(),
        };
        arena.fraction = joiner.fraction();
        let single = |(number, width, paths): (usize, f64, Vec<Path>)| {
            Joined::new(arena, 1 << number, joiner.leaf_rows[number], width, paths)
        };
        let leaves = leaves.into_iter().map(single).collect();
        let all = joiner.join(arena, leaves)?;
        let paths = finish::finish(arena, &self.settings, unit, all.paths, all.width);
        Some(with_subqueries(arena, unit, paths, all.width, planned))
    }

    /// A query without tables.
    fn one_row(&self, arena: &mut Arena<'a>) -> Path {
        let offer = Offer {
            startup: 0.0,
            total: self.settings.cpu_tuple,
            rows: 1.0,
            order: UNORDERED,
        };
        arena.push(Step::Other("Result"), offer, [None; 2])
    }
}

/// Adds the subqueries that are not joined: those run once, and those run for each row of the result.
fn with_subqueries(
    arena: &mut Arena<'_>,
    unit: &Unit,
    mut paths: Vec<Path>,
    width: f64,
    planned: &[Option<Planned>],
) -> Planned {
    let once = unit.once.iter().map(|u| (*u, false, "InitPlan"));
    let each = unit.per_row.iter().map(|u| (*u, true, "SubPlan"));
    for (inner, per_row, name) in once.chain(each) {
        let inner = planned.get(inner).and_then(Option::as_ref);
        let Some(inner) = inner.and_then(|p| cheapest(&p.paths)) else {
            continue;
        };
        for path in &mut paths {
            let times = if per_row { path.rows } else { 1.0 };
            let offer = Offer {
                total: path.total + inner.total * times,
                ..Offer::of(*path)
            };
            *path = arena.push(
                Step::Other(name),
                offer,
                [Some(path.node), Some(inner.node)],
            );
        }
    }
    Planned { paths, width }
}
