//! What a configuration costs the workload: loads by the answers, and which plans must not be taken.

use crate::advisor::answers::{Answer, is_subset, minus, union};
use crate::advisor::search::{Search, Wanted};

/// Costs that differ by less may change places with the next ANALYZE.
const FLIP: f64 = 0.1;

impl Search<'_> {
    /// Load of a query under a configuration, in units of the objective; asks when unknown, and answers `None` then. Infinite
    /// when the query may get slower than it may.
    pub(super) fn load_of(
        &self,
        query: usize,
        configuration: &[usize],
        wanted: &mut Wanted,
    ) -> Option<f64> {
        let cut = self.cut(query, configuration);
        let answers = &self.answers[query];
        let known = answers.get(&cut);
        if known.is_none() && !self.hurried {
            self.want(query, cut, wanted);
            return None;
        }
        let answer = known.or_else(|| answers.at_most(&cut))?;
        let mut open = answers.all().iter().filter(|a| is_subset(&a.used, &cut));
        let misled =
            open.any(|a| self.rank(query, a) <= answer.cost && self.is_regression(query, a));
        Some(if misled {
            f64::INFINITY
        } else {
            self.weights[query] * answer.load()
        })
    }

    /// Whether a query's plan would be noticed to be slower than today's.
    pub(in crate::advisor) fn is_regression(&self, query: usize, answer: &Answer) -> bool {
        let Some(base) = self.answers[query].get(&[]) else {
            return false;
        };
        let slowdown = answer.slowdown(base) - 1.0;
        let lost = self.weights[query] * base.load() * slowdown;
        slowdown > self.options.max_regression
            && lost > self.options.min_load_share * self.total_load
    }

    /// The cost from which on the planner prefers a plan to others. The next ANALYZE moves all costs a little, and a plan that
    /// must not be taken shall not be taken then either.
    pub(in crate::advisor) fn rank(&self, query: usize, answer: &Answer) -> f64 {
        if self.is_regression(query, answer) {
            answer.cost * (1.0 - FLIP)
        } else {
            answer.cost
        }
    }

    /// Change of the objective (load and write price) from one configuration to another; negative is better. `None` when an
    /// answer is missing: it is then wanted.
    pub(super) fn change(&self, from: &[usize], to: &[usize], wanted: &mut Wanted) -> Option<f64> {
        let (added, removed) = (minus(to, from), minus(from, to));
        let mut complete = true;
        let mut change = 0.0;
        for query in self.touched(&union(&added, &removed)) {
            let before = self.load_of(query, from, wanted);
            match (before, self.load_of(query, to, wanted)) {
                // A regression before and after counts on neither side.
                (Some(before), Some(after)) if before.is_infinite() && after.is_infinite() => {}
                (Some(before), Some(after)) => change += after - before,
                _ => complete = complete && self.failed.contains_key(&query),
            }
        }
        complete.then(|| change + self.price(to) - self.price(from))
    }

    /// What is known of a query under a configuration: its answer, or the best plan that it certainly has.
    fn known(&self, query: usize, configuration: &[usize]) -> Option<&Answer> {
        let cut = self.cut(query, configuration);
        let answers = &self.answers[query];
        answers.get(&cut).or_else(|| answers.at_most(&cut))
    }

    /// What an index at least brings on top of a configuration, by what is known.
    pub(super) fn known_gain(&self, from: &[usize], index: usize) -> f64 {
        let to = union(from, &[index]);
        let load = |query: usize, configuration: &[usize]| {
            let answer = self.known(query, configuration);
            answer.map_or(0.0, |a| self.weights[query] * a.load())
        };
        let touched = self.touched(&[index]).into_iter();
        let saved: f64 = touched.map(|q| load(q, from) - load(q, &to)).sum();
        saved - (self.price(&to) - self.price(from))
    }

    /// Share of the load that a configuration saves, write prices not counted.
    #[must_use]
    pub fn share_saved(&self, configuration: &[usize]) -> f64 {
        let saved = |query: usize| {
            let before = self.answers[query].get(&[]);
            let loads = before.zip(self.known(query, configuration));
            loads.map_or(0.0, |(before, after)| {
                self.weights[query] * (before.load() - after.load())
            })
        };
        let saved: f64 = self.live().map(saved).sum();
        if self.total_load > 0.0 {
            saved / self.total_load
        } else {
            0.0
        }
    }
}
