//! The methods by which two sets of relations can be joined (`joinpath.c`).

use crate::advisor::estimate::index::Param;
use crate::advisor::estimate::join::{Joined, Joiner, Link};
use crate::advisor::estimate::join_cost::{self, Factors, Input};
use crate::advisor::estimate::path::{Arena, Offer, Path, SortKey, Step, UNORDERED, cheapest};
use crate::advisor::estimate::relation;
use crate::advisor::estimate::scan::Costs;
use crate::advisor::estimate::selectivity::count;
use crate::advisor::estimate::settings::Settings;
use crate::advisor::estimate::sort;
use crate::advisor::estimate::unit::{End, Leaf};
use crate::query::shape::JoinKind;

/// An index scan on the inner side, with values from the outer one.
struct Probing {
    path: Path,
    /// Clauses that it leaves to the join.
    left_over: f64,
    /// Different values that it gets.
    distinct: f64,
}

/// One join in one direction: outer and inner set, and what follows from their sizes.
pub(crate) struct Joining<'j, 'q, 'a> {
    joiner: &'j mut Joiner<'q, 'a>,
    settings: &'q Settings,
    link: &'j Link,
    outer: &'j Joined,
    inner: &'j Joined,
    rows: f64,
    factors: Option<Factors>,
    name: &'static str,
}

impl<'j, 'q, 'a> Joining<'j, 'q, 'a> {
    pub(crate) fn new(
        joiner: &'j mut Joiner<'q, 'a>,
        link: &'j Link,
        outer: &'j Joined,
        inner: &'j Joined,
        rows: f64,
    ) -> Self {
        let tests = matches!(link.kind, JoinKind::Semi | JoinKind::Anti) && !link.reversed;
        let factors = if tests {
            let matched = joiner.semi_share(link.clauses, inner.rows);
            let found = joiner.inner_share(link.clauses) * inner.rows;
            let matches = if matched > 0.0 {
                (found / matched).max(1.0)
            } else {
                1.0
            };
            Some(Factors { matched, matches })
        } else {
            // For a unique inner side the planner takes the selectivity of the join for the share of outer rows that
            // have a match; it is off, but the costs are to be the planner's.
            joiner.is_unique(inner, link.clauses).then(|| Factors {
                matched: joiner.inner_share(link.clauses),
                matches: inner.rows.max(1.0),
            })
        };
        let name = match (link.kind, link.reversed) {
            (JoinKind::Inner | JoinKind::Correlated, _) => "Inner",
            (JoinKind::Left, false) => "Left",
            (JoinKind::Left, true) => "Right",
            (JoinKind::Full, _) => "Full",
            (JoinKind::Semi, false) => "Semi",
            (JoinKind::Semi, true) => "Inner",
            (JoinKind::Anti, false) => "Anti",
            (JoinKind::Anti, true) => "Right Anti",
        };
        Self {
            settings: joiner.frame.settings,
            joiner,
            link,
            outer,
            inner,
            rows,
            factors,
            name,
        }
    }

    pub(crate) fn offer(&mut self, arena: &mut Arena<'a>, paths: &mut Vec<Path>) {
        match (self.link.kind, self.link.reversed) {
            (JoinKind::Semi, true) => {
                // The tested values made unique can drive the join (`JOIN_UNIQUE_OUTER`).
                let unique = self.unique_outer(arena);
                let probes = self.probes(arena);
                for outer in unique {
                    self.nested_loops(arena, paths, outer, &probes);
                    self.hash(arena, paths, outer);
                }
            }
            // Before 16 there is no right anti join.
            (JoinKind::Anti, true) if self.settings.major < 16 => {}
            (JoinKind::Left | JoinKind::Anti, true) | (JoinKind::Full, _) => {
                self.hashes(arena, paths)
            }
            _ => {
                let probes = self.probes(arena);
                for &outer in &self.outer.paths {
                    // An order that nothing further asks for is none.
                    let order = self.useful_order(arena, outer.order);
                    if order == UNORDERED && outer.order != UNORDERED && !self.is_lean(outer) {
                        continue;
                    }
                    self.nested_loops(arena, paths, Path { order, ..outer }, &probes);
                }
                self.hashes(arena, paths);
                self.merges(arena, paths);
            }
        }
    }

    fn is_lean(&self, path: Path) -> bool {
        self.outer.lean.iter().any(|p| p.node == path.node)
    }

    fn useful_order(&self, arena: &Arena<'a>, order: usize) -> usize {
        let all = self.outer.mask | self.inner.mask;
        if order != UNORDERED && self.joiner.unit.useful(arena.order(order), all) > 0 {
            order
        } else {
            UNORDERED
        }
    }

