//! How long a plan would take, told from its shape and its estimated rows.
//!
//! Planner cost is no time: with its default constants a page read at random costs forty times what a row does, whether it
//! comes from disk or from memory, and the hundredth fetch of a cached page costs nothing at all. Where most of a database is
//! cached, plans with a quarter of the cost were seen to take five times as long. So the choice of indexes asks here as well.
//! Each node is charged for the rows and pages that it handles, at measured rates (`rates`). That a few such rates fit cached
//! data better than the planner's cost was shown by Leis et al., "How Good Are Query Optimizers, Really?" (VLDB 2015,
//! section 5.4). Estimated rows are taken as they are: where they are wrong, so is this.

mod calibration;
mod rates;
mod scan;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::advisor::estimate::settings::Settings;
use crate::model::catalog::Table;
use crate::model::index::Index;
use crate::model::plan::Plan;
use crate::model::snapshot::Snapshot;
use crate::model::whatif::Hypothetical;

pub use calibration::{Calibration, Observed, calibrate, informative, observed};
pub use rates::{Rates, Slowness};

/// By which factor the ratio of two predicted times is off (root mean square over 69 changed plans, `benches/time`; planner cost
/// is off by 2.4 there).
pub const ERROR: f64 = 1.5;

/// A unit of planner cost, where nothing better is known.
pub const MS_PER_UNIT: f64 = rates::UNIT / 1000.0;

/// Predicts the time of plans on one server.
#[derive(Debug)]
pub struct TimeModel<'a> {
    settings: Settings,
    rates: Rates,
    tables: BTreeMap<&'a str, Vec<&'a Table>>,
    indexes: BTreeMap<&'a str, &'a Index>,
}

/// Microseconds that one execution of a node and all below it takes, until its first row and in all.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Spent {
    startup: f64,
    total: f64,
}

/// Where a node stands.
#[derive(Debug, Clone, Copy)]
struct At<'q> {
    /// How often it runs.
    loops: f64,
    /// Share of a parallel node's work that one process does.
    share: f64,
    /// The hypothetical indexes of the question.
    asked: &'q [&'q Hypothetical],
    /// Rows of each scanned relation, by alias.
    scanned: &'q BTreeMap<&'q str, f64>,
    /// What is charged.
    rates: &'q Rates,
}

impl<'a> TimeModel<'a> {
    /// A model of the server that a snapshot was taken of.
    #[must_use]
    pub fn new(snapshot: &'a Snapshot) -> Self {
        let mut tables: BTreeMap<&str, Vec<&Table>> = BTreeMap::new();
        for table in &snapshot.tables {
            tables.entry(&table.name).or_default().push(table);
        }
        Self {
            settings: Settings::of(&snapshot.server),
            rates: Rates::of(snapshot),
            tables,
            indexes: (snapshot.indexes.iter())
                .map(|i| (i.name.as_str(), i))
                .collect(),
        }
    }

    /// Milliseconds that one execution of a plan takes; `asked` are the indexes that were hypothetical when it was made.
    #[must_use]
    pub fn ms(&self, plan: &Plan, asked: &[&Hypothetical]) -> f64 {
        self.ms_at(plan, asked, &self.rates)
    }

    /// The same at other rates.
    pub(super) fn ms_at(&self, plan: &Plan, asked: &[&Hypothetical], rates: &Rates) -> f64 {
        let mut scanned = BTreeMap::new();
        plan.visit(&mut |node| {
            if let Some(alias) = &node.alias {
                scanned.insert(alias.as_str(), node.plan_rows);
            }
        });
        let at = At {
            loops: 1.0,
            share: 1.0,
            asked,
            scanned: &scanned,
            rates,
        };
        (rates::START + self.node(plan, at).total) / 1000.0
    }

    /// The rates that it charges.
    #[must_use]
    pub fn rates(&self) -> &Rates {
        &self.rates
    }

    /// Charges other rates from now on.
    #[must_use]
    pub fn with(mut self, rates: Rates) -> Self {
        self.rates = rates;
        self
    }

