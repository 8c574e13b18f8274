//! The exact choice: which indexes, within a budget, make a table of known costs as small as possible, and how far from that
//! a choice can be at most.
//!
//! For each query the table lists *ways*: a set of indexes that a plan uses, and its cost (the atomic configurations of
//! `CoPhy`, Dash et al., VLDB 2011). Which of the open ways a query goes is not for us to say: the planner takes the one of
//! least rank (its cost), also where another would cost less by our measure. So an index can do harm, and does. The choice is
//! a facility location problem with a knapsack and, by that, with preferences. It is solved by branch and bound; the bound is Lagrangian: "a way needs its indexes to be there" is not demanded but priced, one multiplier for each
//! query and index, adjusted by subgradients (Held, Wolfe and Crowder 1974, step after Polyak). Then queries and indexes fall
//! apart: each query takes its cheapest way, the budget is a fractional knapsack over what the queries would pay. Limits on the
//! number of indexes have multipliers too; where nothing but one limit on all of them binds, that one is the knapsack. What the
//! bound says of an index whose state is turned over fixes most of them early.
//!
//! Work is counted in evaluations, not in time, so that the same table gives the same choice on any machine. Only when whoever
//! asks says that time is up, it ends before; what it has then is a choice with a bound as well.

mod bound;
mod limits;
mod parts;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use bound::{Bound, State};
pub use limits::Limits;

/// A plan for a query: the indexes it uses, sorted, and what it costs with them.
#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    /// Positions of indexes.
    pub used: Vec<usize>,
    /// In units of the objective; infinite for a way that must not be gone.
    pub cost: f64,
    /// Of the ways whose indexes are there the planner takes the one of least rank.
    pub rank: f64,
}

impl Way {
    /// A way that the planner takes when nothing costs less.
    #[must_use]
    pub fn by_cost(used: Vec<usize>, cost: f64) -> Self {
        Self {
            used,
            cost,
            rank: cost,
        }
    }
}

/// What is to be chosen from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// Bytes of each index.
    pub sizes: Vec<f64>,
    /// Price of having each index, in units of the objective.
    pub prices: Vec<f64>,
    /// Ways of each query; one of them uses no index.
    pub queries: Vec<Vec<Way>>,
    /// Most bytes of all chosen indexes; infinite = no budget.
    pub budget: f64,
    /// How many indexes may be chosen.
    pub limits: Limits,
}

/// A choice and how good it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Solution {
    /// Chosen indexes, sorted.
    pub indexes: Vec<usize>,
    /// Its objective.
    pub cost: f64,
    /// No choice can have less.
    pub bound: f64,
    /// Evaluations of the bound that it took.
    pub work: usize,
}

impl Solution {
    /// How far it can be from the best, as a share of its cost.
    #[must_use]
    pub fn gap(&self) -> f64 {
        gap(self.cost, self.bound)
    }
}

/// How far a choice of this cost can be from the best, if no choice has less than `bound`: as a share of its cost.
#[must_use]
pub fn gap(cost: f64, bound: f64) -> f64 {
    if cost.is_infinite() {
        1.0
    } else if cost > 0.0 {
        ((cost - bound) / cost).clamp(0.0, 1.0)
    } else {
        0.0
    }
}

/// A gap that is no gap.
const CLOSED: f64 = 1e-5;
/// Evaluations of the bound at the root, and at the other nodes.
const AT_ROOT: usize = 6000;
const AT_NODE: usize = 60;

impl Table {
    /// The objective of a choice.
    #[must_use]
    pub fn cost(&self, chosen: &[usize]) -> f64 {
        let mut has = vec![false; self.sizes.len()];
        for &index in chosen {
            has[index] = true;
        }
        let gone = |ways: &Vec<Way>| {
            let way = open(ways, &has).min_by(|a, b| before(a, b));
            way.map_or(f64::INFINITY, |w| w.cost)
        };
        let price: f64 = chosen.iter().map(|&i| self.prices[i]).sum();
        self.queries.iter().map(gone).sum::<f64>() + price
    }

    fn size(&self, chosen: &[usize]) -> f64 {
        chosen.iter().map(|&i| self.sizes[i]).sum()
    }

    /// Whether a choice keeps to the budget and the limits.
    fn fits(&self, chosen: &[usize]) -> bool {
        self.size(chosen) <= self.budget && self.limits.hold(chosen)
    }

