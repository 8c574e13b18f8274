//! The methods by which two sets of relations can be joined (`joinpath.c`).

use crate::advisor::estimate::join::{Joined, Joiner, Link};
use crate::advisor::estimate::join_cost::{self, Factors, Input};
use crate::advisor::estimate::path::{Arena, Offer, Path, SortKey, Step, UNORDERED, cheapest};
use crate::advisor::estimate::relation;
use crate::advisor::estimate::scan::Costs;
use crate::advisor::estimate::settings::Settings;
use crate::advisor::estimate::sort;
use crate::advisor::estimate::unit::{End, Leaf};
use crate::query::shape::JoinKind;

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
                for outer in unique {
                    self.nested_loops(arena, paths, outer);
                    self.hash(arena, paths, outer);
                }
            }
            // Before 16 there is no right anti join.
            (JoinKind::Anti, true) if self.settings.major < 16 => {}
            (JoinKind::Left | JoinKind::Anti, true) | (JoinKind::Full, _) => {
                self.hashes(arena, paths)
            }
            _ => {
                for &outer in &self.outer.paths {
                    self.nested_loops(arena, paths, outer);
                }
                self.hashes(arena, paths);
                self.merges(arena, paths);
            }
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

    /// Clauses that compare, leaving out those that hold anyway.
    fn clause_count(&self) -> f64 {
        self.joiner
            .members(self.link.clauses)
            .filter(|c| !c.redundant)
            .map(|_| 1.0)
            .sum()
    }

    fn equalities(&self) -> f64 {
        self.joiner
            .members(self.link.clauses)
            .filter(|c| c.equality && !c.redundant)
            .map(|_| 1.0)
            .sum()
    }

    fn nested_loops(&mut self, arena: &mut Arena<'a>, paths: &mut Vec<Path>, outer: Path) {
        let quals = self.clause_count();
        let step = Step::Join("Nested Loop", self.name);
        let left = Self::input(outer, self.outer.width);
        for &inner in &self.inner.paths {
            let right = Self::input(inner, self.inner.width);
            let again = Costs {
                startup: inner.startup,
                total: inner.total,
            };
            let plain = join_cost::nested_loop(
                self.settings,
                left,
                right,
                again,
                self.factors,
                false,
                quals,
            );
            arena.offer(
                paths,
                step,
                self.offered(plain, outer.order),
                [Some(outer.node), Some(inner.node)],
            );
            let (first, again) = join_cost::material(self.settings, right);
            let kept = Input {
                startup: first.startup,
                total: first.total,
                ..right
            };
            let costs = join_cost::nested_loop(
                self.settings,
                left,
                kept,
                again,
                self.factors,
                false,
                quals,
            );
            self.offer_over(arena, paths, outer, inner, "Materialize", costs);
        }
        for (inner, from) in self.inner_paths(arena) {
            self.by_index(arena, paths, outer, inner, from, quals);
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
        let before = paths.len();
        let kept = paths
            .iter()
            .all(|p| p.total > offer.total || (arena.keep_startup && p.startup > offer.startup));
        if kept || offer.order != UNORDERED {
            let over = arena.push(
                Step::Other(name),
                Offer::of(inner),
                [Some(inner.node), None],
            );
            let step = Step::Join("Nested Loop", self.name);
            arena.offer(paths, step, offer, [Some(outer.node), Some(over.node)]);
        }
        debug_assert!(paths.len() <= before + 1);
    }

    /// A nested loop whose inner side is an index scan with the outer row's values, perhaps memoized.
    fn by_index(
        &self,
        arena: &mut Arena<'a>,
        paths: &mut Vec<Path>,
        outer: Path,
        inner: Path,
        from: u64,
        quals: f64,
    ) {
        let left = Self::input(outer, self.outer.width);
        let right = Self::input(inner, self.inner.width);
        let again = Costs {
            startup: inner.startup,
            total: inner.total,
        };
        let used = self
            .joiner
            .params(self.inner.mask.trailing_zeros() as usize, from);
        #[allow(clippy::cast_precision_loss, reason = "a count of clauses")]
        let left_over = (quals - used.len() as f64).max(0.0);
        let costs = join_cost::nested_loop(
            self.settings,
            left,
            right,
            again,
            self.factors,
            true,
            left_over,
        );
        let step = Step::Join("Nested Loop", self.name);
        arena.offer(
            paths,
            step,
            self.offered(costs, outer.order),
            [Some(outer.node), Some(inner.node)],
        );
        let tests =
            matches!(self.link.kind, JoinKind::Semi | JoinKind::Anti) && !self.link.reversed;
        if self.settings.major < 14 || tests || outer.rows < 2.0 {
            return;
        }
        let distinct: f64 = used
            .iter()
            .filter_map(|p| self.joiner.unit.clauses.get(p.clause).map(|c| (c, p)))
            .map(|(c, p)| {
                if c.left.leaf == p.outer {
                    c.left
                } else {
                    c.right
                }
            })
            .map(|end| self.distinct_of(&end))
            .product();
        let again = join_cost::memoize(self.settings, right, outer.rows, distinct);
        let first = Input {
            startup: right.startup + self.settings.cpu_tuple,
            total: right.total + self.settings.cpu_tuple,
            ..right
        };
        let costs = join_cost::nested_loop(
            self.settings,
            left,
            first,
            again,
            self.factors,
            true,
            left_over,
        );
        self.offer_over(arena, paths, outer, inner, "Memoize", costs);
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
        for &outer in &self.outer.paths {
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
        for &inner in &self.inner.paths {
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
                for inner in self.sorted_inputs(arena, self.inner, inner_class) {
                    let (left, right) = (
                        Self::input(outer, self.outer.width),
                        Self::input(inner, self.inner.width),
                    );
                    let costs = join_cost::merge(
                        self.settings,
                        left,
                        right,
                        joined,
                        unique,
                        quals.max(0.0),
                    );
                    let step = Step::Join("Merge Join", self.name);
                    arena.offer(
                        paths,
                        step,
                        self.offered(costs, outer.order),
                        [Some(outer.node), Some(inner.node)],
                    );
                }
            }
        }
    }

    /// Paths that come in the order of the class, and the cheapest one sorted.
    fn sorted_inputs(&self, arena: &mut Arena<'a>, set: &Joined, class: usize) -> Vec<Path> {
        let leads = |p: &&Path| {
            arena
                .order(p.order)
                .first()
                .is_some_and(|k| k.class == class && !k.descending)
        };
        let mut inputs: Vec<Path> = set.paths.iter().filter(leads).copied().collect();
        if let Some(best) = cheapest(&set.paths) {
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
        self.outer.paths.iter().map(|p| made(arena, p)).collect()
    }
}
