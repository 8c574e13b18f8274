//! The Lagrangian bound of a part of the search (see the module above).

use crate::advisor::solver::{Limits, Table};

/// What is decided of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Free,
    In,
    Out,
}

/// A way with the multipliers that it pays, as positions; those of a query are ordered by rank.
#[derive(Debug)]
struct Priced {
    cost: f64,
    /// (multiplier, index)
    slots: Vec<(usize, usize)>,
}

/// The table as the bound needs it.
pub(super) struct Bound<'a> {
    sizes: Vec<f64>,
    prices: Vec<f64>,
    budget: f64,
    limits: Limits,
    queries: Vec<Vec<Priced>>,
    /// The index that each multiplier is about. Behind these multipliers stand those of the limits.
    index_of: Vec<usize>,
    is_late: &'a dyn Fn() -> bool,
}

/// What raising the bound gave.
#[derive(Debug, Default)]
pub(super) struct Raised {
    pub(super) bound: f64,
    /// Evaluations that it took.
    pub(super) rounds: usize,
    /// Choices that the relaxation came by, made whole.
    pub(super) choices: Vec<Vec<usize>>,
}

/// One evaluation.
#[derive(Debug)]
struct Evaluated {
    bound: f64,
    /// How much of each index the knapsack takes.
    taken: Vec<f64>,
    /// Multipliers that the chosen ways pay.
    paid: Vec<usize>,
    /// What the queries would pay for each index beyond its price.
    value: Vec<f64>,
    /// Value per byte of the last index taken, if not all that are worth something fit.
    least_density: f64,
}

impl<'a> Bound<'a> {
    pub(super) fn new(table: &Table, is_late: &'a dyn Fn() -> bool) -> Self {
        let mut index_of = Vec::new();
        let mut queries = Vec::with_capacity(table.queries.len());
        for ways in &table.queries {
            let first = index_of.len();
            let mut priced = Vec::with_capacity(ways.len());
            for way in ways {
                let slot = |&index: &usize| {
                    let known = index_of[first..].iter().position(|&i| i == index);
                    let slot = known.map_or(index_of.len(), |at| first + at);
                    if known.is_none() {
                        index_of.push(index);
                    }
                    (slot, index)
                };
                priced.push(Priced {
                    cost: way.cost,
                    slots: way.used.iter().map(slot).collect(),
                });
            }
            queries.push(priced);
        }
        let mut bound = Self {
            sizes: table.sizes.clone(),
            prices: table.prices.clone(),
            budget: table.budget,
            limits: table.limits.clone(),
            queries,
            index_of,
            is_late,
        };
        // A knapsack bounds more tightly than a price does: where there is room for all, it counts indexes instead of bytes.
        if table.sizes.iter().sum::<f64>() <= table.budget
            && let Some(most) = table.limits.of_all(table.sizes.len())
        {
            bound.sizes.fill(1.0);
            bound.limits = Limits::default();
            #[expect(clippy::cast_precision_loss, reason = "nobody wants 2^52 indexes")]
            (bound.budget = most as f64);
        }
        bound
    }

    /// The multiplier of a limit.
    fn of_limit(&self, group: usize) -> usize {
        self.index_of.len() + group
    }

    /// What an index pays for being among those of which there may be only so many.
    fn toll(&self, index: usize, multipliers: &[f64]) -> f64 {
        let groups = self.limits.of(index).iter();
        groups.map(|&g| multipliers[self.of_limit(g)]).sum()
    }

    /// A query pays for its best way what that saves it, shared among its indexes.
    pub(super) fn first_multipliers(&self) -> Vec<f64> {
        let mut multipliers = vec![0.0; self.of_limit(self.limits.most().len())];
        for ways in &self.queries {
            let finite = || ways.iter().filter(|w| w.cost.is_finite());
            let most = finite().map(|w| w.cost).fold(f64::NEG_INFINITY, f64::max);
            for way in finite() {
                #[expect(clippy::cast_precision_loss, reason = "a handful")]
                let share = (most - way.cost) / way.slots.len().max(1) as f64 / 2.0;
                for &(slot, _) in &way.slots {
                    multipliers[slot] = f64::max(multipliers[slot], share);
                }
            }
        }
        multipliers
    }