    /// Without the ways that cannot or will not be gone: too large, of too many indexes, or ranked behind one that uses less. Ordered by rank.
    fn reduced(&self) -> Self {
        let mut reduced = self.clone();
        for ways in &mut reduced.queries {
            ways.retain(|w| self.fits(&w.used));
            ways.sort_by(before);
            let mut kept: Vec<Way> = Vec::new();
            for way in ways.drain(..) {
                let within = |k: &Way| k.used.iter().all(|i| way.used.binary_search(i).is_ok());
                if !kept.iter().any(within) {
                    kept.push(way);
                }
            }
            *ways = kept;
        }
        let dominated = reduced.dominated();
        for ways in &mut reduced.queries {
            ways.retain(|w| !w.used.iter().any(|&i| dominated[i]));
        }
        reduced
    }

    /// Indexes that never lead the planner to a way that costs more than one it would go without them.
    fn harmless(&self) -> Vec<bool> {
        let mut harmless = vec![true; self.sizes.len()];
        for ways in &self.queries {
            let mut least_behind = f64::INFINITY;
            for way in ways.iter().rev() {
                if way.cost > least_behind {
                    for &index in &way.used {
                        harmless[index] = false;
                    }
                }
                least_behind = least_behind.min(way.cost);
            }
        }
        harmless
    }

    /// Indexes in whose place another one that is no larger and no dearer serves every way as well, and does no harm.
    fn dominated(&self) -> Vec<bool> {
        let mut dominated = vec![false; self.sizes.len()];
        let harmless = self.harmless();
        let costs: Vec<BTreeMap<&[usize], (f64, f64)>> = (self.queries.iter())
            .map(|ways| (ways.iter().map(|w| (w.used.as_slice(), (w.cost, w.rank)))).collect())
            .collect();
        let mut ways_with: Vec<Vec<(usize, &Way)>> = vec![Vec::new(); self.sizes.len()];
        for (query, ways) in self.queries.iter().enumerate() {
            for way in ways {
                way.used
                    .iter()
                    .for_each(|&i| ways_with[i].push((query, way)));
            }
        }
        for index in 0..self.sizes.len() {
            let Some(&(first, _)) = ways_with[index]
                .iter()
                .min_by_key(|(q, _)| self.queries[*q].len())
            else {
                continue;
            };
            let others: BTreeSet<usize> = (self.queries[first].iter())
                .flat_map(|w| w.used.iter().copied())
                .collect();
            dominated[index] = others.into_iter().any(|other| {
                let figures = |i: usize| (self.sizes[i].to_bits(), self.prices[i].to_bits());
                let same = figures(other) == figures(index);
                let no_worse = self.sizes[other] <= self.sizes[index]
                    && self.prices[other] <= self.prices[index]
                    && self.limits.allow_instead(other, index);
                let serves = |&(query, way): &(usize, &Way)| {
                    let mut used: Vec<usize> = way
                        .used
                        .iter()
                        .map(|&i| if i == index { other } else { i })
                        .collect();
                    used.sort_unstable();
                    used.dedup();
                    costs[query]
                        .get(used.as_slice())
                        .is_some_and(|(cost, rank)| *cost <= way.cost && *rank <= way.rank)
                };
                // Of two that are the same in all this the first stays.
                let stays = !dominated[other] && harmless[other] && other != index;
                stays
                    && no_worse
                    && !(same && other > index && ways_with[other].len() == ways_with[index].len())
                    && ways_with[index].iter().all(serves)
            });
        }
        dominated
    }

    /// The best choice, or the best that `work` evaluations of the bound find, beginning from `start` if that fits.
    #[must_use]
    pub fn solve(&self, start: &[usize], work: usize) -> Solution {
        self.solve_until(start, work, &|| false)
    }

    /// The same; ends as soon as `is_late`.
    #[must_use]
    pub fn solve_until(
        &self,
        start: &[usize],
        work: usize,
        is_late: &dyn Fn() -> bool,
    ) -> Solution {
        let mut whole = Solution::default();
        let parts = self.parts();
        let (many, mut others) = (parts.len() > 1, parts.len());
        for (indexes, part) in parts {
            let start: Vec<usize> = (start.iter())
                .filter_map(|i| indexes.binary_search(i).ok())
                .collect();
            // Each of the others keeps enough to be bounded.
            others -= 1;
            let left = work.saturating_sub(whole.work + others * AT_NODE);
            let left = if many { left.max(AT_NODE) } else { left };
            whole.add(&part.solve_whole(&start, left, is_late), &indexes);
        }
        whole.indexes.sort_unstable();
        whole
    }

