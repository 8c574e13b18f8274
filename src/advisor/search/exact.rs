//! The exact choice among all that was asked: the table of known plans, solved, checked by asking, and solved again.
//!
//! With a budget the room is given, and the best use of it is the choice. Without one an index must be worth having, which is
//! more than a table can say: what it comes to is polished by the same bars as the greedy choice, and takes its place only
//! where it saves as much more as an index must save. The gap is measured by the table in either case, so it also has in it
//! what the bars refuse.

use std::collections::{BTreeMap, BTreeSet};

use crate::advisor::answers::{Answer, Configuration, is_subset, minus, union};
use crate::advisor::search::greedy::HELPED;
use crate::advisor::search::{Search, Wanted};
use crate::advisor::solver::{Limits, Solution, Table, Way, gap};

/// Evaluations of the solver's bound: a second on the tables of a thousand indexes.
const WORK: usize = 40_000;
/// The same as long as new answers still change the table: a good choice is found long before it is proven.
const FIRST_WORK: usize = WORK / 10;
/// How often the table is solved again after new answers.
const ROUNDS: usize = 30;

/// Where the exact choice stands.
#[derive(Debug, Clone, Default)]
pub(super) struct Exact {
    /// The best so far.
    pub(super) chosen: Configuration,
    /// What the solver came to last, while answers about it are missing.
    pending: Option<Configuration>,
    /// Sets that the solver came to.
    tried: BTreeSet<Configuration>,
    /// Sets that were or could have been chosen.
    known: BTreeSet<Configuration>,
    /// Whether nothing better was found with little work, so that now all work is put into it.
    proving: bool,
    /// See `Choice::gap`; `None` = there was no time to solve anything.
    pub(super) gap: Option<f64>,
}

