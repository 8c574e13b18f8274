//! Statements that no advised index helps, each with the reason: what would have helped it, and why that was not chosen.

use std::fmt::Write as _;

use crate::advisor::answers::{Answer, minus};
use crate::advisor::rejections::{OUTDONE, Trial, Why};
use crate::advisor::search::HELPED;
use crate::model::unit::{Bytes, Percent};

/// A statement without advice.
#[derive(Debug, Clone, PartialEq)]
pub struct Unhelped {
    /// `queryid`s.
    pub queryids: Vec<i64>,
    /// Its text.
    pub query: String,
    /// Line in the user's file.
    pub line: Option<u32>,
    /// Planner cost per execution.
    pub cost: Option<f64>,
    /// Share of the analysed load.
    pub load_share: f64,
    /// Why nothing is advised: "no index lowers its cost", "only tables of fewer than 16 pages", …
    pub reason: String,
}

/// Nothing is worth its while.
const TOO_LITTLE: &str = "no index lowers its cost by enough to pay for itself";

/// A plan that would help a statement, with indexes that were not chosen.
struct Way {
    /// Of the indexes that it uses those that were not chosen, sorted.
    lacks: Vec<usize>,
    /// Share of the statement's load that it saves.
    saved: f64,
}

impl Trial<'_> {
    /// Analysed statements that no advised index helps, most load first.
    #[must_use]
    pub fn unhelped(&self) -> Vec<Unhelped> {
        let workload = self.decision.workload;
        let total = workload.coverage.analysed_total;
        let mut unhelped = Vec::new();
        for (q, query) in workload.queries.iter().enumerate() {
            let before = self.decision.cost(q, &[]);
            let after = self.decision.cost(q, &self.chosen);
            if before.zip(after).is_some_and(|(b, a)| a < b) {
                continue;
            }
            let load = query.load(workload.coverage.timed);
            let snapshot = self.decision.snapshot;
            let first = query.members.first();
            unhelped.push(Unhelped {
                queryids: query.queryids(snapshot),
                query: query.text.clone(),
                line: first.and_then(|&m| snapshot.statements[m].line),
                cost: before,
                load_share: if total > 0.0 { load / total } else { 0.0 },
                reason: self.why_unhelped(q),
            });
        }
        unhelped.sort_by(|a, b| b.load_share.total_cmp(&a.load_share));
        unhelped
    }

    fn why_unhelped(&self, query: usize) -> String {
        let candidates = self.decision.candidates;
        if let Some(why) = self.failed.get(&query) {
            return format!("could not be planned: {why}");
        }
        let declined = candidates.declined[query].as_ref();
        if let Some(why) = declined.filter(|_| candidates.of_query[query].is_empty()) {
            return why.clone();
        }
        if let Some(way) = self.best_way(query) {
            return self.why_not(&way);
        }
        let own = candidates.of_query[query].iter().copied();
        let (large, fitting): (Vec<usize>, Vec<usize>) = own.partition(|&i| self.exceeds_budget(i));
        let asked = |i: &usize| self.asked[*i].contains(&query);
        if !fitting.is_empty() && !fitting.iter().any(asked) {
            return "the time limit came before the planner was asked about it".into();
        }
        // What it would have to be rewritten as: none of the indexes that were asked about serves it as it is.
        if let Some(rewriting) = declined {
            return rewriting.clone();
        }
        let least = large
            .iter()
            .min_by(|&&a, &&b| self.size(&[a]).total_cmp(&self.size(&[b])));
        match (least, self.options.budget_bytes) {
            (Some(least), Some(budget)) => format!(
                "{} than the budget of {}; the smallest of them, {}, takes {}",
                if fitting.is_empty() {
                    "all indexes that could help it are larger"
                } else {
                    "no index within the budget helps it, and nobody asked about those that are larger"
                },
                Bytes(budget),
                self.named([least]),
                Bytes(self.size(&[*least]))
            ),
            _ => TOO_LITTLE.into(),
        }
    }

    /// The plan with indexes that were not chosen that saves most, under a budget most for their size; else one that the
    /// planner would take although it saves nothing.
    fn best_way(&self, query: usize) -> Option<Way> {
        let answers = self.decision.search.answers(query);
        let base = answers.get(&[])?;
        let way = |answer: &Answer| Way {
            lacks: minus(&answer.used, &self.chosen),
            saved: 1.0 - answer.load() / base.load(),
        };
        let tempts = |a: &&Answer| a.cost < base.cost * (1.0 - HELPED);
        let ways = answers.all().iter();
        let ways = ways.filter(|a| 1.0 - a.load() / base.load() > HELPED || tempts(a));
        let worth = |way: &Way| match self.options.budget_bytes {
            Some(_) => way.saved / self.size(&way.lacks).max(1.0),
            None => way.saved,
        };
        (ways.map(way).filter(|w| !w.lacks.is_empty()))
            .max_by(|a, b| (worth(a).total_cmp(&worth(b))).then_with(|| b.lacks.cmp(&a.lacks)))
    }

    /// What a plan would have saved, and what speaks against its indexes.
    fn why_not(&self, way: &Way) -> String {
        let (why, reason) = self.against(&way.lacks);
        let mut named = self.named(&way.lacks);
        if why == Why::TooLittle {
            let saved = Percent(way.saved.max(0.0));
            return format!("{TOO_LITTLE}: {named} would save {saved} of it");
        }
        if why != Why::TooLarge {
            let _ = write!(named, ", {},", Bytes(self.size(&way.lacks)));
        }
        let together = if way.lacks.len() == 1 {
            ""
        } else {
            " together"
        };
        if way.saved <= HELPED {
            return format!("{named}{together} would lower its planner cost, but {reason}");
        }
        let saved = Percent(way.saved);
        format!("{named}{together} would save {saved} of it, but {reason}")
    }

    /// Why indexes that a plan takes were not chosen.
    fn against(&self, indexes: &[usize]) -> (Why, String) {
        if let [index] = indexes {
            return self.why(*index);
        }
        if let Some(too_large) = self.too_large(indexes) {
            return (Why::TooLarge, too_large);
        }
        // One that may not be there is enough.
        let mut all = indexes.iter().map(|&index| (index, self.why(index)));
        match all.find(|(_, (why, _))| *why != Why::Outdone) {
            Some((index, (why, reason))) => (why, format!("of {}: {reason}", self.named([&index]))),
            None => (Why::Outdone, OUTDONE.into()),
        }
    }
}
