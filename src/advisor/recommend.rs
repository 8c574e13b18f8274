//! From the search's choice to recommendations with evidence: which statements, how often, cost and plan before and after.

use std::fmt::Write as _;

use crate::advisor::analyze_advice::lack;
use crate::advisor::answers::{Answer, Configuration};
use crate::advisor::build::{Names, build, warning};
use crate::advisor::candidates::Candidates;
use crate::advisor::catalog_advice::effort;
use crate::advisor::confidence::Grounds;
use crate::advisor::priority::Priority;
use crate::advisor::recommendation::{Action, Benefit, Helped, Recommendation};
use crate::advisor::search::{Choice, Search};
use crate::advisor::write_cost::WriteCost;
use crate::model::catalog::Table;
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Count, Millis, Percent};
use crate::model::whatif::{Hypothetical, Source};
use crate::query::workload::Workload;

/// All that the choice was made from.
#[derive(Debug, Clone, Copy)]
pub struct Decision<'a> {
    /// The world.
    pub snapshot: &'a Snapshot,
    /// The statements.
    pub workload: &'a Workload,
    /// The candidates.
    pub candidates: &'a Candidates,
    /// The finished search.
    pub search: &'a Search<'a>,
    /// Write price of each candidate.
    pub write_costs: &'a [WriteCost],
    /// Who answered.
    pub source: Source,
    /// Days over which the statements' times were gathered; `None` = unknown or too short to speak of days.
    pub days: Option<f64>,
}

/// One recommendation for each chosen index, best first; each benefit counts on top of those before it.
#[must_use]
pub fn recommend(
    decision: &Decision<'_>,
    choice: &Choice,
    names: &mut Names,
) -> Vec<Recommendation> {
    let mut before = Configuration::new();
    let mut all: Configuration = choice.indexes.clone();
    all.sort_unstable();
    let mut recommendations = Vec::new();
    for &index in &choice.indexes {
        let mut after = before.clone();
        after.push(index);
        after.sort_unstable();
        if let Some(table) = decision
            .snapshot
            .table(decision.candidates.indexes[index].definition.table_oid)
        {
            recommendations
                .push(decision.recommendation(index, table, &before, &after, &all, names));
        }
        before = after;
    }
    recommendations
}

