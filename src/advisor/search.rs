//! Which set of candidates is worth it over the whole workload: the search asks what-if questions, the shell answers.
//!
//! ```text
//! while let Some(probes) = search.probes() { for p in probes { search.observe(&p, answer) } }
//! ```
//!
//! It works top-down, because an answer to a wide question implies many narrow ones (see `answers`):
//!
//! 1. *Base*: each query without and with all its candidates. No gain: the query is done with two questions.
//! 2. *Peel*: what would be used if the used ones were not there? Gives the second-best, often shareable, indexes.
//! 3. *Lattice*: each used set less one, and with narrower forms of each member. All that helped forms the pool.
//! 4. *Greedy*: repeatedly takes the move (an index, or a set that one query uses together) with the best net gain (under a
//!    budget, gain per byte). Bounds from step 1 make it lazy.
//! 5. *Polish*: drops what is not missed, narrows what is wider than its gain needs; with a budget the next step does so.
//! 6. *Exact*: the best set by all answers so far (`solver`), asked about and solved again until it stays. A budget or a limit on
//!    the number of indexes holds in every step.
//!
//! The objective is the load in ms (the measured time of each query, scaled by what cost and `time_model` say of its plans), plus
//! the write price. The planner goes by its cost alone, so that an index can make a query slower: where that would be noticed,
//! no set with it is chosen.

mod exact;
mod explore;
mod greedy;
mod load;
mod options;
mod polish;
mod price;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::advisor::answers::{Answer, Answers, Configuration, minus, union};
use crate::advisor::candidates::Candidates;
use crate::advisor::search::exact::Exact;
use crate::advisor::search::greedy::{Run, Score};
use crate::advisor::time_model::TimeModel;
use crate::model::whatif::Cost;

pub(super) use greedy::HELPED;
pub use options::SearchOptions;
pub use price::Spared;

/// One what-if question: this query with exactly these candidates.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Probe {
    /// Position in the workload.
    pub query: usize,
    /// Positions in the candidates, sorted.
    pub configuration: Configuration,
}

impl Probe {
    /// What the query costs without any candidate.
    #[must_use]
    pub fn today(query: usize) -> Self {
        Self {
            query,
            configuration: Configuration::new(),
        }
    }
}

/// The outcome.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Choice {
    /// Chosen candidates in the order of their marginal gain.
    pub indexes: Vec<usize>,
    /// Queries that could not be costed, with the reason.
    pub failed: BTreeMap<usize, String>,
    /// Questions answered.
    pub probes: usize,
    /// How far the choice is at most from the best that the answers allow, as a share of the load with it (write prices and the
    /// least that each index must bring counted in); `None` when there was nothing to choose from.
    pub gap: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Base,
    Peel(usize),
    Lattice,
    Choose,
    Done,
}

/// The search. Create it, answer its probes until there are none, then take the `choice`.
#[derive(Debug)]
pub struct Search<'a> {
    candidates: &'a Candidates,
    /// Load of each query: ms, or calls when there are no times.
    load: &'a [f64],
    /// Whether `load` is a time: a query's cost is then scaled so that today's cost is that time.
    timed: bool,
    /// Write price of each candidate in units of the objective.
    write_price: &'a [f64],
    /// Existing indexes that each candidate would replace; empty = none replaces any.
    spared: Vec<Vec<Spared>>,
    options: SearchOptions,
    phase: Phase,
    answers: Vec<Answers>,
    failed: BTreeMap<usize, String>,
    /// Candidates that some answer used to advantage.
    pool: BTreeSet<usize>,
    /// Sets that one query used together.
    bundles: BTreeSet<Configuration>,
    /// For each query its own candidates, but for those that are too large.
    own: Vec<Configuration>,
    /// For each query the candidates that could matter to it: its own, and others that begin with the same column.
    relevant: Vec<Configuration>,
    /// For each candidate the queries that it could matter to, for better or worse.
    touches: BTreeMap<usize, Vec<usize>>,
    /// Factor from the load of each query's answers to the unit of the objective.
    weights: Vec<f64>,
    /// Today's load of all live queries, in units of the objective.
    total_load: f64,
    /// Tells the time of plans.
    time_model: Option<&'a TimeModel<'a>>,
    run: Option<Run>,
    /// What greedy came to.
    greedy_choice: Option<Configuration>,
    chosen: Vec<usize>,
    /// What the exact choice has come to so far, and the sets that it was tried with.
    exact: Option<Exact>,
    /// Set when time is up: unknown costs are then bounded by what is known instead of asked.
    hurried: bool,
    /// Says that even what asks nothing has to end.
    clock: Option<Clock<'a>>,
    asked: usize,
}

