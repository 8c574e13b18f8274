//! Nested loops: with index scans that take values from the outer row, memoized or not, and with a materialized inner side.

use crate::advisor::estimate::index::Param;
use crate::advisor::estimate::join::Given;
use crate::advisor::estimate::join_cost::{self, Input};
use crate::advisor::estimate::join_method::Joining;
use crate::advisor::estimate::number::count;
use crate::advisor::estimate::path::{Arena, Offer, Path, Step};
use crate::advisor::estimate::relation;
use crate::advisor::estimate::scan::Costs;
use crate::advisor::estimate::unit::Leaf;
use crate::query::shape::JoinKind;

/// An index scan on the inner side, with values from the outer one.
pub(crate) struct Probing {
    path: Path,
    /// Clauses that it leaves to the join.
    left_over: f64,
    /// Different values that it gets.
    distinct: f64,
}

impl<'a> Joining<'_, '_, 'a> {
    /// Nested loops from one outer path; `probes` are the index scans that take values from it.
    pub(crate) fn nested_loops(
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
    pub(crate) fn probes(&mut self, arena: &mut Arena<'a>) -> Vec<Probing> {
        let found = self.inner_paths(arena);
        let leaf = self.inner.mask.trailing_zeros() as usize;
        let quals = self.clause_count();
        let probing = |(path, from): Given| {
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

    /// Index scans of the inner relation that take values from the outer set; computed once for each such set.
    fn inner_paths(&mut self, arena: &mut Arena<'a>) -> Vec<Given> {
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
}
