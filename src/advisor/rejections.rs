//! Why a candidate was costed and not chosen, and why a statement got none: one sentence each, from the answers that the
//! finished search has.
//!
//! Nothing is asked any more. A gain is what the plans that were asked for show: of all plans that use the candidate the best
//! one, whatever else it uses; the gain on top of the chosen ones is the best that is certainly reachable with them.

mod unhelped;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::advisor::answers::{Answer, is_subset, union};
use crate::advisor::recommend::Decision;
use crate::advisor::search::{Choice, HELPED, SearchOptions};
use crate::model::ident::QualifiedName;
use crate::model::unit::{Bytes, Count, Millis, Percent};
use crate::model::whatif::Hypothetical;

pub use unhelped::Unhelped;

const OUTDONE: &str = "another set was better by the plans that were asked for";

/// A candidate that was not chosen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rejection {
    /// Its table.
    pub table: QualifiedName,
    /// Its definition behind the table's name: `(a, b DESC)`.
    pub index: String,
    /// Its expected size, bytes.
    pub size_bytes: f64,
    /// Why, for programs.
    pub why: Why,
    /// Why, one sentence without trailing period.
    pub reason: String,
}

/// Why a candidate was not chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// No statement that could use it was costed, or time was up before it was asked about.
    NotAsked,
    /// It is the beginning of an index that exists or was chosen.
    Prefix,
    /// No plan uses it.
    Unused,
    /// It makes a statement slower than it may.
    Slower,
    /// It does not fit the budget.
    TooLarge,
    /// The limit on the number of new indexes has no room for it.
    TooMany,
    /// Chosen indexes serve the same statements.
    Served,
    /// Writes pay more for it than it saves.
    WritePrice,
    /// What it saves rests on a guess.
    Guessed,
    /// It saves less than it must.
    TooLittle,
    /// Another set was better.
    Outdone,
}

/// All that speaks for or against a candidate.
#[derive(Debug)]
pub struct Trial<'a> {
    decision: &'a Decision<'a>,
    /// The chosen candidates, sorted.
    chosen: Vec<usize>,
    failed: &'a BTreeMap<usize, String>,
    prices: &'a [f64],
    options: &'a SearchOptions,
    /// For each candidate the queries that were asked with it.
    asked: Vec<BTreeSet<usize>>,
}

/// What a candidate brings in the plans that use it.
#[derive(Debug, Default)]
struct Gains {
    /// Load saved in statements that count as helped, in the unit of the search.
    best: f64,
    /// Today's load of those statements.
    helped: f64,
    /// Load saved on top of the chosen indexes.
    on_top: f64,
    /// Chosen indexes that those statements' plans use.
    served_by: BTreeSet<usize>,
    /// Largest share saved of a statement whose rows are guessed, where that is too little.
    guessed: f64,
}

impl<'a> Trial<'a> {
    /// Of all candidates after the search. `prices` are what writes pay for each, in the unit of the search.
    #[must_use]
    pub fn new(
        decision: &'a Decision<'a>,
        choice: &'a Choice,
        prices: &'a [f64],
        options: &'a SearchOptions,
    ) -> Self {
        let mut asked = vec![BTreeSet::new(); decision.candidates.indexes.len()];
        for query in 0..decision.candidates.of_query.len() {
            let offered = decision.search.answers(query).all().iter();
            for &index in offered.flat_map(|a| &a.offered) {
                asked[index].insert(query);
            }
        }
        Self {
            decision,
            chosen: union(&choice.indexes, &[]),
            failed: &choice.failed,
            prices,
            options,
            asked,
        }
    }

    /// Each candidate that was not chosen, by table, with the reason.
    #[must_use]
    pub fn rejections(&self) -> Vec<Rejection> {
        let all = 0..self.decision.candidates.indexes.len();
        let left = all.filter(|i| !self.chosen.contains(i));
        let mut rejections: Vec<Rejection> = left.map(|i| self.rejection(i)).collect();
        rejections.sort_by(|a, b| (&a.table, a.why, &a.index).cmp(&(&b.table, b.why, &b.index)));
        rejections
    }

    fn rejection(&self, index: usize) -> Rejection {
        let hypothetical = self.candidate(index);
        let (why, reason) = self.why(index);
        Rejection {
            table: hypothetical.definition.table.clone(),
            index: hypothetical.definition.to_string(),
            size_bytes: hypothetical.size_bytes(),
            why,
            reason,
        }
    }

