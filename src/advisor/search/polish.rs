//! After the greedy choice: drop what is not missed, narrow what is wider than its gain needs.

use crate::advisor::answers::{Configuration, minus, union};
use crate::advisor::search::{Search, Wanted};

/// By what share narrowing an index may slow a statement down: a column that costs little space need not bring much.
const NARROWED: f64 = 0.25;
/// The same for columns that it searches by, where at least half of the size is saved. What is little of the whole load may be
/// all of that statement, and the rows that are read in vain grow with the table. But what a column adds is only known where the
/// rows returned bear out that the columns are independent: a city adds nothing to its zip code, whatever the planner says.
const NARROWED_TO_HALF: f64 = 1.0;
/// Columns that are only read, not searched by, may go whatever a statement loses, where a quarter of the size is saved.
const UNCOVERED: f64 = 0.75;

impl Search<'_> {
    /// Drops and narrows until nothing improves (at most a few rounds).
    pub(super) fn polish(
        &self,
        mut chosen: Configuration,
        wanted: &mut Wanted,
    ) -> Option<Configuration> {
        for _ in 0..4 {
            if self.is_late() {
                break;
            }
            let before = chosen.clone();
            let all = chosen.clone();
            chosen.retain(|&i| !self.is_redundant(i, &all));
            chosen = self.drop_idle(chosen, wanted)?;
            chosen = self.narrow(chosen, wanted)?;
            if chosen == before {
                break;
            }
        }
        Some(chosen)
    }

    /// Removes the members whose absence costs less than they must bring, one at a time, the largest first.
    fn drop_idle(&self, mut chosen: Configuration, wanted: &mut Wanted) -> Option<Configuration> {
        loop {
            let mut idle = Vec::new();
            let mut complete = true;
            for &index in &chosen {
                match self.worth(&minus(&chosen, &[index]), &chosen, wanted) {
                    Some(gain) if gain <= 0.0 => idle.push((self.size(&[index]), index)),
                    Some(_) => {}
                    None => complete = false,
                }
            }
            if !complete {
                return None;
            }
            // Of several that are not missed the largest goes first: the others may be missed then.
            let Some((_, index)) = idle.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)) else {
                return Some(chosen);
            };
            chosen = minus(&chosen, &[index]);
        }
    }

    /// By what share a statement may get slower when `narrow` steps in the place of `wide`.
    fn tolerated(&self, query: usize, wide: usize, narrow: usize) -> f64 {
        let definition = |index: usize| &self.candidates.indexes[index].definition;
        let (from, to) = (definition(wide), definition(narrow));
        let left = self.size(&[narrow]) / self.size(&[wide]);
        let searched = &self.candidates.borne_out[query];
        let mut lost =
            (from.key_columns()).filter(|name| to.key_columns().all(|kept| kept != *name));
        if left <= 0.5 && lost.any(|name| searched.contains(name)) {
            NARROWED_TO_HALF
        } else if left <= 0.5 || left <= UNCOVERED && from.keys.len() == to.keys.len() {
            f64::INFINITY
        } else {
            NARROWED
        }
    }

    /// Whether no statement's load rises by more than it may when `narrow` steps in the place of `wide`: what is little for all can
    /// be much for one.
    fn none_suffers(
        &self,
        from: &[usize],
        [wide, narrow]: [usize; 2],
        wanted: &mut Wanted,
    ) -> Option<bool> {
        let to = union(&minus(from, &[wide]), &[narrow]);
        let mut none = true;
        for query in self.touched(&[narrow, wide]) {
            let (before, after) = (
                self.load_of(query, from, wanted),
                self.load_of(query, &to, wanted),
            );
            let share = self.tolerated(query, wide, narrow);
            match before.zip(after) {
                Some((before, after)) => none &= after <= before * (1.0 + share),
                None if self.failed.contains_key(&query) => {}
                None => return None,
            }
        }
        Some(none)
    }

    /// Replaces members by smaller ones that do (nearly) as well.
    fn narrow(&self, mut chosen: Configuration, wanted: &mut Wanted) -> Option<Configuration> {
        let all: Vec<usize> = (0..self.candidates.indexes.len()).collect();
        for index in chosen.clone() {
            let rest = minus(&chosen, &[index]);
            let missed = self.change(&chosen, &rest, wanted)?;
            let allowed = self.options.narrowing_loss * missed.max(0.0);
            let mut smaller = self.narrower(index, &all);
            smaller.sort_by(|&a, &b| self.size(&[a]).total_cmp(&self.size(&[b])).then(a.cmp(&b)));
            for other in smaller.into_iter().filter(|i| !chosen.contains(i)) {
                let changed = union(&rest, &[other]);
                if self.is_redundant(other, &changed) || !self.fits(&changed) {
                    continue;
                }
                if missed - self.bound(&rest, &[other]) > allowed {
                    continue;
                }
                if self.change(&chosen, &changed, wanted)? <= allowed
                    && self.none_suffers(&chosen, [index, other], wanted)?
                {
                    chosen = changed;
                    break;
                }
            }
        }
        Some(chosen)
    }
}
