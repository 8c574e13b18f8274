//! What was counted between samples: the delta engine.
//!
//! Counters go back when they are reset, when their entry is evicted and made again, and when a server crashes; none of these always
//! shows by a time of reset (a crash leaves `pg_postmaster_start_time` and `stats_reset` as they were). So for each thing:
//!
//! - seen for the first time after the first sample: it was made since then, all that it has counted counts;
//! - made again (`stats_since` differs, all were reset, or **any** counter went back): the same. That is exact where `stats_since` or
//!   the reset tells, else a lower bound;
//! - else the difference.
//!
//! Hidden statements are sums over entries that cannot be told apart: where such a sum goes back an entry has left it, and what was
//! counted is not known. Nothing is ever negative or counted twice.

use std::collections::HashMap;
use std::hash::Hash;

use crate::model::counters::Counters;

/// How an amount was had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The difference of two samples, or all of an entry that was made in between.
    #[default]
    Exact,
    /// Counters went back in between: what was counted since then.
    AtLeast,
    /// It cannot be told; the amount is 0.
    Unknown,
}

/// What one thing has counted.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Delta<C> {
    /// The amounts.
    pub counted: C,
    /// How they were had.
    pub origin: Origin,
}

/// One thing at one instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counted<C> {
    /// Its counters.
    pub counters: C,
    /// Since when they count, where that is known.
    pub since: Option<f64>,
    /// Whether it is a sum over things that come and go.
    pub is_sum: bool,
}

impl<C> Counted<C> {
    /// Counters of one thing.
    pub fn one(counters: C) -> Self {
        Self {
            counters,
            since: None,
            is_sum: false,
        }
    }
}

/// The counters of one kind of things, sample after sample.
#[derive(Debug, Clone)]
pub struct Track<K, C> {
    /// When the first sample was taken, or when all was set to zero; server's clock.
    started: Option<f64>,
    /// When the last one was taken.
    at: f64,
    /// How long before it the one before was, seconds; 0 before there are two.
    pub seconds: f64,
    last: HashMap<K, Counted<C>>,
    /// What was counted between the last two samples; only what counted anything.
    pub interval: HashMap<K, Delta<C>>,
    /// What was counted since the start.
    pub since_start: HashMap<K, Delta<C>>,
}

impl<K, C> Default for Track<K, C> {
    fn default() -> Self {
        Self {
            started: None,
            at: 0.0,
            seconds: 0.0,
            last: HashMap::new(),
            interval: HashMap::new(),
            since_start: HashMap::new(),
        }
    }
}

/// Two samples that are closer tell no rate.
const SHORTEST_S: f64 = 0.05;

impl<K: Eq + Hash + Clone, C: Counters> Track<K, C> {
    /// Takes a sample; `all_reset` says that everything was reset since the last one. A sample that is not later than the last one
    /// is left out, and so is one that is too close.
    pub fn advance(
        &mut self,
        at: f64,
        sample: impl IntoIterator<Item = (K, Counted<C>)>,
        all_reset: bool,
    ) {
        if self.started.is_none() {
            self.started = Some(at);
            self.at = at;
            self.last = sample.into_iter().collect();
            return;
        }
        if at - self.at < SHORTEST_S {
            return;
        }
        let mut now = HashMap::with_capacity(self.last.len());
        self.interval.clear();
        for (key, counted) in sample {
            let before = self.last.get(&key).filter(|_| !all_reset);
            let delta = delta(before, &counted);
            now.insert(key.clone(), counted);
            if delta.origin != Origin::Unknown && delta.counted.is_zero() {
                continue;
            }
            let total = self.since_start.entry(key.clone()).or_default();
            total.counted = total.counted.plus(&delta.counted);
            total.origin = total.origin.max(delta.origin);
            self.interval.insert(key, delta);
        }
        self.seconds = at - self.at;
        self.at = at;
        self.last = now;
    }

    /// Forgets what was counted, and begins anew with the last sample: nothing on the server is reset.
    pub fn rebase(&mut self) {
        self.started = self.started.map(|_| self.at);
        self.since_start.clear();
    }

    /// Forgets everything: the next sample is the first one.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// Seconds since the start.
    #[must_use]
    pub fn age(&self) -> f64 {
        self.started.map_or(0.0, |started| self.at - started)
    }

    /// Whether there are two samples, so that there are rates.
    #[must_use]
    pub fn has_interval(&self) -> bool {
        self.seconds > 0.0
    }

    /// Whether there is a sample.
    #[must_use]
    pub fn has_sample(&self) -> bool {
        self.started.is_some()
    }

    /// The last sample.
    pub fn last(&self) -> impl Iterator<Item = (&K, &Counted<C>)> {
        self.last.iter()
    }

    /// One thing in the last sample.
    pub fn of(&self, key: &K) -> Option<&Counted<C>> {
        self.last.get(key)
    }
}

/// What one thing has counted since it was seen before.
fn delta<C: Counters>(before: Option<&Counted<C>>, now: &Counted<C>) -> Delta<C> {
    let all = |origin| Delta {
        counted: now.counters.clone(),
        origin,
    };
    let Some(before) = before else {
        return all(Origin::Exact);
    };
    if before.since.is_some() && now.since.is_some() && before.since != now.since {
        return all(Origin::Exact);
    }
    if now.counters.went_back(&before.counters) {
        return if now.is_sum {
            Delta {
                counted: C::default(),
                origin: Origin::Unknown,
            }
        } else {
            all(Origin::AtLeast)
        };
    }
    Delta {
        counted: now.counters.minus(&before.counters),
        origin: Origin::Exact,
    }
}

#[cfg(test)]
mod tests;
