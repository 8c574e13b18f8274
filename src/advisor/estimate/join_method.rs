//! The methods by which two sets of relations can be joined (`joinpath.c`).

use crate::advisor::estimate::join::{Joined, Joiner, Link};
use crate::advisor::estimate::join_cost::{self, Factors, HashKeys, Input};
use crate::advisor::estimate::number::count;
use crate::advisor::estimate::path::{Arena, Offer, Path, Step, UNORDERED};
use crate::advisor::estimate::scan::Costs;
use crate::advisor::estimate::settings::Settings;
use crate::advisor::estimate::unit::End;
use crate::query::shape::JoinKind;

/// One join in one direction: outer and inner set, and what follows from their sizes.
pub(crate) struct Joining<'j, 'q, 'a> {
    pub(crate) joiner: &'j mut Joiner<'q, 'a>,
    pub(crate) settings: &'q Settings,
    pub(crate) link: &'j Link,
    pub(crate) outer: &'j Joined,
    pub(crate) inner: &'j Joined,
    pub(crate) rows: f64,
    pub(crate) factors: Option<Factors>,
    pub(crate) name: &'static str,
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
            let share = joiner.semi_share(link.clauses, inner.rows);
            let found = joiner.inner_share(link.clauses) * inner.rows;
            let matches = if share > 0.0 { found / share } else { 1.0 };
            Some(Factors {
                matched: share,
                matches: matches.max(1.0),
            })
        } else {
            // For a unique inner side the planner takes the selectivity of the join for the share of outer rows that
            // have a match; it is off, but the costs are to be the planner's.
            joiner.is_unique(inner, link.clauses).then(|| Factors {
                matched: joiner.inner_share(link.clauses),
                matches: inner.rows.max(1.0),
            })
        };
        let name = match (link.kind, link.reversed) {
            (JoinKind::Inner | JoinKind::Correlated, _) | (JoinKind::Semi, true) => "Inner",
            (JoinKind::Left, false) => "Left",
            (JoinKind::Left, true) => "Right",
            (JoinKind::Full, _) => "Full",
            (JoinKind::Semi, false) => "Semi",
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
                self.hashes(arena, paths);
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

    pub(crate) fn is_lean(&self, path: Path) -> bool {
        self.outer.lean.iter().any(|p| p.node == path.node)
    }

    pub(crate) fn useful_order(&self, arena: &Arena<'a>, order: usize) -> usize {
        let all = self.outer.mask | self.inner.mask;
        if order != UNORDERED && self.joiner.unit.useful(arena.order(order), all) > 0 {
            order
        } else {
            UNORDERED
        }
    }

    pub(crate) fn input(path: Path, width: f64) -> Input {
        Input {
            startup: path.startup,
            total: path.total,
            rows: path.rows,
            width,
        }
    }

    pub(crate) fn offered(&self, costs: Costs, order: usize) -> Offer {
        Offer {
            startup: costs.startup,
            total: costs.total,
            rows: self.rows,
            order,
        }
    }

    /// Clauses that compare, leaving out those that hold anyway, and all but one of a class of equal columns.
    pub(crate) fn clause_count(&self) -> f64 {
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

    pub(crate) fn equalities(&self) -> f64 {
        let mut others = self.joiner.members(self.link.clauses);
        let inequalities = others.by_ref().filter(|c| !c.equality).count();
        self.clause_count() - count(inequalities)
    }

    /// Distinct values of a column among the rows of its leaf.
    pub(crate) fn distinct_of(&self, end: &End) -> f64 {
        let Some(base) = self.joiner.bases.get(end.relation) else {
            return end.distinct;
        };
        if base.rows >= base.tuples {
            return end.distinct;
        }
        let missed = 1.0 - base.rows / base.tuples.max(1.0);
        (end.distinct * (1.0 - missed.powf(base.tuples / end.distinct.max(1.0)))).max(1.0)
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
            .map(inner_end)
            .map(|e| self.bucket_share(&e))
            .fold(1.0, f64::min);
        // Tests pass the hash clauses once for each outer row at most.
        let joined = match self.factors {
            Some(f) => self.outer.rows * f.matched,
            None => self.outer.rows * self.inner.rows * self.joiner.inner_share(self.link.clauses),
        };
        let keys = HashKeys {
            clauses,
            quals: self.clause_count() - clauses,
            bucket,
            joined: joined.max(1.0),
        };
        for &inner in &self.inner.lean {
            let (left, right) = (
                Self::input(outer, self.outer.width),
                Self::input(inner, self.inner.width),
            );
            let costs = join_cost::hash(self.settings, left, right, keys, self.factors);
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
    pub(crate) fn bucket_share(&self, end: &End) -> f64 {
        let kept = self.joiner.bases.get(end.relation);
        let kept = kept.map_or(1.0, |b| b.rows / b.tuples.max(1.0)).min(1.0);
        let average = (1.0 - end.null_frac) / end.distinct.max(1.0);
        let distinct = (end.distinct * kept).round_ties_even().max(1.0);
        join_cost::bucket_share(self.inner.rows, distinct, end.top, average)
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