    fn node(&self, plan: &Plan, at: At<'_>) -> Spent {
        let mut spent = self.proper(plan, at);
        for child in &plan.plans {
            match child.parent_relationship.as_deref() {
                Some("InitPlan") => {
                    let once = self.node(child, At { loops: 1.0, ..at }).total / at.loops.max(1.0);
                    spent.startup += once;
                    spent.total += once;
                }
                Some("SubPlan") => {
                    let runs = executions(plan, child);
                    let loops = at.loops * runs;
                    spent.total += runs * self.node(child, At { loops, ..at }).total;
                }
                _ => {}
            }
        }
        spent
    }

    /// The node and its inputs, without the subqueries in its expressions.
    fn proper(&self, plan: &Plan, at: At<'_>) -> Spent {
        let rows = plan.plan_rows;
        let slow = at.rates.slowness.processing;
        let inputs: Vec<&Plan> = inputs(plan).collect();
        match (plan.node_type.as_str(), inputs.as_slice()) {
            ("Seq Scan" | "Sample Scan", _) => self.sequential(plan, at),
            ("Index Scan" | "Index Only Scan", _) => self.index_scan(plan, at),
            ("Bitmap Heap Scan", [bitmap]) => self.bitmap_heap(plan, bitmap, at),
            ("Nested Loop", [outer, inner]) => self.nested_loop(plan, outer, inner, at),
            ("Hash Join", [probe, build]) => {
                let (probe_time, build_time) = (self.node(probe, at), self.node(build, at));
                let look = rates::PROBE + far(build.plan_rows) * rates::PROBE_FAR;
                let joining = slow * (probe.plan_rows * look + rows * rates::OUTPUT);
                Spent {
                    startup: build_time.total + probe_time.startup,
                    total: build_time.total + probe_time.total + joining,
                }
            }
            ("Merge Join", [outer, inner]) => {
                let (left, right) = (self.node(outer, at), self.node(inner, at));
                let both = outer.plan_rows + inner.plan_rows;
                let joining = slow * (both * rates::PROBE + rows * rates::OUTPUT);
                Spent {
                    startup: left.startup + right.startup,
                    total: left.total + right.total + joining,
                }
            }
            ("Hash", [input]) => {
                let row = rates::BUILD + far(input.plan_rows) * rates::BUILD_FAR;
                blocking(self.node(input, at), slow * input.plan_rows * row)
            }
            ("Sort", [input]) => blocking(self.node(input, at), slow * sorting(input.plan_rows)),
            ("Incremental Sort", [input]) => {
                streaming(self.node(input, at), slow * sorting(input.plan_rows))
            }
            ("Aggregate" | "WindowAgg", [input]) => self.aggregate(plan, input, at),
            ("Memoize", [input]) => self.memoize(plan, input, at),
            ("Limit", [input]) => limit(plan, input, self.node(input, at)),
            ("Gather" | "Gather Merge", [input]) => {
                let share = 1.0 / processes(plan.workers_planned.unwrap_or(0.0));
                let below = self.node(input, At { share, ..at });
                streaming(
                    below,
                    slow * (rates::WORKERS_START + rows * rates::TRANSFER),
                )
            }
            (_, inputs) => {
                let below = inputs.iter().map(|i| self.node(i, at));
                let below = below.fold(Spent::default(), |sum, next| Spent {
                    startup: sum.startup + next.startup,
                    total: sum.total + next.total,
                });
                streaming(below, slow * (rows * rates::PASS + unknown(plan)))
            }
        }
    }

    fn nested_loop(&self, plan: &Plan, outer: &Plan, inner: &Plan, at: At<'_>) -> Spent {
        let outer_time = self.node(outer, at);
        let runs = outer.plan_rows.max(1.0);
        let slow = at.rates.slowness.processing;
        let joining = slow * (outer.plan_rows * rates::PROBE + plan.plan_rows * rates::OUTPUT);
        let (first, all) =
            if let ("Materialize", [kept]) = (inner.node_type.as_str(), inner.plans.as_slice()) {
                let once = self.node(kept, at).total;
                (
                    once,
                    once + slow * runs * inner.plan_rows.max(1.0) * rates::PASS,
                )
            } else {
                let loops = at.loops * runs;
                let each = self.node(inner, At { loops, ..at });
                (each.startup, runs * each.total)
            };
        Spent {
            startup: outer_time.startup + first,
            total: outer_time.total + all + joining,
        }
    }