/// Says whether time is up.
#[derive(Clone, Copy)]
struct Clock<'a>(&'a dyn Fn() -> bool);

impl fmt::Debug for Clock<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// How often the used indexes are taken away to see what would be used instead.
const PEELS: usize = 2;

/// A gain below this share of a query's cost is noise.
const NOISE: f64 = 0.001;

impl<'a> Search<'a> {
    /// A search over `candidates`; `load` and `timed` weigh the queries, `write_price` (same unit) the candidates.
    #[must_use]
    pub fn new(
        candidates: &'a Candidates,
        load: &'a [f64],
        timed: bool,
        write_price: &'a [f64],
        options: SearchOptions,
    ) -> Self {
        let queries = candidates.of_query.len();
        let fits = |i: &usize| {
            let budget = options.budget_bytes;
            budget.is_none_or(|budget| candidates.indexes[*i].size_bytes() <= budget)
        };
        let fitting = |all: &Configuration| all.iter().copied().filter(fits).collect();
        Self {
            own: candidates.of_query.iter().map(fitting).collect(),
            candidates,
            load,
            timed,
            write_price,
            spared: Vec::new(),
            options,
            phase: Phase::Base,
            answers: vec![Answers::default(); queries],
            failed: BTreeMap::new(),
            pool: BTreeSet::new(),
            bundles: BTreeSet::new(),
            relevant: relevant(candidates),
            touches: BTreeMap::new(),
            weights: vec![0.0; queries],
            total_load: 0.0,
            time_model: None,
            run: None,
            greedy_choice: None,
            chosen: Vec::new(),
            exact: None,
            hurried: false,
            clock: None,
            asked: 0,
        }
    }

    /// Weighs plans by the time they would take, not by the planner's cost alone.
    #[must_use]
    pub fn by_time(mut self, model: &'a TimeModel<'a>) -> Self {
        self.time_model = Some(model);
        self
    }

    /// Ends what takes long without a question as soon as `is_late`; the choice is then the best one so far.
    #[must_use]
    pub fn until(mut self, is_late: &'a dyn Fn() -> bool) -> Self {
        self.clock = Some(Clock(is_late));
        self
    }

    /// Begins with what another search over the same queries and candidates has learnt.
    #[must_use]
    pub fn knowing(mut self, answers: &[Answers]) -> Self {
        self.answers = answers.to_vec();
        self
    }

    /// The next questions, all of which must be answered (in any order) before asking again; `None` when it is done.
    pub fn probes(&mut self) -> Option<Vec<Probe>> {
        loop {
            let mut wanted = Wanted::default();
            let next = match self.phase {
                Phase::Base => self.base(&mut wanted),
                Phase::Peel(round) => self.peel(round, &mut wanted),
                Phase::Lattice => self.lattice(&mut wanted),
                Phase::Choose => self.choose(&mut wanted),
                Phase::Done => return None,
            };
            if wanted.probes.is_empty() {
                self.phase = next;
            } else {
                return Some(wanted.probes.into_iter().collect());
            }
        }
    }