    fn input(path: Path, width: f64) -> Input {
        Input {
            startup: path.startup,
            total: path.total,
            rows: path.rows,
            width,
        }
    }

    fn offered(&self, costs: Costs, order: usize) -> Offer {
        Offer {
            startup: costs.startup,
            total: costs.total,
            rows: self.rows,
            order,
        }
    }

    /// Clauses that compare, leaving out those that hold anyway, and all but one of a class of equal columns.
    fn clause_count(&self) -> f64 {
        let mut classes = Vec::new();
        let mut counted = 0.0;
        for clause in self.joiner.members(self.link.clauses) {
            if !clause.redundant && !clause.class.is_some_and(|c| classes.contains(&c)) {
                classes.extend(clause.class);
                counted += 1.0;
            }
        }
        counted
    }

    fn equalities(&self) -> f64 {
        let mut others = self.joiner.members(self.link.clauses);
        let inequalities = others.by_ref().filter(|c| !c.equality).count();
        self.clause_count() - count(inequalities)
    }

    /// Nested loops from one outer path; `probes` are the index scans that take values from it.
    fn nested_loops(
        &self,
        arena: &mut Arena<'a>,
        paths: &mut Vec<Path>,
        outer: Path,
        probes: &[Probing],
    ) {
        let quals = self.clause_count();
        let left = Self::input(outer, self.outer.width);
        let cost = |inner: Input, again: Costs, indexed: bool, quals: f64| {
            join_cost::nested_loop(
                self.settings,
                left,
                inner,
                again,
                self.factors,
                indexed,
                quals,
            )
        };
        let step = Step::Join("Nested Loop", self.name);
        for probe in probes {
            let inner = Self::input(probe.path, self.inner.width);
            let again = Costs {
                startup: inner.startup,
                total: inner.total,
            };
            let plain = cost(inner, again, true, probe.left_over);
            let children = [Some(outer.node), Some(probe.path.node)];
            arena.offer(paths, step, self.offered(plain, outer.order), children);
            if self.settings.major >= 14 && !self.tests() && outer.rows >= 2.0 {
                let again = join_cost::memoize(self.settings, inner, outer.rows, probe.distinct);
                let first = Input {
                    startup: inner.startup + self.settings.cpu_tuple,
                    total: inner.total + self.settings.cpu_tuple,
                    ..inner
                };
                let costs = cost(first, again, true, probe.left_over);
                self.offer_over(arena, paths, outer, probe.path, "Memoize", costs);
            }
        }
        if self.hopeless(arena, paths, outer, outer.order) {
            return;
        }
        for &path in &self.inner.lean {
            let inner = Self::input(path, self.inner.width);
            let again = Costs {
                startup: inner.startup,
                total: inner.total,
            };
            let plain = cost(inner, again, false, quals);
            let children = [Some(outer.node), Some(path.node)];
            arena.offer(paths, step, self.offered(plain, outer.order), children);
            let (first, again) = join_cost::material(self.settings, inner);
            let kept = Input {
                startup: first.startup,
                total: first.total,
                ..inner
            };
            let costs = cost(kept, again, false, quals);
            self.offer_over(arena, paths, outer, path, "Materialize", costs);
        }
    }

    /// Offers a nested loop with one more node on top of its inner side.
    fn offer_over(
        &self,
        arena: &mut Arena<'a>,
        paths: &mut Vec<Path>,
        outer: Path,
        inner: Path,
        name: &'static str,
        costs: Costs,
    ) {
        let offer = self.offered(costs, outer.order);
        if paths.iter().any(|p| arena.beats(*p, offer)) {
            return;
        }
        let over = arena.push(
            Step::Other(name),
            Offer::of(inner),
            [Some(inner.node), None],
        );
        let step = Step::Join("Nested Loop", self.name);
        arena.offer(paths, step, offer, [Some(outer.node), Some(over.node)]);
    }

    /// Whether the join stops at the first match.
    fn tests(&self) -> bool {
        matches!(self.link.kind, JoinKind::Semi | JoinKind::Anti) && !self.link.reversed
    }