    fn solve_whole(&self, start: &[usize], work: usize, is_late: &dyn Fn() -> bool) -> Solution {
        let reduced = self.reduced();
        let mut tree = Tree::new(&reduced, start, work, is_late);
        tree.search();
        Solution {
            cost: tree.cost,
            bound: tree.bound.min(tree.cost),
            indexes: tree.best,
            work: work - tree.left,
        }
    }
}

/// In the order in which the planner prefers them.
fn before(a: &Way, b: &Way) -> Ordering {
    let narrow = || a.used.len().cmp(&b.used.len());
    a.rank
        .total_cmp(&b.rank)
        .then_with(narrow)
        .then_with(|| a.used.cmp(&b.used))
}

/// The ways that can be gone with these indexes.
fn open<'w>(ways: &'w [Way], has: &[bool]) -> impl Iterator<Item = &'w Way> {
    ways.iter().filter(|w| w.used.iter().all(|&i| has[i]))
}

/// An open part of the search: some indexes are decided.
struct Node {
    states: Vec<State>,
    /// Multipliers to begin with: the parent's.
    multipliers: Vec<f64>,
    /// No choice in it has less.
    bound: f64,
}

struct Tree<'a> {
    table: &'a Table,
    relaxed: Bound<'a>,
    best: Vec<usize>,
    cost: f64,
    bound: f64,
    left: usize,
    is_late: &'a dyn Fn() -> bool,
}

impl<'a> Tree<'a> {
    fn new(table: &'a Table, start: &[usize], work: usize, is_late: &'a dyn Fn() -> bool) -> Self {
        let mut tree = Self {
            table,
            relaxed: Bound::new(table, is_late),
            best: Vec::new(),
            cost: table.cost(&[]),
            bound: f64::NEG_INFINITY,
            left: work,
            is_late,
        };
        tree.offer(start.to_vec());
        for by_size in [false, true] {
            let greedy = tree.greedy(&[], by_size);
            tree.offer(greedy);
        }
        tree
    }

    /// The objective of a choice: as `Table::cost`, whose ways are ordered by rank here.
    fn cost_of(&self, chosen: &[usize]) -> f64 {
        let mut has = vec![false; self.table.sizes.len()];
        for &index in chosen {
            has[index] = true;
        }
        let gone = |ways: &Vec<Way>| open(ways, &has).next().map_or(f64::INFINITY, |w| w.cost);
        let price: f64 = chosen.iter().map(|&i| self.table.prices[i]).sum();
        self.table.queries.iter().map(gone).sum::<f64>() + price
    }

    /// Keeps a choice if it is better, and fits.
    fn offer(&mut self, chosen: Vec<usize>) {
        let cost = self.cost_of(&chosen);
        if cost < self.cost && self.table.fits(&chosen) {
            (self.best, self.cost) = (chosen, cost);
        }
    }

    fn is_open(&self, bound: f64) -> bool {
        bound < self.cost - CLOSED * self.cost.abs()
    }

    /// Depth first, the promising child first: good choices come early, and little has to be kept.
    fn search(&mut self) {
        let root = Node {
            states: vec![State::Free; self.table.sizes.len()],
            multipliers: self.relaxed.first_multipliers(),
            bound: f64::NEG_INFINITY,
        };
        let mut open = vec![root];
        let mut rounds = AT_ROOT;
        while let Some(node) = open.pop() {
            if self.left == 0 || (self.is_late)() {
                open.push(node);
                break;
            }
            if self.is_open(node.bound) {
                open.extend(self.expand(node, rounds));
            }
            rounds = AT_NODE;
        }
        let least = open.iter().map(|n| n.bound).fold(self.cost, f64::min);
        self.bound = least;
    }