    fn why(&self, index: usize) -> (Why, String) {
        if let Some(other) = self.longer(index) {
            return (
                Why::Prefix,
                format!("already there as the beginning of {other}"),
            );
        }
        if self.asked[index].is_empty() {
            // What is larger than the whole budget is not even asked about.
            if self.exceeds_budget(index)
                && let Some(text) = self.too_large(&[index])
            {
                return (Why::TooLarge, text);
            }
            let text = "not asked about: no statement that could use it was costed, or time was up";
            return (Why::NotAsked, text.into());
        }
        if self.users(index).next().is_none() {
            return (Why::Unused, "no plan uses it".into());
        }
        self.slower(index).unwrap_or_else(|| self.by_gain(index))
    }

    fn candidate(&self, index: usize) -> &'a Hypothetical {
        &self.decision.candidates.indexes[index]
    }

    /// Every answer whose plan uses a candidate, with its query.
    fn users(&self, index: usize) -> impl Iterator<Item = (usize, &'a Answer)> {
        let search = self.decision.search;
        let answers = move |&q: &usize| search.answers(q).all().iter().map(move |a| (q, a));
        let all = self.asked[index].iter().flat_map(answers);
        all.filter(move |(_, a)| a.used.contains(&index))
    }

    /// The index, existing or chosen, that begins with this one.
    fn longer(&self, index: usize) -> Option<String> {
        let (candidates, snapshot) = (self.decision.candidates, self.decision.snapshot);
        let own = &candidates.indexes[index].definition;
        let mut existing = snapshot.indexes_of(own.table_oid);
        let there =
            existing.find(|i| i.usable() && !i.incomplete && own.is_prefix_of(&i.definition));
        let chosen = || {
            let mut chosen = self
                .chosen
                .iter()
                .map(|&i| &candidates.indexes[i].definition);
            chosen.find(|d| own.is_prefix_of(d))
        };
        there
            .map(|i| i.qualified().to_string())
            .or_else(|| chosen().map(|d| format!("the chosen {} {d}", d.table)))
    }

    /// A statement that it would make slower beside the chosen ones: the planner would take it by its cost.
    fn slower(&self, index: usize) -> Option<(Why, String)> {
        let search = self.decision.search;
        let with = union(&self.chosen, &[index]);
        let taken = |q: usize, answer: &Answer| {
            let then = self.decision.answer(q, &with);
            is_subset(&answer.used, &with)
                && then.is_some_and(|then| search.rank(q, answer) <= then.cost)
        };
        let worst = self
            .users(index)
            .filter(|(q, a)| taken(*q, a))
            .filter_map(|(q, a)| {
                let base = search.answers(q).get(&[])?;
                let noticed = search.is_regression(q, a);
                noticed.then(|| (a.slowdown(base) - 1.0, q))
            })
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let (slowdown, q) = worst?;
        let query = &self.decision.workload.queries[q];
        let text = format!(
            "makes a statement at least {} slower: {}",
            Percent(slowdown),
            query.text
        );
        Some((Why::Slower, text))
    }

    fn size(&self, indexes: &[usize]) -> f64 {
        let sizes = indexes.iter().map(|&i| self.candidate(i).size_bytes());
        sizes.fold(0.0, |sum, size| sum + size)
    }

    fn exceeds_budget(&self, index: usize) -> bool {
        let budget = self.options.budget_bytes;
        budget.is_some_and(|budget| self.size(&[index]) > budget)
    }

    /// What indexes take, where the budget has no room for them.
    fn too_large(&self, indexes: &[usize]) -> Option<String> {
        let budget = self.options.budget_bytes?;
        let (own, taken) = (self.size(indexes), self.size(&self.chosen));
        (own + taken > budget).then(|| {
            let beside = if own > budget {
                String::new()
            } else {
                format!(" beside {} of what was chosen", Bytes(taken))
            };
            format!(
                "{} {} do not fit the budget of {}{beside}",
                if indexes.len() == 1 { "its" } else { "their" },
                Bytes(own),
                Bytes(budget)
            )
        })
    }

    /// The limit that the chosen indexes have reached.
    fn too_many(&self, index: usize) -> Option<(Why, String)> {
        let table = |i: usize| &self.decision.candidates.indexes[i].definition.table;
        let on_it = (self.chosen.iter())
            .filter(|&&i| table(i) == table(index))
            .count();
        let (all, each) = (self.options.max_indexes, self.options.max_indexes_per_table);
        let reached = |most: Option<usize>, there: usize| most.filter(|most| there >= *most);
        let (most, on) = match (reached(all, self.chosen.len()), reached(each, on_it)) {
            (Some(most), _) => (most, ""),
            (None, Some(most)) => (most, " on one table"),
            (None, None) => return None,
        };
        let text = match most {
            1 => format!("only 1 new index{on} is wanted, and others save more"),
            most => format!("only {most} new indexes{on} are wanted, and others save more"),
        };
        Some((Why::TooMany, text))
    }

    fn by_gain(&self, index: usize) -> (Why, String) {
        let gains = self.gains(index);
        let (price, total) = (self.prices[index], self.decision.search.total_load());
        let widens = self.decision.candidates.widens[index];
        let share = if widens {
            self.options.min_saving_widening
        } else {
            self.options.min_saving
        };
        let least = (self.options.min_load_share * total).max(share * gains.helped);
        if gains.best <= 0.0 && gains.guessed > 0.0 {
            let text = format!(
                "saves {} of a statement whose rows are guessed; less than {} of such a one does not count",
                Percent(gains.guessed),
                Percent(self.options.least_by_guess)
            );
            return (Why::Guessed, text);
        }
        if gains.best <= 0.0 {
            let text = format!("saves less than {} of any statement", Percent(HELPED));
            return (Why::TooLittle, text);
        }
        let amount = |load: f64| self.amount(load);
        if price > 0.0 && gains.best <= price {
            let text = format!(
                "writes pay {} for it, and it saves {}",
                amount(price),
                amount(gains.best)
            );
            return (Why::WritePrice, text);
        }
        if gains.best - price < least {
            let must = if widens { "to widen an index " } else { "" };
            let text = format!(
                "saves {} net, of {} that it must {must}({} of the load it helps, {} of all)",
                amount(gains.best - price),
                amount(least),
                Percent(share),
                Percent(self.options.min_load_share)
            );
            return (Why::TooLittle, text);
        }
        if gains.on_top - price < least && !gains.served_by.is_empty() {
            let left = match gains.on_top {
                more if more > 0.0 => format!("; on top of that it saves {}", amount(more)),
                _ => String::new(),
            };
            let verb = if gains.served_by.len() == 1 {
                "serves"
            } else {
                "serve"
            };
            let text = format!(
                "the chosen {} {verb} the same statements{left}",
                self.named(&gains.served_by)
            );
            return (Why::Served, text);
        }
        if let Some(text) = self.too_large(&[index]) {
            return (Why::TooLarge, text);
        }
        self.too_many(index)
            .unwrap_or_else(|| (Why::Outdone, OUTDONE.into()))
    }

    /// What the plans that use a candidate save.
    fn gains(&self, index: usize) -> Gains {
        let search = self.decision.search;
        let mut gains = Gains::default();
        for &q in &self.asked[index] {
            let answers = search.answers(q);
            let users = answers.all().iter().filter(|a| a.used.contains(&index));
            let best = users.map(Answer::load).min_by(f64::total_cmp);
            let (Some(base), Some(best)) = (answers.get(&[]).map(Answer::load), best) else {
                continue;
            };
            let saved = (base - best) / base;
            let guessed = self.decision.candidates.guessed[q];
            let helps = if guessed {
                self.options.least_by_guess
            } else {
                HELPED
            };
            if saved <= helps {
                if guessed {
                    gains.guessed = gains.guessed.max(saved);
                }
                continue;
            }
            let weight = search.weight(q);
            gains.best += weight * (base - best);
            gains.helped += weight * base;
            let with = union(&self.chosen, &[index]);
            let now = self.decision.answer(q, &self.chosen);
            let then = self.decision.answer(q, &with);
            if let (Some(now), Some(then)) = (now, then) {
                gains.on_top += weight * (now.load() - then.load()).max(0.0);
                let used = now.used.iter().filter(|i| self.chosen.contains(i));
                gains.served_by.extend(used);
            }
        }
        gains
    }

    /// "t (a, b) and t (c)".
    fn named<'i>(&self, indexes: impl IntoIterator<Item = &'i usize>) -> String {
        let name = |&i: &usize| {
            let definition = &self.candidate(i).definition;
            format!("{} {definition}", definition.table)
        };
        let names: Vec<String> = indexes.into_iter().map(name).collect();
        names.join(" and ")
    }

    /// An amount of the objective: time of the counted period, or executions, and which share of all that is.
    fn amount(&self, load: f64) -> String {
        let total = self.decision.search.total_load();
        let share = if total > 0.0 { load / total } else { 0.0 };
        if self.decision.workload.coverage.timed {
            format!("{} ({} of the load)", Millis(load), Percent(share))
        } else {
            format!(
                "{} of the load ({} calls' worth)",
                Percent(share),
                Count(load)
            )
        }
    }
}

#[cfg(test)]
mod tests;