    /// The index scans that can take values from the outer set, and what the join needs to know of each.
    fn probes(&mut self, arena: &mut Arena<'a>) -> Vec<Probing> {
        let found = self.inner_paths(arena);
        let leaf = self.inner.mask.trailing_zeros() as usize;
        let quals = self.clause_count();
        let probing = |(path, from): (Path, u64)| {
            let used = self.joiner.params(leaf, from);
            let clause = |p: &Param| Some((self.joiner.unit.clauses.get(p.clause)?, p.outer));
            let ends = used.iter().filter_map(clause);
            let ends = ends.map(|(c, outer)| {
                if c.left.leaf == outer {
                    c.left
                } else {
                    c.right
                }
            });
            Probing {
                path,
                left_over: (quals - count(used.len())).max(0.0),
                distinct: ends.map(|end| self.distinct_of(&end)).product(),
            }
        };
        found.into_iter().map(probing).collect()
    }

    /// Distinct values of a column among the rows of its leaf.
    fn distinct_of(&self, end: &End) -> f64 {
        let Some(base) = self.joiner.bases.get(end.relation) else {
            return end.distinct;
        };
        if base.rows >= base.tuples {
            return end.distinct;
        }
        let missed = 1.0 - base.rows / base.tuples.max(1.0);
        (end.distinct * (1.0 - missed.powf(base.tuples / end.distinct.max(1.0)))).max(1.0)
    }

    /// Index scans of the inner relation that take values from the outer set; computed once for each such set.
    fn inner_paths(&mut self, arena: &mut Arena<'a>) -> Vec<(Path, u64)> {
        if !self.inner.mask.is_power_of_two() || self.link.clauses == 0 {
            return Vec::new();
        }
        let leaf = self.inner.mask.trailing_zeros() as usize;
        let Some(Leaf::Base(relation)) = self.joiner.unit.leaves.get(leaf) else {
            return Vec::new();
        };
        let params = self.joiner.params(leaf, self.outer.mask);
        let neighbours = params.iter().fold(0, |set, p| set | 1 << p.outer);
        if let Some((_, _, known)) = self
            .joiner
            .inner
            .iter()
            .find(|(l, n, _)| *l == leaf && *n == neighbours)
        {
            return known.clone();
        }
        let joiner = &*self.joiner;
        let (Some(base), Some(indexes)) =
            (joiner.bases.get(*relation), joiner.indexes.get(*relation))
        else {
            return Vec::new();
        };
        let found = relation::inner_paths(
            arena,
            &joiner.frame,
            *relation,
            base,
            indexes,
            &params,
            &joiner.leaf_rows,
        );
        self.joiner.inner.push((leaf, neighbours, found.clone()));
        found
    }

    fn hashes(&mut self, arena: &mut Arena<'a>, paths: &mut Vec<Path>) {
        for &outer in &self.outer.lean {
            self.hash(arena, paths, outer);
        }
    }

    fn hash(&mut self, arena: &mut Arena<'a>, paths: &mut Vec<Path>, outer: Path) {
        let clauses = self.equalities();
        if clauses == 0.0 {
            return;
        }
        let ends = self
            .joiner
            .members(self.link.clauses)
            .filter(|c| c.equality && !c.redundant);
        let inner_end = |c: &crate::advisor::estimate::unit::Clause| {
            if self.inner.mask >> c.left.leaf & 1 == 1 {
                c.left
            } else {
                c.right
            }
        };
        let bucket = ends
            .map(|c| inner_end(c))
            .map(|e| self.bucket_share(&e))
            .fold(1.0, f64::min);
        // Tests pass the hash clauses once for each outer row at most.
        let joined = match self.factors {
            Some(f) => self.outer.rows * f.matched,
            None => self.outer.rows * self.inner.rows * self.joiner.inner_share(self.link.clauses),
        };
        let quals = self.clause_count() - clauses;
        for &inner in &self.inner.lean {
            let (left, right) = (
                Self::input(outer, self.outer.width),
                Self::input(inner, self.inner.width),
            );
            let costs = join_cost::hash(
                self.settings,
                left,
                right,
                clauses,
                bucket,
                joined.max(1.0),
                self.factors,
                quals,
            );
            let step = Step::Join("Hash Join", self.name);
            arena.offer(
                paths,
                step,
                self.offered(costs, UNORDERED),
                [Some(outer.node), Some(inner.node)],
            );
        }
    }

    /// `estimate_hash_bucket_stats`: share of the inner rows in the bucket of an average outer row.
    fn bucket_share(&self, end: &End) -> f64 {
        let kept = self.joiner.bases.get(end.relation);
        let kept = kept.map_or(1.0, |b| b.rows / b.tuples.max(1.0)).min(1.0);
        let average = (1.0 - end.null_frac) / end.distinct.max(1.0);
        let distinct = (end.distinct * kept).round_ties_even().max(1.0);
        join_cost::bucket_share(self.inner.rows, distinct, end.top, average)
    }