    /// The planner knows how often the cache will be missed; its cost tells.
    fn memoize(&self, plan: &Plan, input: &Plan, at: At<'_>) -> Spent {
        let missed = (plan.total_cost / input.total_cost.max(LEAST_COST)).min(1.0);
        let loops = at.loops * missed;
        let below = self.node(input, At { loops, ..at });
        Spent {
            startup: below.startup * missed,
            total: below.total * missed
                + at.rates.slowness.processing * (rates::PROBE + plan.plan_rows * rates::PASS),
        }
    }

    fn aggregate(&self, plan: &Plan, input: &Plan, at: At<'_>) -> Spent {
        let below = self.node(input, at);
        let rows = input.plan_rows.max(1.0);
        let operators =
            (plan.total_cost - input.total_cost).max(0.0) / rows / self.settings.cpu_operator;
        let own = at.rates.slowness.processing
            * rows
            * (rates::GROUP + rates::AGGREGATE * operators.min(100.0));
        match plan.strategy.as_deref() {
            Some("Sorted") => streaming(below, own),
            _ if plan.node_type == "WindowAgg" => streaming(below, own),
            _ => blocking(below, own),
        }
    }
}

/// EXPLAIN prints hundredths.
const LEAST_COST: f64 = 0.01;

/// Processes that share a parallel node's work, the leader as far as it takes part (`get_parallel_divisor`).
fn processes(workers: f64) -> f64 {
    (workers + (1.0 - 0.3 * workers).max(0.0)).max(1.0)
}

fn inputs(plan: &Plan) -> impl Iterator<Item = &Plan> {
    let is_input = |p: &&Plan| {
        !matches!(
            p.parent_relationship.as_deref(),
            Some("InitPlan" | "SubPlan")
        )
    };
    plan.plans.iter().filter(is_input)
}

/// How often a subquery in the node's conditions runs, from what the node is charged for it.
fn executions(plan: &Plan, subplan: &Plan) -> f64 {
    let hashed = |text: &Option<String>| text.as_ref().is_some_and(|t| t.contains("hashed"));
    if hashed(&plan.filter) || hashed(&plan.join_filter) || hashed(&plan.index_cond) {
        return 1.0;
    }
    let below: f64 = inputs(plan).map(|p| p.total_cost).sum();
    let charged = (plan.total_cost - below).max(0.0) / subplan.total_cost.max(LEAST_COST);
    charged.max(1.0)
}

/// What the planner charges a leaf that no rate is for: functions, foreign tables, row lookups.
fn unknown(plan: &Plan) -> f64 {
    if plan.plans.is_empty() {
        plan.total_cost * rates::UNIT
    } else {
        0.0
    }
}

/// Share of the looks into a hash table of so many rows that leave the processor's cache.
fn far(rows: f64) -> f64 {
    (1.0 - rates::PROCESSOR_CACHE / (rows.max(1.0) * rates::HASHED_ROW)).max(0.0)
}

fn sorting(rows: f64) -> f64 {
    rows * rates::COMPARE * rows.max(2.0).log2()
}

/// A node that reads all of its input before its first row.
fn blocking(below: Spent, own: f64) -> Spent {
    Spent {
        startup: below.total + own,
        total: below.total + own,
    }
}

fn streaming(below: Spent, own: f64) -> Spent {
    Spent {
        startup: below.startup,
        total: below.total + own,
    }
}

/// LIMIT stops its input early: the costs say after which share of it.
fn limit(plan: &Plan, input: &Plan, below: Spent) -> Spent {
    let run = input.total_cost - input.startup_cost;
    let share = if run > 0.0 {
        ((plan.total_cost - input.startup_cost) / run).clamp(0.0, 1.0)
    } else {
        1.0
    };
    Spent {
        startup: below.startup,
        total: below.startup + share * (below.total - below.startup),
    }
}
