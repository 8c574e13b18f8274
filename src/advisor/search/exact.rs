//! The exact choice among all that was asked: the table of known plans, solved, checked by asking, and solved again.

use std::collections::BTreeSet;

use crate::advisor::answers::{Configuration, union};
use crate::advisor::search::{Search, Wanted};
use crate::advisor::solver::{Solution, Table, Way};

/// Evaluations of the solver's bound: a second on the tables of a thousand indexes.
const WORK: usize = 40_000;
/// How often the table is solved again after new answers.
const ROUNDS: usize = 12;

/// Where the exact choice stands.
#[derive(Debug, Clone, Default)]
pub(super) struct Exact {
    /// The best so far.
    pub(super) chosen: Configuration,
    /// Sets that the solver came to.
    tried: BTreeSet<Configuration>,
    /// See `Choice::gap`.
    pub(super) gap: f64,
}

impl Search<'_> {
    /// The best set by the answers, beginning from `polished`; `None` when an answer is missing, and it is asked for then.
    /// Without a budget there is nothing to weigh against, and the bars of a careful administrator decide.
    pub(super) fn best_known(
        &mut self,
        polished: Configuration,
        wanted: &mut Wanted,
    ) -> Option<Configuration> {
        let Some(budget) = self.options.budget_bytes else {
            return Some(polished);
        };
        let mut exact = self.exact.take().unwrap_or_default();
        if exact.tried.is_empty() {
            exact.chosen = polished;
        }
        while exact.tried.len() < ROUNDS {
            let solution = self.solve(&exact.chosen, budget);
            exact.gap = solution.gap();
            let found = solution.indexes;
            if found == exact.chosen || exact.tried.contains(&found) {
                break;
            }
            let Some(change) = self.change(&exact.chosen, &found, wanted) else {
                self.exact = Some(exact);
                return None;
            };
            exact.tried.insert(found.clone());
            if change < 0.0 {
                exact.chosen = found;
            }
        }
        let chosen = exact.chosen.clone();
        self.exact = Some(exact);
        Some(chosen)
    }

    /// Solves the table of all known plans.
    fn solve(&self, start: &[usize], budget: f64) -> Solution {
        let affected = self.affected();
        let mut indexes: Configuration = start.to_vec();
        for &query in &affected {
            for answer in self.answers[query].all() {
                indexes = union(&indexes, &answer.used);
            }
        }
        let position = |index: &usize| indexes.binary_search(index).ok();
        let ways = |&query: &usize| -> Vec<Way> {
            let answers = self.answers[query].all().iter();
            let way = |answer: &crate::advisor::answers::Answer| Way {
                used: answer.used.iter().filter_map(position).collect(),
                cost: if self.is_regression(query, answer) {
                    f64::INFINITY
                } else {
                    self.weights[query] * answer.load()
                },
                rank: self.rank(query, answer),
            };
            answers.map(way).collect()
        };
        // An index that brings less than it must bring at least is not worth its name, room or no room.
        let least = self.options.min_load_share * self.total_load;
        let table = Table {
            sizes: indexes.iter().map(|&i| self.size(&[i])).collect(),
            prices: indexes
                .iter()
                .map(|&i| self.write_price[i].max(least))
                .collect(),
            queries: affected.iter().map(ways).collect(),
            budget,
        };
        let start: Vec<usize> = start.iter().filter_map(position).collect();
        let mut solution = table.solve(&start, WORK);
        solution.indexes = solution.indexes.iter().map(|&i| indexes[i]).collect();
        solution
    }
}
