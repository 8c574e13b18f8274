//! The time of scans. How many rows an index scan fetches before its filter is not in a plan: it is solved for from its cost.

use crate::advisor::estimate::scan::pages_fetched;
use crate::advisor::size::height_of_pages;
use crate::advisor::time_model::{At, Spent, TimeModel, inputs, rates};
use crate::model::catalog::Table;
use crate::model::index::IndexDefinition;
use crate::model::plan::Plan;

/// An index as a plan reads it.
struct Read<'a> {
    definition: &'a IndexDefinition,
    table: &'a Table,
    pages: f64,
    height: f64,
}

/// A planner charges 50 operators for each page of a descent (`DEFAULT_PAGE_CPU_MULTIPLIER`, `selfuncs.c`).
const PAGE_CPU: f64 = 50.0;

impl<'a> TimeModel<'a> {
    pub(super) fn sequential(&self, plan: &Plan, at: At<'_>) -> Spent {
        let s = &self.settings;
        let Some(table) = self.table(plan) else {
            return whole(plan.total_cost * rates::UNIT);
        };
        let share = if plan.parallel_aware { at.share } else { 1.0 };
        let (pages, rows) = (table.relpages.max(1.0), table.rows().max(1.0));
        let cpu = (plan.total_cost - pages * s.seq_page).max(0.0) / share;
        let operators = (cpu / rows - s.cpu_tuple).max(0.0) / s.cpu_operator.max(1e-9);
        let row = rates::ROW + rates::OPERATOR * operators.min(20.0);
        let own = at.rates.slowness.sequential * (pages * rates::SEQUENTIAL_PAGE + rows * row);
        whole(share * (own + pages * at.rates.ahead()))
    }

    pub(super) fn index_scan(&self, plan: &Plan, at: At<'_>) -> Spent {
        let Some(index) = self.index(plan, at) else {
            return whole(plan.total_cost * rates::UNIT);
        };
        let only = plan.node_type == "Index Only Scan";
        let rows = self.fetched(plan, &index, at);
        let (near, far) = split(rows, &index);
        let visited = if only {
            1.0 - (index.table.relallvisible / index.table.relpages.max(1.0)).clamp(0.0, 1.0)
        } else {
            1.0
        };
        let entries = rows / entries_per_page(&index);
        let reading = at.rates.at_random() * (1.0 + visited * far) + at.rates.ahead() * entries;
        let slow = at.rates.slowness.index;
        let mut fetching = visited * (far * rates::FETCH + near * rates::FETCH_NEAR);
        if only {
            // Whether a row need not be fetched, a map says; of a large table it has more than one page.
            let maps = (index.table.relpages / rates::PAGES_PER_MAP_PAGE).max(1.0);
            fetching += far * (1.0 - 1.0 / maps) * rates::MAP_PAGE;
        }
        let filter = operators(plan) * rates::OPERATOR;
        Spent {
            startup: slow * rates::DESCENT,
            total: slow * (rates::DESCENT + rows * (rates::ENTRY + filter) + fetching) + reading,
        }
    }

    pub(super) fn bitmap_heap(&self, plan: &Plan, bitmap: &Plan, at: At<'_>) -> Spent {
        let Some(table) = self.table(plan) else {
            return whole(plan.total_cost * rates::UNIT);
        };
        let building = self.bitmap(bitmap, at);
        let own = if self.is_lossy(bitmap, at) {
            (plan.total_cost - bitmap.total_cost).max(0.0) * rates::UNIT
        } else {
            let rows = bitmap.plan_rows.max(plan.plan_rows);
            let pages = table.relpages.max(1.0);
            let touched = (2.0 * pages * rows / (2.0 * pages + rows)).min(pages);
            // The more of a table is read, the more it is read in sequence (`cost_bitmap_heap_scan`).
            let far = 1.0 - (touched / pages).sqrt();
            let reading = far * at.rates.at_random() + (1.0 - far) * at.rates.ahead();
            let filter = operators(plan) * rates::OPERATOR;
            at.rates.slowness.index
                * (touched * rates::BITMAP_PAGE + rows * (rates::BITMAP_ROW + filter))
                + touched * reading
        };
        let share = if plan.parallel_aware { at.share } else { 1.0 };
        Spent {
            startup: building,
            total: building + share * own,
        }
    }