    /// Takes the answer to a probe; a query whose question failed is left out from then on.
    pub fn observe(&mut self, probe: &Probe, answer: Result<&Cost, String>) {
        match answer {
            Ok(cost) => {
                self.asked += 1;
                let asked = probe.configuration.iter();
                let asked: Vec<_> = asked.map(|&i| &self.candidates.indexes[i]).collect();
                // The time of a mean over values that behave unlike each other is nobody's time.
                let model = self
                    .time_model
                    .filter(|_| !self.candidates.skewed[probe.query]);
                let ms = model.map(|model| {
                    let ways = cost.plans();
                    ways.map(|(share, plan)| share * model.ms(plan, &asked))
                        .sum()
                });
                self.answers[probe.query].add(probe.configuration.clone(), cost, ms);
            }
            Err(reason) => _ = self.failed.insert(probe.query, reason),
        }
    }

    /// Ends the asking: the choice is made from what is known.
    pub fn hurry(&mut self) {
        self.hurried = true;
    }

    /// The outcome, once `probes` gave `None`.
    #[must_use]
    pub fn choice(&self) -> Choice {
        Choice {
            indexes: self.chosen.clone(),
            failed: self.failed.clone(),
            probes: self.asked,
            gap: self.exact.as_ref().and_then(|e| e.gap),
        }
    }

    /// What is known of each query.
    #[must_use]
    pub fn all_answers(&self) -> &[Answers] {
        &self.answers
    }

    /// What is known of a query.
    #[must_use]
    pub fn answers(&self, query: usize) -> &Answers {
        &self.answers[query]
    }

    /// The part of a configuration that can matter to a query, sorted.
    #[must_use]
    pub fn cut(&self, query: usize, configuration: &[usize]) -> Configuration {
        let relevant = &self.relevant[query];
        let mut cut: Configuration = (configuration.iter().copied())
            .filter(|i| relevant.binary_search(i).is_ok())
            .collect();
        cut.sort_unstable();
        cut
    }

    /// Factor from the load of an answer to the unit of the objective; 0 for a query that was not costed.
    #[must_use]
    pub fn weight(&self, query: usize) -> f64 {
        self.weights[query]
    }

    /// Today's load of the costed queries, in units of the objective.
    #[must_use]
    pub fn total_load(&self) -> f64 {
        self.total_load
    }

    fn is_late(&self) -> bool {
        self.clock.is_some_and(|clock| (clock.0)())
    }