impl Search<'_> {
    /// The best set by the answers, beginning from `polished`; `None` when an answer is missing, and it is asked for then.
    pub(super) fn best_known(
        &mut self,
        polished: Configuration,
        wanted: &mut Wanted,
    ) -> Option<Configuration> {
        if self.affected().is_empty() {
            return Some(polished);
        }
        let mut exact = self.exact.take().unwrap_or_else(|| Exact {
            known: [polished.clone()].into(),
            chosen: polished,
            ..Exact::default()
        });
        let done = self.settle(&mut exact, wanted);
        let chosen = exact.chosen.clone();
        self.exact = Some(exact);
        done.map(|()| chosen)
    }

    /// Improves the choice until nothing better is known and nothing speaks against it, and only then puts all work into it.
    fn settle(&self, exact: &mut Exact, wanted: &mut Wanted) -> Option<()> {
        loop {
            self.improve(exact, wanted)?;
            if self.is_late() {
                return Some(());
            }
            self.ask_next_best(&exact.chosen, wanted);
            if !wanted.probes.is_empty() {
                exact.proving = false;
                return None;
            }
            if self.is_forbidden(&exact.chosen, wanted) {
                self.retreat(exact, wanted);
                exact.proving = false;
            } else if exact.proving {
                return Some(());
            } else {
                exact.proving = true;
            }
        }
    }

    /// Asks what each query would do without each of the indexes that it uses: a plan that must not be taken may cost the planner
    /// little more than the one that it takes.
    fn ask_next_best(&self, chosen: &[usize], wanted: &mut Wanted) {
        for query in self.affected() {
            let cut = self.cut(query, chosen);
            let Some(answer) = self.answers[query].get(&cut) else {
                continue;
            };
            for index in &answer.used {
                self.want(query, minus(&cut, &[*index]), wanted);
            }
        }
    }

    /// Gives up what has turned out to be forbidden for the best of the known sets that are not; without one, what tempts the
    /// planner is left out.
    fn retreat(&self, exact: &mut Exact, wanted: &mut Wanted) {
        exact.known.remove(&exact.chosen);
        exact.known.retain(|set| !self.is_forbidden(set, wanted));
        let saves = |set: &Configuration| Some(-self.change(&[], set, &mut Wanted::default())?);
        let known = exact
            .known
            .iter()
            .filter_map(|set| Some((saves(set)?, set)));
        let best = known.max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)));
        exact.chosen = match best {
            Some((_, set)) => set.clone(),
            None => self.untempting(&exact.chosen),
        };
    }

    /// Without the indexes of plans that must not be taken.
    fn untempting(&self, chosen: &[usize]) -> Configuration {
        let mut rest = chosen.to_vec();
        for query in self.affected() {
            for answer in self.answers[query].all() {
                if is_subset(&answer.used, &rest) && self.is_regression(query, answer) {
                    rest = minus(&rest, &answer.used);
                }
            }
        }
        rest
    }

    /// Whether some query may get slower than it may.
    fn is_forbidden(&self, chosen: &[usize], wanted: &mut Wanted) -> bool {
        let load = |query| self.load_of(query, chosen, wanted);
        let mut loads = self.affected().into_iter().filter_map(load);
        loads.any(f64::is_infinite)
    }

    /// Solves, asks and solves again until nothing better comes. `None` when an answer is missing; called again, it goes on.
    fn improve(&self, exact: &mut Exact, wanted: &mut Wanted) -> Option<()> {
        while exact.pending.is_some() || !self.is_late() {
            let found = if let Some(found) = &exact.pending {
                found.clone()
            } else {
                let work = if exact.proving { WORK } else { FIRST_WORK };
                let (solution, gap) = self.solve(&exact.chosen, work);
                exact.gap = Some(gap);
                solution.indexes
            };
            if found == exact.chosen || exact.tried.contains(&found) || exact.tried.len() >= ROUNDS
            {
                break;
            }
            exact.pending = Some(found.clone());
            let proposed = match self.options.budget_bytes {
                Some(_) => found.clone(),
                None => self.polish(found.clone(), wanted)?,
            };
            let outdone = self.outdoes(&proposed, &exact.chosen, wanted)?;
            exact.pending = None;
            exact.tried.insert(found);
            exact.known.insert(proposed.clone());
            if outdone {
                exact.chosen = proposed;
            }
        }
        Some(())
    }

    /// Whether a set is better than another. Without a budget it has to save as much more as an index must: of the whole load,
    /// and of the statements to which the difference matters.
    fn outdoes(&self, set: &[usize], other: &[usize], wanted: &mut Wanted) -> Option<bool> {
        let saved = -self.change(other, set, wanted)?;
        if self.options.budget_bytes.is_some() {
            return Some(saved > 0.0);
        }
        let (added, removed) = (minus(set, other), minus(other, set));
        let mut moved = 0.0;
        for query in self.touched(&union(&added, &removed)) {
            let loads = self.load_of(query, other, wanted);
            let loads = loads.zip(self.load_of(query, set, wanted));
            moved += match loads {
                Some((before, after)) if (before - after).abs() > HELPED * before => before,
                _ => 0.0,
            };
        }
        let least = self.options.min_load_share * self.total_load;
        Some(saved > least.max(self.options.min_saving * moved))
    }

    /// Solves the table of all known plans; says too how far `start` is at most from the best.
    fn solve(&self, start: &[usize], work: usize) -> (Solution, f64) {
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
            let way = |answer: &Answer| Way {
                used: answer.used.iter().filter_map(position).collect(),
                cost: self.weights[query] * self.counted(query, answer),
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
                .map(|&i| self.price(&[i]).max(least))
                .collect(),
            queries: affected.iter().map(ways).collect(),
            budget: self.options.budget_bytes.unwrap_or(f64::INFINITY),
            limits: self.limits(&indexes),
        };
        let start: Vec<usize> = start.iter().filter_map(position).collect();
        let mut solution = table.solve_until(&start, work, &|| self.is_late());
        solution.indexes = solution.indexes.iter().map(|&i| indexes[i]).collect();
        let others = self.live().filter(|q| !affected.contains(q));
        let base = |q: usize| self.answers[q].get(&[]).map_or(0.0, Answer::load);
        let others: f64 = others.map(|q| self.weights[q] * base(q)).sum();
        let gap = gap(table.cost(&start) + others, solution.bound + others);
        (solution, gap)
    }

    /// The load of an execution by which plans are compared. Without a budget a saving that would not count as help is none.
    fn counted(&self, query: usize, answer: &Answer) -> f64 {
        if self.is_regression(query, answer) {
            return f64::INFINITY;
        }
        let (load, base) = (answer.load(), self.answers[query].get(&[]));
        let helps = if self.candidates.guessed[query] {
            self.options.least_by_guess
        } else {
            HELPED
        };
        match base.map(Answer::load) {
            Some(base) if self.options.budget_bytes.is_none() && base - load <= helps * base => {
                load.max(base)
            }
            _ => load,
        }
    }

    /// How many of these indexes may be chosen, by position.
    fn limits(&self, indexes: &[usize]) -> Limits {
        let mut limits = Limits::default();
        if let Some(most) = self.options.max_indexes {
            limits.add(0..indexes.len(), most);
        }
        if let Some(most) = self.options.max_indexes_per_table {
            let mut of_table = BTreeMap::<u32, Vec<usize>>::new();
            for (position, &index) in indexes.iter().enumerate() {
                of_table
                    .entry(self.table_of(index))
                    .or_default()
                    .push(position);
            }
            of_table.retain(|_, members| members.len() > most);
            for members in of_table.into_values() {
                limits.add(members, most);
            }
        }
        limits
    }
}