impl Decision<'_> {
    fn recommendation(
        &self,
        index: usize,
        table: &Table,
        before: &[usize],
        after: &[usize],
        all: &[usize],
        names: &mut Names,
    ) -> Recommendation {
        let hypothetical = &self.candidates.indexes[index];
        let name = names.choose(&hypothetical.definition, table);
        let (changes, undo) = build(&hypothetical.definition, &name, names, self.snapshot);
        let writes = self.write_costs[index].describe();
        let risk =
            warning(&name, names).map_or_else(|| writes.clone(), |w| format!("{writes}; {w}"));
        let mut benefit = self.benefit(before, after);
        benefit.write_ms_per_day = self.write_costs[index].ms_per_day;
        let mut statements: Vec<(f64, Helped)> = Vec::new();
        let mut grounds = self.grounds(table);
        for q in 0..self.workload.queries.len() {
            if let Some(helped) = self.helped(q, index, all) {
                grounds.statements += 1;
                grounds.guessed += usize::from(self.candidates.guessed[q]);
                grounds.assumed += usize::from(helped.1.assumed.iter().any(|a| a.counted));
                statements.push(helped);
            }
        }
        let (confidence, confidence_reason) = grounds.confidence();
        statements.sort_by(|a, b| {
            b.0.total_cmp(&a.0)
                .then_with(|| a.1.fingerprint.cmp(&b.1.fingerprint))
        });
        let statements: Vec<Helped> = statements.into_iter().map(|(_, helped)| helped).collect();
        Recommendation {
            action: Action::Create,
            index: name,
            reason: reason(hypothetical, &statements, &benefit),
            definition: hypothetical.definition.clone(),
            replaced: Vec::new(),
            changes,
            undo,
            size_bytes: hypothetical.size_bytes(),
            benefit,
            confidence,
            confidence_reason,
            statements,
            misjudged: Vec::new(),
            rank: 0,
            priority: Priority::default(),
            priority_reason: String::new(),
            effort: effort(table),
            risk,
        }
    }

    /// What going from one configuration to the next brings over the whole workload.
    fn benefit(&self, before: &[usize], after: &[usize]) -> Benefit {
        let mut benefit = Benefit::default();
        let mut saved = 0.0;
        for (q, query) in self.workload.queries.iter().enumerate() {
            let (Some(old), Some(new)) = (self.cost(q, before), self.cost(q, after)) else {
                continue;
            };
            if new < old {
                benefit.cost_before += query.calls * old;
                benefit.cost_after += query.calls * new;
            }
            saved += self.saved(q, before, after);
        }
        benefit.ms_per_day_saved = self
            .days
            .filter(|_| self.workload.coverage.timed)
            .map(|days| saved / days);
        benefit.load_share_saved = if self.search.total_load() > 0.0 {
            saved / self.search.total_load()
        } else {
            0.0
        };
        benefit
    }

    /// Cost of a query under a configuration, in planner units; `None` when it was never asked.
    #[must_use]
    pub fn cost(&self, query: usize, configuration: &[usize]) -> Option<f64> {
        self.answer(query, configuration).map(|a| a.cost)
    }

    /// What is known of a query under a configuration: the answer, or the best that is certainly reachable.
    pub(super) fn answer(&self, query: usize, configuration: &[usize]) -> Option<&Answer> {
        let cut = self.search.cut(query, configuration);
        let answers = self.search.answers(query);
        answers.get(&cut).or_else(|| answers.at_most(&cut))
    }

    /// Load that going from one configuration to another saves a query, in the search's unit; negative when it gets slower.
    fn saved(&self, query: usize, before: &[usize], after: &[usize]) -> f64 {
        let load = |configuration| self.answer(query, configuration).map(Answer::load);
        let (old, new) = (load(before), load(after));
        old.zip(new)
            .map_or(0.0, |(old, new)| self.search.weight(query) * (old - new))
    }

    /// The evidence of one query for one index: only if its plan with all advised indexes uses this one and costs less.
    fn helped(&self, q: usize, index: usize, all: &[usize]) -> Option<(f64, Helped)> {
        let (old, new) = (self.answer(q, &[])?, self.answer(q, all)?);
        if !new.used.contains(&index) || new.cost >= old.cost {
            return None;
        }
        let saved = self.saved(q, &[], all);
        let (before, after) = ((old.cost, old.plan.clone()), (new.cost, named(&new.plan)));
        Some((saved, self.evidence(q, before, after)))
    }

    /// A query with its cost per execution and the outline of its plan, before and after.
    pub(crate) fn evidence(&self, q: usize, before: (f64, String), after: (f64, String)) -> Helped {
        let query = &self.workload.queries[q];
        let first = query.members.first();
        let timed = query.total_ms.filter(|_| query.calls > 0.0);
        Helped {
            position: q,
            queryids: query.queryids(self.snapshot),
            fingerprint: format!("{:016x}", query.fingerprint),
            query: query.text.clone(),
            line: first.and_then(|&m| self.snapshot.statements[m].line),
            calls: query.calls,
            mean_ms: timed.map(|ms| ms / query.calls),
            cost_before: before.0,
            cost_after: after.0,
            plan_before: before.1,
            plan_after: after.1,
            assumed: query.assumed().cloned().collect(),
            generic: None,
            unread: query.unread.clone(),
        }
    }

    /// What an index of a table rests on, before its statements are looked at.
    fn grounds<'t>(&self, table: &'t Table) -> Grounds<'t> {
        Grounds {
            source: self.source,
            table,
            now: self.snapshot.taken_at,
            statements: 0,
            assumed: 0,
            guessed: 0,
            lack: lack(table, self.snapshot),
        }
    }
}

/// A plan outline with the names of hypothetical indexes shortened to what a reader understands: `HypoPG`'s
/// `<13543>btree_orders_status` to `new orders_status`, an estimate's `<orders (status)>` to `new orders (status)`.
pub(super) fn named(outline: &str) -> String {
    let mut text = String::new();
    let mut rest = outline;
    while let Some((head, tail)) = rest.split_once(" using <") {
        let (inside, behind) = tail.split_once('>').unwrap_or((tail, ""));
        text.push_str(head);
        text.push_str(" using new ");
        if behind.starts_with(|c: char| c.is_alphanumeric()) {
            rest = behind.strip_prefix("btree_").unwrap_or(behind);
        } else {
            text.push_str(inside);
            rest = behind;
        }
    }
    text + rest
}

fn reason(index: &Hypothetical, statements: &[Helped], benefit: &Benefit) -> String {
    let table = &index.definition.table;
    let count = statements.len();
    let calls: f64 = statements.iter().map(|s| s.calls).sum();
    let mut text = format!(
        "{} ({} {}) on {table} {} {} of the analysed load",
        if count == 1 {
            "1 statement".to_owned()
        } else {
            format!("{count} statements")
        },
        Count(calls),
        if calls > 1.5 { "calls" } else { "call" },
        if count == 1 { "saves" } else { "save" },
        Percent(benefit.load_share_saved.clamp(0.0, 1.0)),
    );
    if let Some(ms) = benefit.ms_per_day_saved {
        let _ = write!(text, ", {} a day", Millis(ms));
    }
    if index.definition.method == "hash" {
        text.push_str(
            "; a hash index serves = alone, and the analysed statements compare it by nothing else",
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn hypothetical_indexes_read_well_in_a_plan() {
        for (outline, expected) in [
            (
                "Index Scan using <13543>btree_orders_status on orders",
                "Index Scan using new orders_status on orders",
            ),
            (
                "Bitmap Index Scan using <orders (status)>, Sort",
                "Bitmap Index Scan using new orders (status), Sort",
            ),
            (
                "Index Scan using orders_pkey on orders",
                "Index Scan using orders_pkey on orders",
            ),
        ] {
            assert_eq!(named(outline), expected);
        }
    }
}