    fn merges(&mut self, arena: &mut Arena<'a>, paths: &mut Vec<Path>) {
        let mut keys: Vec<(usize, usize, bool)> = Vec::new();
        for clause in self.joiner.members(self.link.clauses) {
            let (mut outer, mut inner) = (clause.left, clause.right);
            if self.inner.mask >> outer.leaf & 1 == 1 {
                std::mem::swap(&mut outer, &mut inner);
            }
            if let (Some(o), Some(i), true) = (
                outer.class,
                inner.class,
                clause.equality && !clause.redundant,
            ) {
                keys.push((o, i, self.factors.is_some()));
            }
        }
        let joined =
            (self.outer.rows * self.inner.rows * self.joiner.inner_share(self.link.clauses))
                .max(1.0);
        let quals = self.clause_count() - 1.0;
        for (outer_class, inner_class, unique) in keys {
            for outer in self.sorted_inputs(arena, self.outer, outer_class) {
                let order = self.useful_order(arena, outer.order);
                if self.hopeless(arena, paths, outer, order) {
                    continue;
                }
                for inner in self.sorted_inputs(arena, self.inner, inner_class) {
                    let left = Self::input(outer, self.outer.width);
                    let right = Self::input(inner, self.inner.width);
                    let quals = quals.max(0.0);
                    let costs = join_cost::merge(self.settings, left, right, joined, unique, quals);
                    let step = Step::Join("Merge Join", self.name);
                    let children = [Some(outer.node), Some(inner.node)];
                    arena.offer(paths, step, self.offered(costs, order), children);
                }
            }
        }
    }

    /// Whether a join with this outer path is beaten before its costs are worked out.
    fn hopeless(&self, arena: &Arena<'a>, paths: &[Path], outer: Path, order: usize) -> bool {
        let least = |cost: fn(&Path) -> f64| {
            let inner = self.inner.lean.iter().map(cost);
            inner.fold(f64::INFINITY, f64::min)
        };
        let bound = Offer {
            startup: outer.startup + least(|p| p.startup),
            total: outer.total + least(|p| p.total),
            rows: self.rows,
            order,
        };
        paths.iter().any(|p| arena.beats(*p, bound))
    }

    /// Paths that come in the order of the class, and the cheapest one sorted.
    fn sorted_inputs(&mut self, arena: &mut Arena<'a>, set: &Joined, class: usize) -> Vec<Path> {
        let known = &self.joiner.sorted;
        if let Some((.., inputs)) = known.iter().find(|(m, c, _)| *m == set.mask && *c == class) {
            return inputs.clone();
        }
        let leads = |p: &&Path| {
            let first = arena.order(p.order).first();
            first.is_some_and(|k| k.class == class && !k.descending)
        };
        let mut inputs: Vec<Path> = set.paths.iter().filter(leads).copied().collect();
        if let Some(best) = cheapest(&set.lean) {
            let costs = sort::sort(self.settings, best.rows, set.width, None);
            let key = SortKey {
                class,
                descending: false,
                nulls_first: false,
            };
            let offer = Offer {
                startup: best.total + costs.startup,
                total: best.total + costs.total,
                rows: best.rows,
                order: arena.intern(&[key]),
            };
            inputs.push(arena.push(Step::Other("Sort"), offer, [Some(best.node), None]));
        }
        self.joiner.sorted.push((set.mask, class, inputs.clone()));
        inputs
    }

    /// The outer set's rows, each value of the join columns once (`create_unique_path`).
    fn unique_outer(&self, arena: &mut Arena<'a>) -> Vec<Path> {
        let ends = self
            .joiner
            .members(self.link.clauses)
            .filter(|c| c.equality);
        let ends: Vec<End> = ends.map(|c| c.right).collect();
        let mut groups = 1.0;
        for end in &ends {
            groups *= self.distinct_of(end);
        }
        let groups = groups.min(self.outer.rows).max(1.0).ceil();
        if ends.is_empty() {
            return Vec::new();
        }
        let unique = self.outer.mask.is_power_of_two() && ends.iter().any(|e| e.unique);
        let columns = ends.iter().map(|_| 1.0).sum::<f64>();
        let made = |arena: &mut Arena<'a>, path: &Path| {
            if unique {
                return *path;
            }
            let cost = path.total + self.settings.cpu_operator * columns * path.rows;
            let offer = Offer {
                startup: cost,
                total: cost + self.settings.cpu_tuple * groups,
                rows: groups,
                order: UNORDERED,
            };
            arena.push(Step::Other("HashAggregate"), offer, [Some(path.node), None])
        };
        self.outer.lean.iter().map(|p| made(arena, p)).collect()
    }
}
