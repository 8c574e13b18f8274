//! The first three steps: what would help each query at all, alone and together. Ends with the pool of useful candidates.

use crate::advisor::answers::{Answer, minus, union};
use crate::advisor::search::{NOISE, PEELS, Phase, Search, Wanted};
use crate::model::index::IndexDefinition;
use crate::model::whatif::Hypothetical;

/// How many columns an index stores. (Estimated pages would be no measure: a part of an index is never larger than the whole.)
fn columns(definition: &IndexDefinition) -> usize {
    definition.keys.len() + definition.include.len()
}

/// Whether an index stores less than another one that it could stand for.
fn is_narrower(narrow: &Hypothetical, wide: &Hypothetical) -> bool {
    let (one, other) = (&narrow.definition, &wide.definition);
    match (one.method.as_str(), other.method.as_str()) {
        // It holds no keys, so that columns do not tell.
        ("hash", "btree") => narrow.pages < wide.pages,
        (a, b) => a == b && columns(one) < columns(other),
    }
}

impl Search<'_> {
    pub(super) fn base(&mut self, wanted: &mut Wanted) -> Phase {
        for query in self.live() {
            self.want(query, Vec::new(), wanted);
            self.want(query, self.own[query].clone(), wanted);
        }
        if wanted.probes.is_empty() {
            self.weigh();
        }
        Phase::Peel(0)
    }

    pub(super) fn peel(&self, round: usize, wanted: &mut Wanted) -> Phase {
        for query in self.improvable() {
            let mut left = self.own[query].clone();
            for _ in 0..=round {
                let Some(answer) = self.answers[query].get(&left) else {
                    break;
                };
                left = minus(&left, &answer.used.clone());
            }
            self.want(query, left, wanted);
        }
        if round + 1 < PEELS {
            Phase::Peel(round + 1)
        } else {
            Phase::Lattice
        }
    }

    pub(super) fn lattice(&mut self, wanted: &mut Wanted) -> Phase {
        for query in self.improvable() {
            let Some(best) = self.answers[query].get(&self.own[query]) else {
                continue;
            };
            let used = best.used.clone();
            for &index in &used {
                let rest = minus(&used, &[index]);
                if used.len() > 1 {
                    self.want(query, vec![index], wanted);
                    self.want(query, rest.clone(), wanted);
                }
                for narrow in self.narrower(index, &self.own[query]) {
                    self.want(query, union(&rest, &[narrow]), wanted);
                }
            }
        }
        if wanted.probes.is_empty() {
            self.fill_pool();
        }
        Phase::Choose
    }

    /// Members of `among` on the same table, with fewer columns, that search by a part of the columns of `index`; a hash index
    /// on one of them is narrower than a btree if it is smaller.
    pub(super) fn narrower(&self, index: usize, among: &[usize]) -> Vec<usize> {
        let wide = &self.candidates.indexes[index];
        let held = |name: &str| wide.definition.key_columns().any(|c| c == name);
        let fits = |i: &&usize| {
            let narrow = &self.candidates.indexes[**i];
            **i != index
                && narrow.definition.table_oid == wide.definition.table_oid
                && narrow.definition.predicate == wide.definition.predicate
                && is_narrower(narrow, wide)
                && narrow.definition.key_columns().all(held)
                && narrow
                    .definition
                    .include
                    .iter()
                    .all(|c| wide.definition.include.contains(c) || held(c))
        };
        among.iter().filter(fits).copied().collect()
    }

    /// Everything that an answer used to advantage, the sets used together, and whom each could matter to.
    fn fill_pool(&mut self) {
        for query in self.improvable() {
            let base = self.answers[query].get(&[]).map_or(0.0, Answer::load);
            for answer in self.answers[query]
                .all()
                .iter()
                .filter(|a| a.load() < base * (1.0 - NOISE))
            {
                self.pool.extend(&answer.used);
                if answer.used.len() > 1 {
                    self.bundles.insert(answer.used.clone());
                }
            }
        }
        for query in self.affected() {
            for &index in &self.relevant[query] {
                self.touches.entry(index).or_default().push(query);
            }
        }
    }

    /// Weights and today's load, once every live query has its first answer.
    fn weigh(&mut self) {
        for query in 0..self.answers.len() {
            let base = self.answers[query].get(&[]).map(Answer::load);
            let scale = if self.timed {
                base.map(|b| 1.0 / b.max(f64::MIN_POSITIVE))
            } else {
                base.map(|_| 1.0)
            };
            self.weights[query] = scale.map_or(0.0, |s| s * self.load[query]);
            self.total_load += self.weights[query] * base.unwrap_or(0.0);
        }
        if self.timed {
            // What time was too short to ask about is a part of the load all the same.
            let unasked = self.live().filter(|&q| self.answers[q].all().is_empty());
            self.total_load += unasked
                .map(|q| self.load[q])
                .fold(0.0, |sum, load| sum + load);
        }
    }
}