    fn evaluate(&self, states: &[State], multipliers: &[f64]) -> Evaluated {
        let mut bound = 0.0;
        let mut paid = Vec::new();
        for ways in &self.queries {
            let mut least = f64::INFINITY;
            let mut chosen = None;
            for way in ways {
                let mut cost = way.cost;
                let mut is_open = true;
                for &(slot, index) in &way.slots {
                    is_open &= states[index] == State::In;
                    cost += match states[index] {
                        State::Free => multipliers[slot],
                        State::In => 0.0,
                        State::Out => f64::INFINITY,
                    };
                }
                if cost < least {
                    (least, chosen) = (cost, Some(way));
                }
                // The planner goes none that is ranked behind one that is open for certain.
                if is_open {
                    break;
                }
            }
            bound += least;
            let slots = chosen.into_iter().flat_map(|way| &way.slots);
            paid.extend(
                slots
                    .filter(|(_, i)| states[*i] == State::Free)
                    .map(|(slot, _)| *slot),
            );
        }
        let mut value: Vec<f64> = (self.prices.iter().enumerate())
            .map(|(index, price)| -price - self.toll(index, multipliers))
            .collect();
        #[expect(clippy::cast_precision_loss, reason = "nobody wants 2^52 indexes")]
        for (group, &most) in self.limits.most().iter().enumerate() {
            bound -= multipliers[self.of_limit(group)] * most as f64;
        }
        for (slot, &index) in self.index_of.iter().enumerate() {
            value[index] += multipliers[slot];
        }
        let mut room = self.budget;
        let mut taken = vec![0.0; self.sizes.len()];
        let mut wanted = Vec::new();
        for index in 0..self.sizes.len() {
            match states[index] {
                State::In => {
                    room -= self.sizes[index];
                    bound += self.prices[index] + self.toll(index, multipliers);
                    taken[index] = 1.0;
                }
                State::Free if value[index] > 0.0 => {
                    wanted.push((value[index] / self.sizes[index].max(1.0), index));
                }
                _ => {}
            }
        }
        wanted.retain(|&(_, i)| self.sizes[i] <= room);
        // Where all of them fit, it does not matter which goes first.
        if wanted.iter().map(|&(_, i)| self.sizes[i]).sum::<f64>() > room {
            wanted.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        }
        let mut least_density = 0.0;
        for (density, index) in wanted {
            let share = (room / self.sizes[index].max(1.0)).min(1.0);
            taken[index] = share;
            bound -= share * value[index];
            room -= share * self.sizes[index];
            if share < 1.0 {
                least_density = density;
                break;
            }
        }
        Evaluated {
            bound,
            taken,
            paid,
            value,
            least_density,
        }
    }

    /// Raises the bound by changing the multipliers, which are the best ones afterwards. `best` is the cost of a choice.
    pub(super) fn raise(
        &self,
        states: &[State],
        multipliers: &mut Vec<f64>,
        best: f64,
        rounds: usize,
    ) -> Raised {
        let mut raised = Raised {
            bound: f64::NEG_INFINITY,
            rounds: 0,
            choices: Vec::new(),
        };
        let mut current = multipliers.clone();
        // At the root there is time to take small steps; elsewhere the multipliers are nearly right already.
        let (patience, mut boldness) = if rounds > 1000 { (30, 1.5) } else { (6, 0.4) };
        let mut stale = 0;
        for round in 0..rounds {
            if (self.is_late)() {
                break;
            }
            let found = self.evaluate(states, &current);
            raised.rounds += 1;
            if found.bound > raised.bound + 1e-9 * best.abs() {
                raised.bound = found.bound;
                multipliers.clone_from(&current);
                stale = 0;
            } else {
                stale += 1;
                if stale >= patience {
                    (boldness, stale) = (boldness / 2.0, 0);
                    current.clone_from(multipliers);
                    continue;
                }
            }
            if raised.bound >= best {
                break;
            }
            if round % 50 == 20 || round + 1 == rounds {
                raised.choices.push(self.rounded(&found, states));
            }
            let mut step = self.ascent(&found, states);
            // What is not paid and not taken cannot fall below zero.
            for (slot, direction) in step.iter_mut().enumerate() {
                if *direction < 0.0 && current[slot] <= 0.0 {
                    *direction = 0.0;
                }
            }
            let length: f64 = step.iter().map(|s| s * s).sum();
            if length < 1e-12 {
                break;
            }
            let step_length = boldness * (best - found.bound).max(1e-6 * best.abs()) / length;
            for (multiplier, direction) in current.iter_mut().zip(&step) {
                *multiplier = f64::max(*multiplier + step_length * direction, 0.0);
            }
        }
        raised
    }