    /// Bounds a node and splits it; the child to look at first comes last.
    fn expand(&mut self, mut node: Node, rounds: usize) -> Vec<Node> {
        let at_root = node.bound == f64::NEG_INFINITY;
        // Half of the work is kept for the parts.
        let rounds = rounds.min(if at_root {
            self.left.div_ceil(2)
        } else {
            self.left
        });
        let found = self
            .relaxed
            .raise(&node.states, &mut node.multipliers, self.cost, rounds);
        self.left -= found.rounds.min(self.left);
        for rounded in found.choices {
            if at_root {
                let filled = self.greedy(&rounded, true);
                self.offer(filled);
            }
            self.offer(rounded);
        }
        node.bound = node.bound.max(found.bound);
        if at_root {
            self.exchange();
        }
        if !self.is_open(node.bound) {
            return Vec::new();
        }
        self.relaxed.fix(
            &mut node.states,
            &node.multipliers,
            self.cost - CLOSED * self.cost.abs(),
        );
        // Together they say that nothing better is left here.
        let is_in = |i: &usize| node.states[*i] == State::In;
        let decided: Vec<usize> = (0..node.states.len()).filter(is_in).collect();
        if !self.table.fits(&decided) {
            return Vec::new();
        }
        let mut split = self.relaxed.undecided(&node.states, &node.multipliers);
        if split.is_none() {
            // Queries and knapsack agree: that is the best of this part, unless the planner goes other ways with it.
            let agreed = self.relaxed.agreed(&node.states, &node.multipliers);
            let real = self.cost_of(&agreed);
            if real > node.bound + CLOSED * self.cost.abs() {
                let is_free = |i: &usize| node.states[*i] == State::Free;
                let mut any = agreed.iter().copied().chain(0..node.states.len());
                split = any.find(is_free);
            }
            self.offer(agreed);
        }
        let Some(index) = split else {
            return Vec::new();
        };
        let child = |state: State| {
            let mut states = node.states.clone();
            states[index] = state;
            Node {
                states,
                multipliers: node.multipliers.clone(),
                bound: node.bound,
            }
        };
        vec![child(State::Out), child(State::In)]
    }

    /// Takes out each of the chosen indexes and fills the room anew, as long as that is better.
    fn exchange(&mut self) {
        loop {
            let (before, chosen) = (self.cost, self.best.clone());
            for index in &chosen {
                if (self.is_late)() {
                    return;
                }
                let rest: Vec<usize> = chosen.iter().copied().filter(|i| i != index).collect();
                for by_size in [false, true] {
                    let filled = self.greedy(&rest, by_size);
                    self.offer(filled);
                }
                if self.cost < before {
                    break;
                }
            }
            if self.cost >= before {
                return;
            }
        }
    }

    /// Adds what brings most (for its size), as long as something does; then drops what is not missed.
    fn greedy(&self, from: &[usize], by_size: bool) -> Vec<usize> {
        let mut chosen = from.to_vec();
        let mut has = vec![false; self.table.sizes.len()];
        for &index in from {
            has[index] = true;
        }
        let mut cost = self.cost_of(&chosen);
        let mut harmful = BTreeSet::new();
        while !(self.is_late)() {
            let room = self.table.budget - self.table.size(&chosen);
            let left = self.table.limits.left(&chosen);
            let gains = self.gains(&has);
            let worth = |set: &[usize], gain: f64| {
                let size: f64 = set.iter().map(|&i| self.table.sizes[i]).sum();
                let price: f64 = set.iter().map(|&i| self.table.prices[i]).sum();
                let net = gain - price;
                let fits = size <= room && left.admits(&self.table.limits, set);
                (fits && net > 0.0).then(|| if by_size { net / size.max(1.0) } else { net })
            };
            let best = (gains.into_iter())
                .filter(|(set, _)| !harmful.contains(set))
                .filter_map(|(set, gain)| Some((worth(&set, gain)?, set)))
                .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(&a.1)));
            let Some((_, set)) = best else { break };
            let next: Vec<usize> = chosen.iter().chain(&set).copied().collect();
            let then = self.cost_of(&next);
            if then < cost {
                for &index in &set {
                    has[index] = true;
                }
                (chosen, cost) = (next, then);
            } else {
                harmful.insert(set);
            }
        }
        for index in chosen.clone() {
            let without: Vec<usize> = chosen.iter().copied().filter(|&i| i != index).collect();
            let less = self.cost_of(&without);
            if less <= cost {
                (chosen, cost) = (without, less);
            }
        }
        chosen
    }

    /// What each set of absent indexes that some way still lacks would bring over the queries that would go that way.
    fn gains(&self, has: &[bool]) -> BTreeMap<Vec<usize>, f64> {
        let mut all = BTreeMap::<Vec<usize>, f64>::new();
        for ways in &self.table.queries {
            let Some(now) = open(ways, has).next() else {
                continue;
            };
            let mut of_query = BTreeMap::<Vec<usize>, f64>::new();
            for way in (ways.iter()).filter(|w| w.rank < now.rank && w.cost < now.cost) {
                let lacks: Vec<usize> = way.used.iter().copied().filter(|&i| !has[i]).collect();
                // From a way that must not be gone any other is a gain, however large.
                let gain = of_query.entry(lacks).or_insert(0.0);
                *gain = gain.max((now.cost - way.cost).min(f64::MAX / 1e9));
            }
            for (set, gain) in of_query {
                *all.entry(set).or_insert(0.0) += gain;
            }
        }
        all
    }
}
