//! What writes pay for a configuration: the prices of its indexes, less those of the existing indexes in whose place they step.

use std::collections::BTreeMap;

use crate::advisor::search::Search;

/// An existing index that a candidate would replace.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spared {
    /// Its oid.
    pub oid: u32,
    /// What writes pay for it, in units of the objective.
    pub price: f64,
}

impl Search<'_> {
    /// Says for each candidate which existing indexes it would replace, so that writes no longer pay for those. What is spared
    /// counts once, however many candidates could replace it, and makes none cheaper than free.
    #[must_use]
    pub fn sparing(mut self, mut spared: Vec<Vec<Spared>>) -> Self {
        for (own, spared) in self.write_price.iter().zip(&mut spared) {
            let sum: f64 = spared.iter().map(|s| s.price).sum();
            if sum > *own {
                for old in spared {
                    old.price *= own / sum;
                }
            }
        }
        self.spared = spared;
        self
    }

    /// What writes pay for a configuration.
    pub(super) fn price(&self, configuration: &[usize]) -> f64 {
        let price: f64 = configuration.iter().map(|&i| self.write_price[i]).sum();
        if self.spared.is_empty() {
            return price;
        }
        let mut spared = BTreeMap::<u32, f64>::new();
        for old in configuration.iter().flat_map(|&i| &self.spared[i]) {
            let most = spared.entry(old.oid).or_insert(0.0);
            *most = most.max(old.price);
        }
        price - spared.values().sum::<f64>()
    }
}