    fn bitmap(&self, plan: &Plan, at: At<'_>) -> f64 {
        let Some(index) = self.index(plan, at) else {
            return inputs(plan).map(|p| self.bitmap(p, at)).sum();
        };
        if index.definition.method != "btree" {
            return plan.total_cost * rates::UNIT;
        }
        let leaves = plan.plan_rows / entries_per_page(&index);
        at.rates.slowness.index * (rates::DESCENT + plan.plan_rows * rates::BITMAP_ENTRY)
            + at.rates.at_random()
            + leaves * at.rates.ahead()
    }

    /// Whether a bitmap names pages, not rows.
    fn is_lossy(&self, plan: &Plan, at: At<'_>) -> bool {
        let own = self.index(plan, at);
        own.is_some_and(|i| i.definition.method == "brin")
            || inputs(plan).any(|p| self.is_lossy(p, at))
    }

    /// Rows that one execution takes from the table, before the filter.
    fn fetched(&self, plan: &Plan, index: &Read<'_>, at: At<'_>) -> f64 {
        let all = index.table.rows().max(1.0);
        let least = plan.plan_rows.clamp(1.0, all);
        if plan.index_cond.is_some() && plan.filter.is_none() {
            return least;
        }
        let loops = repetitions(plan, at);
        let (mut low, mut high) = (least, all);
        for _ in 0..40 {
            let middle = f64::midpoint(low, high);
            if self.cost(plan, index, loops, middle) < plan.total_cost {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }

    /// What the planner charges an index scan that fetches so many rows, `loops` times (`cost_index`, `btcostestimate`).
    fn cost(&self, plan: &Plan, index: &Read<'_>, loops: f64, rows: f64) -> f64 {
        let s = &self.settings;
        let (pages, all) = (index.table.relpages.max(1.0), index.table.rows().max(1.0));
        let leaves = (rows * index.pages / all).ceil().max(1.0);
        let fetch = |n: f64, of: f64| {
            if loops > 1.0 {
                pages_fetched(n * loops, of, of + index.pages, s.cache_pages) / loops
            } else {
                pages_fetched(n, of, of + index.pages, s.cache_pages)
            }
        };
        let leaf_io = if loops > 1.0 {
            fetch(leaves, index.pages)
        } else {
            leaves
        } * s.random_page;
        let heap_io = if plan.node_type == "Index Only Scan" {
            0.0
        } else {
            let near = (rows / all * pages).ceil().max(1.0);
            let most = fetch(rows, pages) * s.random_page;
            let least = if loops > 1.0 {
                fetch(near, pages) * s.random_page
            } else {
                s.random_page + (near - 1.0) * s.seq_page
            };
            let c = correlation(index);
            most + c * c * (least - most)
        };
        let descent =
            all.log2().max(0.0) * s.cpu_operator + (index.height + 1.0) * PAGE_CPU * s.cpu_operator;
        let entry = s.cpu_index_tuple + s.cpu_operator;
        let row = s.cpu_tuple + operators(plan) * s.cpu_operator;
        descent + leaf_io + heap_io.max(0.0) + rows * (entry + row)
    }

    /// The table of a scan. Of several with its name (a plan names no schema) the largest that the cost has room for.
    fn table(&self, plan: &Plan) -> Option<&'a Table> {
        let named = self.tables.get(plan.relation_name.as_deref()?)?;
        let fits = |t: &&&Table| {
            plan.node_type != "Seq Scan"
                || t.relpages * self.settings.seq_page <= plan.total_cost + 1.0
        };
        let by_size = |a: &&&Table, b: &&&Table| a.relpages.total_cmp(&b.relpages);
        let fitting = named.iter().filter(fits).max_by(by_size);
        fitting.or_else(|| named.first()).copied()
    }

    fn index<'s>(&'s self, plan: &Plan, at: At<'s>) -> Option<Read<'s>> {
        if let Some(asked) = plan.hypothetical.and_then(|p| at.asked.get(p)) {
            let table = self.table(plan).or_else(|| {
                self.tables
                    .get(asked.definition.table.name.as_str())?
                    .first()
                    .copied()
            })?;
            return Some(Read {
                definition: &asked.definition,
                table,
                pages: asked.pages.max(1.0),
                height: asked.tree_height,
            });
        }
        let index = self.indexes.get(plan.index_name.as_deref()?)?;
        let oid = index.definition.table_oid;
        let of = |t: &&&Table| t.oid == oid;
        let named = self.tables.get(index.definition.table.name.as_str())?;
        let table = named.iter().find(of).copied()?;
        let pages = index.relpages.max(1.0);
        Some(Read {
            definition: &index.definition,
            table,
            pages,
            height: height_of_pages(&index.definition, table, pages),
        })
    }
}

/// How often the planner took an inner index scan to run when it shared out the cost of the pages that stay cached: as often
/// as the other relation in its condition has rows, also where joins in between leave fewer of them (`get_loop_count`).
fn repetitions(plan: &Plan, at: At<'_>) -> f64 {
    let Some(condition) = &plan.index_cond else {
        return at.loops;
    };
    let own = plan.alias.as_deref().unwrap_or_default();
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '"' | '$');
    let named = condition.split(|c: char| !is_name(c) && c != '.');
    let aliases = named.filter_map(|word| Some(word.split_once('.')?.0.trim_matches('"')));
    let rows = aliases
        .filter(|a| *a != own)
        .filter_map(|a| at.scanned.get(a));
    let least = rows.copied().min_by(f64::total_cmp);
    least.map_or(at.loops, |rows| rows.max(1.0))
}

