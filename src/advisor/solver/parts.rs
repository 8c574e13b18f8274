//! Where neither budget nor limit binds, a table falls apart into parts that share no index, each of which is solved by itself.

use std::collections::BTreeMap;

use crate::advisor::solver::{Limits, Solution, Table, Way};

impl Table {
    /// The parts, each with the indexes that it is about; one part, the whole, where something binds all.
    pub(super) fn parts(&self) -> Vec<(Vec<usize>, Self)> {
        let binds =
            self.sizes.iter().sum::<f64>() > self.budget || self.limits != Limits::default();
        if binds {
            return vec![((0..self.sizes.len()).collect(), self.clone())];
        }
        let mut leader: Vec<usize> = (0..self.sizes.len()).collect();
        for ways in &self.queries {
            let mut used = ways.iter().flat_map(|w| &w.used);
            let Some(&first) = used.next() else { continue };
            for &other in used {
                let (a, b) = (root(&leader, first), root(&leader, other));
                leader[a.max(b)] = a.min(b);
            }
        }
        let mut members = BTreeMap::<usize, Vec<usize>>::new();
        for index in 0..self.sizes.len() {
            members.entry(root(&leader, index)).or_default().push(index);
        }
        let mut queries = BTreeMap::<Option<usize>, Vec<&Vec<Way>>>::new();
        for ways in &self.queries {
            let first = ways.iter().flat_map(|w| &w.used).next();
            let part = first.map(|&i| root(&leader, i));
            queries.entry(part).or_default().push(ways);
        }
        let parts = queries.into_iter().map(|(part, queries)| {
            let indexes = part.map_or_else(Vec::new, |p| members[&p].clone());
            let table = self.part(&indexes, &queries);
            (indexes, table)
        });
        parts.collect()
    }

    fn part(&self, indexes: &[usize], queries: &[&Vec<Way>]) -> Self {
        let placed = |way: &Way| Way {
            used: (way.used.iter())
                .filter_map(|i| indexes.binary_search(i).ok())
                .collect(),
            ..way.clone()
        };
        Self {
            sizes: indexes.iter().map(|&i| self.sizes[i]).collect(),
            prices: indexes.iter().map(|&i| self.prices[i]).collect(),
            queries: (queries.iter())
                .map(|ways| ways.iter().map(placed).collect())
                .collect(),
            budget: self.budget,
            limits: Limits::default(),
        }
    }
}

/// The least index of the part that an index is in, as far as is known.
fn root(leader: &[usize], mut index: usize) -> usize {
    while leader[index] != index {
        index = leader[index];
    }
    index
}

impl Solution {
    /// Takes in the solution of another part.
    pub(super) fn add(&mut self, other: &Self, indexes: &[usize]) {
        self.indexes
            .extend(other.indexes.iter().map(|&i| indexes[i]));
        self.cost += other.cost;
        self.bound += other.bound;
        self.work += other.work;
    }
}
