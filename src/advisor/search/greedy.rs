//! The greedy choice: the best move again and again, with bounds that spare most questions.

use crate::advisor::answers::{Answer, Configuration, minus, union};
use crate::advisor::search::{Search, Wanted};

/// A query counts as helped by an index when it saves this share of its cost; less is within what statistics can tell.
pub(in crate::advisor) const HELPED: f64 = 0.02;

/// By what greedy ranks its moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Score {
    Gain,
    GainPerByte,
}

impl Score {
    fn of(self, gain: f64, bytes: f64) -> f64 {
        match self {
            Self::Gain => gain,
            Self::GainPerByte => gain / bytes.max(8192.0),
        }
    }
}

/// A greedy run, kept while answers are missing.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) moves: Vec<Configuration>,
    /// What each move brought when last looked at, or could bring at most.
    pub(super) bounds: Vec<f64>,
    pub(super) chosen: Configuration,
}

impl Search<'_> {
    pub(super) fn start(&self) -> Run {
        let moves: Vec<Configuration> = self
            .pool
            .iter()
            .map(|&i| vec![i])
            .chain(self.bundles.iter().cloned())
            .collect();
        let bounds = moves.iter().map(|m| self.bound(&[], m)).collect();
        Run {
            moves,
            bounds,
            chosen: Configuration::new(),
        }
    }

    /// Takes the best move until none is worth it. `None` when an answer is missing; called again, it goes on.
    pub(super) fn greedy(&self, run: &mut Run, score: Score, wanted: &mut Wanted) -> Option<()> {
        loop {
            let mut best: Option<(f64, usize)> = None;
            for m in 0..run.moves.len() {
                if run.bounds[m] > 0.0 {
                    run.bounds[m] = run.bounds[m].min(self.bound(&run.chosen, &run.moves[m]));
                }
            }
            let rank =
                |m: usize, gain: f64| score.of(gain, self.size(&minus(&run.moves[m], &run.chosen)));
            let mut order: Vec<(f64, usize)> = (0..run.moves.len())
                .filter(|&m| run.bounds[m] > 0.0)
                .map(|m| (rank(m, run.bounds[m]), m))
                .collect();
            order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            for (promise, m) in order {
                if best.is_some_and(|(scored, _)| promise <= scored) || self.is_late() {
                    break;
                }
                let next = union(&run.chosen, &run.moves[m]);
                let added = minus(&next, &run.chosen);
                if added.is_empty()
                    || !self.fits(&next)
                    || added.iter().any(|&i| self.is_redundant(i, &next))
                {
                    continue;
                }
                let gain = self.worth(&run.chosen, &next, wanted)?;
                run.bounds[m] = gain;
                let scored = score.of(gain, self.size(&minus(&run.moves[m], &run.chosen)));
                if gain > 0.0 && best.is_none_or(|(s, _)| scored > s) {
                    best = Some((scored, m));
                }
            }
            let Some((_, m)) = best else { return Some(()) };
            run.chosen = union(&run.chosen, &run.moves[m]);
        }
    }

    /// Upper bound of what adding a set to a configuration can bring, without asking: each query that it could matter to
    /// falls at most from what it costs now to the least that it was ever seen to cost.
    pub(super) fn bound(&self, from: &[usize], set: &[usize]) -> f64 {
        let falls = |query: usize| {
            let answers = &self.answers[query];
            let now = answers.at_most(&self.cut(query, from)).map(Answer::load);
            now.zip(answers.least()).map_or(0.0, |(now, least)| {
                self.weights[query] * (now - least).max(0.0)
            })
        };
        self.touched(set).into_iter().map(falls).sum()
    }

    /// Whether an index is only the beginning of another one of the configuration.
    pub(super) fn is_redundant(&self, index: usize, configuration: &[usize]) -> bool {
        let definition = |i: usize| &self.candidates.indexes[i].definition;
        configuration
            .iter()
            .any(|&other| other != index && definition(index).is_prefix_of(definition(other)))
    }

    /// Least share of the cost of the statements it helps that a set must save.
    fn least_saving(&self, set: &[usize]) -> f64 {
        if set.iter().all(|&i| self.candidates.widens[i]) {
            self.options.min_saving_widening
        } else {
            self.options.min_saving
        }
    }

    /// Net gain of going from one configuration to a larger one; 0 when it stays below the least that is worth an index.
    pub(super) fn worth(&self, from: &[usize], to: &[usize], wanted: &mut Wanted) -> Option<f64> {
        let added = minus(to, from);
        let (mut gain, mut helped, mut complete) = (0.0, 0.0, true);
        for query in self.touched(&added) {
            let (Some(before), Some(after)) = (
                self.load_of(query, from, wanted),
                self.load_of(query, to, wanted),
            ) else {
                complete = complete && self.failed.contains_key(&query);
                continue;
            };
            let helps = if self.candidates.guessed[query] {
                self.options.least_by_guess
            } else {
                HELPED
            };
            if before - after > helps * before {
                gain += before - after;
                helped += before;
            } else if after - before > HELPED * before {
                gain -= after - before;
            }
        }
        if !complete {
            return None;
        }
        let price = self.price(to) - self.price(from);
        #[expect(clippy::cast_precision_loss, reason = "a handful of indexes")]
        let least = (self.options.min_load_share * self.total_load * added.len() as f64)
            .max(self.least_saving(&added) * helped);
        Some(if gain - price >= least {
            gain - price
        } else {
            0.0
        })
    }
}
