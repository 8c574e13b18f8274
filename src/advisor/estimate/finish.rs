//! From the joined rows of a unit to its result: subqueries per row, grouping, DISTINCT, ORDER BY, LIMIT (`planner.c`).

use crate::advisor::estimate::groups::Grouping;
use crate::advisor::estimate::path::{Arena, Offer, Path, Step, UNORDERED, cheapest};
use crate::advisor::estimate::scan::Costs;
use crate::advisor::estimate::settings::{Settings, bytes_of, clamp_rows, pages_of};
use crate::advisor::estimate::sort;
use crate::advisor::estimate::unit::Unit;

/// The paths to a unit's result, from those to its joined rows.
pub(crate) fn finish(
    arena: &mut Arena<'_>,
    settings: &Settings,
    unit: &Unit,
    paths: Vec<Path>,
    width: f64,
) -> Vec<Path> {
    let finish = Finish {
        settings,
        unit,
        width,
    };
    let ends = finish.ends(arena, &paths);
    let paths = finish.grouped(arena, paths);
    let paths = finish.distinct(arena, paths);
    let mut paths = finish.ordered(arena, paths);
    paths.extend(ends);
    paths
}

struct Finish<'q> {
    settings: &'q Settings,
    unit: &'q Unit,
    width: f64,
}

