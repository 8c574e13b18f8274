//! A statement that was repeated: what its runs have in common.

use std::collections::HashMap;

use crate::query::n_plus_one::unit::Seen;

/// Most loops whose lengths are kept one by one.
const MOST_LENGTHS: usize = 10_000;
/// Most statements before one that are counted.
const MOST_PARENTS: usize = 100;

/// A statement that was repeated.
#[derive(Debug, Clone, Default)]
pub(super) struct Loop {
    pub(super) runs: u32,
    /// Executions for each of the parent's, run by run.
    pub(super) lengths: Vec<f64>,
    /// Executions in all runs, and those of the parents.
    pub(super) executions: f64,
    pub(super) parents: f64,
    /// Share of new values and of close executions, summed up over runs.
    distinct: f64,
    close: f64,
    next: f64,
    pub(super) ms: f64,
    pauses: f64,
    /// Which statements came before: in how many runs, and in how many of these right before the second execution.
    before: HashMap<usize, (u32, u32)>,
}

impl Loop {
    /// Mean share of executions with new values.
    pub(super) fn distinct(&self) -> f64 {
        self.distinct / f64::from(self.runs.max(1))
    }

    /// Mean share of executions that came soon after one of the same.
    pub(super) fn close(&self) -> f64 {
        self.close / f64::from(self.runs.max(1))
    }

    /// The statements that came before in most runs, the best first.
    pub(super) fn parents(&self) -> Vec<usize> {
        let most = |runs: u32| 10 * u64::from(runs) >= 7 * u64::from(self.runs);
        let mut parents: Vec<(&usize, &(u32, u32))> = self
            .before
            .iter()
            .filter(|(_, (runs, _))| most(*runs))
            .collect();
        parents.sort_by_key(|(id, (runs, near))| (std::cmp::Reverse((*near, *runs)), **id));
        parents.into_iter().map(|(id, _)| *id).collect()
    }

    /// Mean pause between two executions, ms.
    pub(super) fn pause(&self) -> f64 {
        if self.next > 0.0 {
            self.pauses / self.next
        } else {
            0.0
        }
    }

    pub(super) fn add(&mut self, seen: &Seen, parents: (Option<&Seen>, Option<&Seen>)) {
        let executions = f64::from(seen.count);
        let parent = parents.1.or(parents.0);
        let of_parent = parent.map_or(1.0, |p| f64::from(p.count));
        self.runs += 1;
        if self.lengths.len() < MOST_LENGTHS {
            self.lengths.push(executions / of_parent);
        }
        self.executions += executions;
        self.parents += of_parent;
        self.distinct += seen.distinct();
        self.close += f64::from(seen.close) / f64::from(seen.count - 1);
        self.next += f64::from(seen.next);
        self.ms += seen.ms;
        self.pauses += seen.pauses;
        let first = parents.0.map(|p| p.statement);
        let near = parents.1.map(|p| p.statement);
        for id in first
            .into_iter()
            .chain(near.filter(|id| Some(*id) != first))
        {
            if self.before.len() < MOST_PARENTS || self.before.contains_key(&id) {
                let (runs, nearest) = self.before.entry(id).or_default();
                *runs += 1;
                *nearest += u32::from(near == Some(id));
            }
        }
    }
}