    /// The subgradient: each demand that is not met asks for a higher multiplier, what is taken in vain for a lower one.
    fn ascent(&self, found: &Evaluated, states: &[State]) -> Vec<f64> {
        let in_vain = |&i: &usize| match states[i] {
            State::Free => -found.taken[i],
            State::In | State::Out => 0.0,
        };
        let mut step: Vec<f64> = self.index_of.iter().map(in_vain).collect();
        for &slot in &found.paid {
            step[slot] += 1.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "nobody wants 2^52 indexes")]
        step.extend(self.limits.most().iter().map(|&most| -(most as f64)));
        for (index, taken) in found.taken.iter().enumerate() {
            for &group in self.limits.of(index) {
                step[self.of_limit(group)] += taken;
            }
        }
        step
    }

    /// What is in for certain, and what the knapsack takes whole.
    fn rounded(&self, found: &Evaluated, states: &[State]) -> Vec<usize> {
        let mut chosen: Vec<usize> = (0..states.len())
            .filter(|&i| states[i] == State::In)
            .collect();
        let mut room = self.budget - chosen.iter().map(|&i| self.sizes[i]).sum::<f64>();
        let mut rest: Vec<usize> = (0..states.len())
            .filter(|&i| states[i] == State::Free && found.taken[i] > 0.0)
            .collect();
        let mut left = self.limits.left(&chosen);
        rest.sort_by(|&a, &b| {
            let dearer = || found.value[b].total_cmp(&found.value[a]);
            (found.taken[b].total_cmp(&found.taken[a]))
                .then_with(dearer)
                .then(a.cmp(&b))
        });
        for index in rest {
            if self.sizes[index] <= room && left.take(&self.limits, index) {
                room -= self.sizes[index];
                chosen.push(index);
            }
        }
        chosen
    }

    /// Decides the indexes that would lift the bound to `best` if they were the other way round, and those that do not fit.
    pub(super) fn fix(&self, states: &mut [State], multipliers: &[f64], best: f64) {
        let found = self.evaluate(states, multipliers);
        let is_in = |i: &usize| states[*i] == State::In;
        let decided: Vec<usize> = (0..states.len()).filter(is_in).collect();
        let room = self.budget - decided.iter().map(|&i| self.sizes[i]).sum::<f64>();
        let left = self.limits.left(&decided);
        for (index, state) in states.iter_mut().enumerate() {
            if *state != State::Free {
                continue;
            }
            let surplus = found.value[index] - found.least_density * self.sizes[index];
            if self.sizes[index] > room
                || !left.admits(&self.limits, [&index])
                || found.taken[index] <= 0.0 && found.bound - surplus >= best
            {
                *state = State::Out;
            } else if found.taken[index] >= 1.0 && found.bound + surplus >= best {
                *state = State::In;
            }
        }
    }

    /// The free index on which queries and knapsack disagree most; `None` when they agree.
    pub(super) fn undecided(&self, states: &[State], multipliers: &[f64]) -> Option<usize> {
        let found = self.evaluate(states, multipliers);
        let mut disagreement = vec![0.0; states.len()];
        let mut is_paid = vec![false; self.index_of.len()];
        for &slot in &found.paid {
            is_paid[slot] = true;
            let index = self.index_of[slot];
            disagreement[index] += multipliers[slot].max(1e-9) * (1.0 - found.taken[index]);
        }
        for (slot, &index) in self.index_of.iter().enumerate() {
            if found.taken[index] > 0.0 && !is_paid[slot] {
                disagreement[index] += multipliers[slot] * found.taken[index];
            }
        }
        let free = (0..states.len()).filter(|&i| states[i] == State::Free);
        let split = |i: &usize| found.taken[*i] > 0.0 && found.taken[*i] < 1.0;
        free.filter(|&i| disagreement[i] > 0.0 || split(&i))
            .max_by(|&a, &b| disagreement[a].total_cmp(&disagreement[b]).then(b.cmp(&a)))
    }

    /// The choice that the evaluation comes to.
    pub(super) fn agreed(&self, states: &[State], multipliers: &[f64]) -> Vec<usize> {
        let found = self.evaluate(states, multipliers);
        self.rounded(&found, states)
    }
}