impl Finish<'_> {
    /// `min(a)`, `max(a)`: the first row from either end of an index (`planagg.c`).
    fn ends(&self, arena: &mut Arena<'_>, paths: &[Path]) -> Option<Path> {
        if self.unit.grouped {
            return None;
        }
        let mut result: Option<Path> = None;
        for class in &self.unit.min_max {
            let leads = |p: &&Path| {
                let keys = arena.order(p.order);
                keys.first().is_some_and(|k| k.class == *class)
            };
            let first_row = |p: &Path| p.startup + (p.total - p.startup).max(0.0) / p.rows.max(1.0);
            let ordered = paths.iter().filter(leads);
            let best = ordered.reduce(|a, b| if first_row(b) < first_row(a) { b } else { a })?;
            let mut offer = Offer {
                startup: first_row(best),
                total: first_row(best),
                rows: 1.0,
                order: UNORDERED,
            };
            let limit = arena.push(Step::Other("Limit"), offer, [Some(best.node), None]);
            offer.total += result.map_or(self.settings.cpu_tuple, |r| r.total);
            offer.startup = offer.total;
            let children = [result.map(|r| r.node), Some(limit.node)];
            result = Some(arena.push(Step::Other("Result"), offer, children));
        }
        result
    }

    fn grouped(&self, arena: &mut Arena<'_>, paths: Vec<Path>) -> Vec<Path> {
        if self.unit.grouped {
            let more = if self.unit.group_more { 200.0 } else { 1.0 };
            let rows = paths.first().map_or(1.0, |p| p.rows);
            let groups = (self.unit.grouping.groups(rows) * more).min(rows).max(1.0);
            let columns = self.unit.grouping.columns + if self.unit.group_more { 1.0 } else { 0.0 };
            let classes = (!self.unit.group_more).then_some(self.unit.group.as_slice());
            return self.aggregated(
                arena,
                &paths,
                classes,
                groups,
                columns,
                self.settings.cpu_operator,
            );
        }
        if !self.unit.aggregates {
            return paths;
        }
        // Aggregates without GROUP BY give one row; with an order or limit they are window functions, which keep the rows.
        let plain = self.unit.order.is_empty() && self.unit.limit.is_none();
        let mut made = Vec::new();
        for path in paths {
            let cost = path.total + self.settings.cpu_operator * path.rows;
            let offer = Offer {
                startup: if plain { cost } else { path.startup },
                total: cost + self.settings.cpu_tuple * if plain { 1.0 } else { path.rows },
                rows: if plain { 1.0 } else { path.rows },
                order: if plain { UNORDERED } else { path.order },
            };
            let name = if plain { "Aggregate" } else { "WindowAgg" };
            arena.offer(&mut made, Step::Other(name), offer, [Some(path.node), None]);
        }
        made
    }

    fn distinct(&self, arena: &mut Arena<'_>, paths: Vec<Path>) -> Vec<Path> {
        if !self.unit.has_distinct {
            return paths;
        }
        let grouping: &Grouping = &self.unit.distincting;
        let rows = paths.first().map_or(1.0, |p| p.rows);
        let groups = grouping.groups(rows);
        self.aggregated(
            arena,
            &paths,
            Some(&self.unit.distinct),
            groups,
            grouping.columns,
            0.0,
        )
    }

    /// Groups rows by hashing, in the order they come in, or after sorting them (`cost_agg`). `classes` is `None` when the
    /// keys are not plain columns; `work` is the cost of the aggregate functions per row.
    fn aggregated(
        &self,
        arena: &mut Arena<'_>,
        paths: &[Path],
        classes: Option<&[usize]>,
        groups: f64,
        columns: f64,
        work: f64,
    ) -> Vec<Path> {
        let s = self.settings;
        let mut made = Vec::new();
        let per_row = s.cpu_operator * columns + work;
        let sorted = |arena: &mut Arena<'_>, made: &mut Vec<Path>, input: Path, order: usize| {
            let offer = Offer {
                startup: input.startup,
                total: input.total + per_row * input.rows + s.cpu_tuple * groups,
                rows: groups,
                order,
            };
            arena.offer(
                made,
                Step::Other("GroupAggregate"),
                offer,
                [Some(input.node), None],
            );
        };
        for &path in paths {
            let spill = self.hash_spill(path.rows, groups);
            let startup = path.total + per_row * path.rows + spill.startup;
            let offer = Offer {
                startup,
                total: startup + s.cpu_tuple * groups + spill.total - spill.startup,
                rows: groups,
                order: UNORDERED,
            };
            arena.offer(
                &mut made,
                Step::Other("HashAggregate"),
                offer,
                [Some(path.node), None],
            );
            let keys = arena.order(path.order);
            let covers = |classes: &[usize]| {
                keys.len() >= classes.len()
                    && keys[..classes.len()]
                        .iter()
                        .all(|k| classes.contains(&k.class))
            };
            if classes.is_some_and(covers) {
                sorted(arena, &mut made, path, path.order);
            }
        }
        if let Some(best) = cheapest(paths) {
            let costs = sort::sort(s, best.rows, self.width, None);
            // Sorted for grouping in the order that ORDER BY wants, if the same columns are meant.
            let wanted = classes.filter(|c| self.unit.order.iter().all(|k| c.contains(&k.class)));
            let order = if wanted.is_some() {
                arena.intern(&self.unit.order)
            } else {
                UNORDERED
            };
            let offer = Offer {
                startup: best.total + costs.startup,
                total: best.total + costs.total,
                rows: best.rows,
                order,
            };
            let input = arena.push(Step::Other("Sort"), offer, [Some(best.node), None]);
            sorted(arena, &mut made, input, order);
        }
        made
    }

    /// What a hash table beyond `hash_mem` costs on disk (13+).
    fn hash_spill(&self, rows: f64, groups: f64) -> Costs {
        let s = self.settings;
        let entry = bytes_of(1.0, self.width) + 48.0;
        let batches = (groups * entry / s.hash_mem).ceil().max(1.0);
        if batches <= 1.0 {
            return Costs {
                startup: 0.0,
                total: 0.0,
            };
        }
        // One level of at most 256 partitions is enough for any table that fits a disk.
        let depth = (batches.ln() / 256_f64.ln()).ceil().max(1.0);
        let pages = pages_of(rows, self.width) * depth * 2.0;
        let startup = pages * s.random_page;
        Costs {
            startup,
            total: startup + pages * s.seq_page + depth * rows * 2.0 * s.cpu_tuple,
        }
    }

    fn ordered(&self, arena: &mut Arena<'_>, paths: Vec<Path>) -> Vec<Path> {
        let unit = self.unit;
        let unsorted = unit.order.is_empty() && !unit.order_more;
        let mut made = Vec::new();
        for path in paths {
            let keys = unit.sorted(arena.order(path.order));
            if unsorted || (keys == unit.order.len() && !unit.order_more) {
                self.limited(arena, &mut made, path);
                continue;
            }
            let costs = sort::sort(self.settings, path.rows, self.width, unit.limit);
            self.offer_sorted(
                arena,
                &mut made,
                path,
                "Sort",
                Costs {
                    startup: path.total + costs.startup,
                    total: path.total + costs.total,
                },
            );
            if keys > 0 {
                // Groups of equal leading keys: as many as the distinct values that the planner would guess.
                let groups = clamp_rows(path.rows.min(unit.presorted_groups(keys, path.rows)));
                let input = Costs {
                    startup: path.startup,
                    total: path.total,
                };
                let costs = sort::incremental(
                    self.settings,
                    input,
                    path.rows,
                    groups,
                    self.width,
                    unit.limit,
                );
                self.offer_sorted(arena, &mut made, path, "Incremental Sort", costs);
            }
        }
        made
    }

    fn offer_sorted(
        &self,
        arena: &mut Arena<'_>,
        made: &mut Vec<Path>,
        input: Path,
        name: &'static str,
        costs: Costs,
    ) {
        let offer = Offer {
            startup: costs.startup,
            total: costs.total,
            rows: input.rows,
            order: UNORDERED,
        };
        let sorted = arena.push(Step::Other(name), offer, [Some(input.node), None]);
        self.limited(arena, made, sorted);
    }

    /// `adjust_limit_rows_costs`: only the wanted share of the run cost is paid.
    fn limited(&self, arena: &mut Arena<'_>, made: &mut Vec<Path>, path: Path) {
        let Some(limit) = self.unit.limit.filter(|l| *l < path.rows) else {
            made.push(path);
            return;
        };
        let rows = limit.max(1.0);
        let offer = Offer {
            startup: path.startup,
            total: path.startup + (path.total - path.startup).max(0.0) * rows / path.rows.max(1.0),
            rows,
            order: path.order,
        };
        arena.offer(made, Step::Other("Limit"), offer, [Some(path.node), None]);
    }
}