    fn live(&self) -> impl Iterator<Item = usize> + use<'_> {
        (0..self.answers.len())
            .filter(|q| !self.candidates.of_query[*q].is_empty() && !self.failed.contains_key(q))
    }

    /// Live queries that some candidate makes cheaper.
    fn improvable(&self) -> Vec<usize> {
        self.live().filter(|&q| self.potential(q) > 0.0).collect()
    }

    /// Queries that some candidate makes cheaper or dearer.
    fn affected(&self) -> Vec<usize> {
        let differs = |&q: &usize| {
            let base = self.answers[q].get(&[]).map_or(0.0, Answer::load);
            let all = self.answers[q].all().iter();
            all.map(Answer::load)
                .any(|load| (load - base).abs() > NOISE * base)
        };
        self.live().filter(differs).collect()
    }

    /// Most that the load of a query's execution can fall; 0 when that is noise.
    fn potential(&self, query: usize) -> f64 {
        let answers = &self.answers[query];
        let (Some(base), Some(least)) = (answers.get(&[]), answers.least()) else {
            return 0.0;
        };
        let gain = base.load() - least;
        if gain > NOISE * base.load() {
            gain
        } else {
            0.0
        }
    }

    fn want(&self, query: usize, configuration: Configuration, wanted: &mut Wanted) {
        if !self.hurried
            && self.answers[query].get(&configuration).is_none()
            && !self.failed.contains_key(&query)
        {
            wanted.probes.insert(Probe {
                query,
                configuration,
            });
        }
    }

    /// Size of a configuration in bytes.
    fn size(&self, configuration: &[usize]) -> f64 {
        configuration
            .iter()
            .map(|&i| self.candidates.indexes[i].size_bytes())
            .sum()
    }

    /// Whether a configuration keeps to the budget and the limits.
    fn fits(&self, configuration: &[usize]) -> bool {
        let options = &self.options;
        let on_table = |oid: u32| {
            let of_it = configuration.iter().filter(|&&i| self.table_of(i) == oid);
            of_it.count()
        };
        let few_on_each = |most: usize| {
            let mut tables = configuration.iter().map(|&i| self.table_of(i));
            tables.all(|oid| on_table(oid) <= most)
        };
        (options.budget_bytes).is_none_or(|budget| self.size(configuration) <= budget)
            && (options.max_indexes).is_none_or(|most| configuration.len() <= most)
            && options.max_indexes_per_table.is_none_or(few_on_each)
    }

    /// Oid of the table that an index is on.
    fn table_of(&self, index: usize) -> u32 {
        self.candidates.indexes[index].definition.table_oid
    }

    /// Queries to which a member of the set could matter.
    fn touched(&self, set: &[usize]) -> BTreeSet<usize> {
        set.iter()
            .filter_map(|i| self.touches.get(i))
            .flatten()
            .copied()
            .collect()
    }

    fn choose(&mut self, wanted: &mut Wanted) -> Phase {
        let score = match self.options.budget_bytes {
            Some(_) => Score::GainPerByte,
            None => Score::Gain,
        };
        if self.greedy_choice.is_none() {
            let mut run = self.run.take().unwrap_or_else(|| self.start());
            if self.greedy(&mut run, score, wanted).is_none() {
                self.run = Some(run);
                return Phase::Choose;
            }
            self.greedy_choice = Some(run.chosen);
        }
        let greedy = self.greedy_choice.clone().unwrap_or_default();
        // With a budget the exact choice leaves out by itself what is not missed.
        let polished = match self.options.budget_bytes {
            Some(_) => Some(greedy),
            None => self.polish(greedy, wanted),
        };
        if let Some(polished) = polished
            && let Some(exact) = self.best_known(polished, wanted)
        {
            self.chosen = self.by_marginal_gain(&exact);
        }
        Phase::Done
    }

    /// The chosen ones in the order in which each brings most on top of those before it, as far as is known.
    fn by_marginal_gain(&self, chosen: &[usize]) -> Vec<usize> {
        let (mut ordered, mut left) = (Vec::new(), chosen.to_vec());
        while !left.is_empty() && !self.is_late() {
            let so_far = union(&ordered, &[]);
            let gain = |&index: &usize| self.known_gain(&so_far, index);
            let best = left.iter().copied().map(|i| (gain(&i), i));
            let best = best.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
            let Some((_, index)) = best else { break };
            ordered.push(index);
            left = minus(&left, &[index]);
        }
        ordered.extend(left);
        ordered
    }
}

/// For each query the candidates that begin with the same column of the same table as one of its own; those that only cover where
/// they hold all that one of its own does.
fn relevant(candidates: &Candidates) -> Vec<Configuration> {
    let lead = |i: usize| {
        let definition = &candidates.indexes[i].definition;
        (definition.table_oid, definition.keys.first().map(|k| &k.of))
    };
    let mut beginning: BTreeMap<_, Configuration> = BTreeMap::new();
    for index in 0..candidates.indexes.len() {
        beginning.entry(lead(index)).or_default().push(index);
    }
    let covers = |i: usize, own: &Configuration| {
        let wide = &candidates.indexes[i].definition;
        let held =
            |name: &String| wide.include.contains(name) || wide.key_columns().any(|c| c == name);
        (own.iter().map(|&k| &candidates.indexes[k].definition)).any(|narrow| {
            narrow.table_oid == wide.table_oid
                && narrow.keys == wide.keys
                && !narrow.include.is_empty()
                && narrow.include.iter().all(held)
        })
    };
    let own = |own: &Configuration| {
        let leads: BTreeSet<_> = own.iter().map(|&i| lead(i)).collect();
        let mut all: Configuration = leads
            .iter()
            .filter_map(|l| beginning.get(l))
            .flatten()
            .copied()
            .filter(|&i| !candidates.only_covers[i] || covers(i, own))
            .collect();
        all.sort_unstable();
        all
    };
    candidates.of_query.iter().map(own).collect()
}

#[derive(Debug, Default)]
struct Wanted {
    probes: BTreeSet<Probe>,
}

#[cfg(test)]
mod tests;