fn whole(total: f64) -> Spent {
    Spent {
        startup: 0.0,
        total,
    }
}

/// Conditions in a filter, counted by what joins them.
#[allow(clippy::cast_precision_loss, reason = "a handful")]
fn operators(plan: &Plan) -> f64 {
    let count = |text: &String| 1 + text.matches(" AND ").count() + text.matches(" OR ").count();
    plan.filter.as_ref().map_or(0.0, |text| count(text) as f64)
}

/// Of the fetched rows those on the page of the row before, and those on another.
fn split(rows: f64, index: &Read<'_>) -> (f64, f64) {
    let per_page = (index.table.rows() / index.table.relpages.max(1.0)).max(1.0);
    // The planner takes a quarter off for more than one key; the rows of one value of the first lie together all the same.
    let c = first_correlation(index);
    let far = (1.0 - c * c) * rows + c * c * (rows / per_page).max(rows.min(1.0));
    (rows - far, far)
}

fn entries_per_page(index: &Read<'_>) -> f64 {
    (index.table.rows() / index.pages).max(1.0)
}

/// Correlation of the order of an index with that of its table (`btcostestimate`).
fn correlation(index: &Read<'_>) -> f64 {
    let several = index.definition.keys.len() > 1;
    first_correlation(index) * if several { 0.75 } else { 1.0 }
}

/// Correlation of the first key with the order of the table.
fn first_correlation(index: &Read<'_>) -> f64 {
    let column = index.definition.keys.first().and_then(|k| k.column_name());
    let stats = column.and_then(|c| index.table.column(c)?.stats.as_ref());
    stats
        .and_then(|s| s.correlation)
        .unwrap_or(0.0)
        .clamp(-1.0, 1.0)
}
