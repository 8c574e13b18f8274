//! What the workload would cost without the indexes that are about to be dropped: the planner's word on what the catalog says
//! is superfluous, and on what a new index could replace. Advice that it disproves is taken back; nothing is replaced of which
//! it was not asked.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::advisor::catalog_advice::price;
use crate::advisor::recommend::{Decision, named};
use crate::advisor::recommendation::{Action, Confidence, Helped, Recommendation};
use crate::advisor::replace::{keep, replace, superseded};
use crate::model::ident::QualifiedName;
use crate::model::index::Index;
use crate::model::plan::Plan;
use crate::model::snapshot::Snapshot;
use crate::model::unit::Percent;
use crate::model::whatif::{Cost, Source};

/// A cost that differs by less is the same: a wider index has a few more pages.
const SAME: f64 = 1.01;
/// Without times, no statement may get dearer than by this.
const DEAREST: f64 = 1.1;
/// With times neither, however rare it is.
const MUCH_DEARER: f64 = 1.5;
/// Share of the load that may be lost for the room on disk alone: what an index has to save to be advised.
pub(super) const LITTLE_LOAD: f64 = 0.001;

/// A query that the dropped indexes could matter to, with the advised indexes in place.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// With the indexes that are to be dropped.
    pub with: Cost,
    /// Without any of them.
    pub without: Cost,
}

/// The indexes that these recommendations drop, or could replace.
#[must_use]
pub fn dropped<'a>(decision: &Decision<'a>, recommendations: &[Recommendation]) -> Vec<&'a Index> {
    let replaced = recommendations.iter();
    let replaced = replaced.flat_map(|r| superseded(r, decision.snapshot));
    let mut all = listed(decision, recommendations);
    for index in replaced {
        if all.iter().all(|i| i.oid != index.oid) {
            all.push(index);
        }
    }
    all
}

/// The indexes that go when these recommendations are followed.
#[must_use]
pub fn going<'a>(decision: &Decision<'a>, recommendations: &[Recommendation]) -> Vec<&'a Index> {
    let replaced = recommendations.iter().flat_map(|new| {
        let names = new.replaced.iter().map(|r| &r.index);
        names.filter_map(|name| {
            let mut indexes = decision.snapshot.indexes_of(new.definition.table_oid);
            indexes.find(|i| i.qualified() == *name)
        })
    });
    let mut all = listed(decision, recommendations);
    all.extend(replaced);
    all
}

/// The indexes that these recommendations drop by themselves.
fn listed<'a>(decision: &Decision<'a>, recommendations: &[Recommendation]) -> Vec<&'a Index> {
    let drops = recommendations.iter().filter(|r| r.action == Action::Drop);
    let index = |r: &Recommendation| {
        let mut indexes = decision.snapshot.indexes_of(r.definition.table_oid);
        indexes.find(|i| i.qualified() == r.index)
    };
    drops.filter_map(index).collect()
}

/// Queries that read a table of one of these indexes.
#[must_use]
pub fn readers(decision: &Decision<'_>, indexes: &[&Index]) -> Vec<usize> {
    let snapshot = decision.snapshot;
    let mut tables = BTreeSet::new();
    for index in indexes {
        tables.insert(index.definition.table_oid);
        let table = snapshot.table(index.definition.table_oid);
        tables.extend(table.map(|t| snapshot.root_of(t).oid));
    }
    let queries = decision.workload.queries.iter().enumerate();
    let reads = queries.filter(|(_, q)| {
        let relations = &q.shape.relations;
        relations.iter().any(|r| tables.contains(&r.table_oid))
    });
    reads.map(|(number, _)| number).collect()
}

/// Indexes as plans name them, by (table, index), with those of partitions. Plans have no schemas: where a statement reads two
/// tables of one name, with indexes of one name, it counts as reading both.
#[derive(Debug)]
pub struct Named<'a>(BTreeSet<(&'a str, &'a str)>);

impl<'a> Named<'a> {
    /// These indexes.
    #[must_use]
    pub fn new(indexes: &[&Index], snapshot: &'a Snapshot) -> Self {
        let mut family: BTreeSet<u32> = indexes.iter().map(|i| i.oid).collect();
        loop {
            let known = family.len();
            for index in &snapshot.indexes {
                if index.parent_oid.is_some_and(|p| family.contains(&p)) {
                    family.insert(index.oid);
                }
            }
            if family.len() == known {
                break;
            }
        }
        let members = snapshot.indexes.iter().filter(|i| family.contains(&i.oid));
        let named = members.map(|i| (i.definition.table.name.as_str(), i.name.as_str()));
        Self(named.collect())
    }

    /// Whether one of its plans reads one of them. Without them one that does not stays what it is.
    #[must_use]
    pub fn are_read_by(&self, cost: &Cost) -> bool {
        let mut plans = cost.plans();
        plans.any(|(_, plan)| self.are_read_below(plan, None))
    }

    /// Of a bitmap's index the table is named `above`.
    fn are_read_below(&self, node: &Plan, above: Option<&str>) -> bool {
        let table = node.relation_name.as_deref().or(above);
        let read = |(of, name): &(&str, &str)| {
            node.index_name.as_deref() == Some(*name) && table.is_none_or(|table| table == *of)
        };
        let mut children = node.plans.iter();
        self.0.iter().any(read) || children.any(|child| self.are_read_below(child, table))
    }
}

/// Puts the evidence into the drops, takes back those that cost more than they save, and lets new indexes replace what would
/// not be missed. `compared` has every query that reads one of the tables, with what it costs or why that is not known.
pub fn judge(
    decision: &Decision<'_>,
    recommendations: &mut Vec<Recommendation>,
    compared: &BTreeMap<usize, Result<Compared, String>>,
) {
    let indexes = listed(decision, recommendations);
    recommendations.retain_mut(|recommendation| {
        let of_it = |i: &&&Index| i.qualified() == recommendation.index;
        let Some(index) = indexes.iter().find(of_it) else {
            return true;
        };
        Verdict::of(decision, index, compared).tell(decision, recommendation)
    });
    let mut settled: BTreeSet<u32> = indexes.iter().map(|i| i.oid).collect();
    for new in recommendations {
        for old in superseded(new, decision.snapshot) {
            if !settled.insert(old.oid) {
                continue;
            }
            let verdict = Verdict::of(decision, old, compared);
            match verdict.unasked().as_slice() {
                [] => verdict.settle(decision, new, old, compared),
                unasked => {
                    let unasked = unasked.join("; ");
                    let why = format!("whether statements would miss it was not checked {unasked}");
                    keep(new, old, &why);
                }
            }
        }
    }
}

/// What is known of one index.
pub(super) struct Verdict {
    /// Queries that read its table and could be asked about.
    readers: usize,
    /// How many could not, by the reason.
    unasked: BTreeMap<String, usize>,
    /// Queries whose plan uses it.
    pub(super) users: usize,
    /// Those that cost more without it, most time lost first, and the factor.
    dearer: Vec<(f64, f64, Helped)>,
    /// Cost of all users, before and after, calls counted.
    pub(super) costs: (f64, f64),
}

impl Verdict {
    pub(super) fn of(
        decision: &Decision<'_>,
        index: &Index,
        compared: &BTreeMap<usize, Result<Compared, String>>,
    ) -> Self {
        let mut verdict = Self {
            readers: 0,
            unasked: BTreeMap::new(),
            users: 0,
            dearer: Vec::new(),
            costs: (0.0, 0.0),
        };
        let named = Named::new(&[index], decision.snapshot);
        for query in readers(decision, &[index]) {
            let Compared { with, without } = match compared.get(&query) {
                Some(Ok(compared)) => compared,
                Some(Err(why)) => {
                    *verdict.unasked.entry(why.clone()).or_default() += 1;
                    continue;
                }
                None => continue,
            };
            verdict.readers += 1;
            if !named.are_read_by(with) {
                continue;
            }
            verdict.users += 1;
            let calls = decision.workload.queries[query].calls;
            verdict.costs.0 += calls * with.total;
            verdict.costs.1 += calls * without.total;
            let factor = without.total / with.total.max(f64::MIN_POSITIVE);
            if factor > SAME {
                let ms = decision.workload.queries[query].total_ms.unwrap_or(0.0);
                let plans = (with.outline(), without.outline());
                let helped =
                    decision.evidence(query, (with.total, plans.0), (without.total, plans.1));
                verdict.dearer.push((ms * (factor - 1.0), factor, helped));
            }
        }
        verdict.dearer.sort_by(|a, b| {
            let by_factor = || b.1.total_cmp(&a.1);
            b.0.total_cmp(&a.0).then_with(by_factor)
        });
        verdict
    }

    /// Lets a new index replace this one, or says why it stays.
    fn settle(
        self,
        decision: &Decision<'_>,
        new: &mut Recommendation,
        old: &Index,
        compared: &BTreeMap<usize, Result<Compared, String>>,
    ) {
        let bytes = old.relpages * 8192.0;
        let writes = price(&old.definition, bytes, decision.snapshot, decision.workload);
        if !self.is_bearable(decision, writes.ms_per_day) {
            let would = self.would_cost(&new.definition.table);
            keep(new, old, &would);
            return;
        }
        replace(new, old, decision.snapshot, decision.workload);
        let told = self.told(&new.definition.table);
        new.risk = format!("{}; without {}: {told}", new.risk, old.qualified());
        let old = Named::new(&[old], decision.snapshot);
        for (query, answer) in compared {
            let Ok(Compared { with, without }) = answer else {
                continue;
            };
            let fingerprint = decision.workload.queries[*query].fingerprint;
            let fingerprint = format!("{fingerprint:016x}");
            let same = |s: &&mut Helped| s.fingerprint == fingerprint;
            let changed = old.are_read_by(with);
            if let Some(helped) = new.statements.iter_mut().find(same).filter(|_| changed) {
                helped.cost_after = without.total;
                helped.plan_after = named(&without.outline());
            }
        }
    }

    /// "for 3 statements: the server is busy", for each reason for which some could not be asked about.
    fn unasked(&self) -> Vec<String> {
        let unasked = self.unasked.iter();
        unasked.map(|(why, n)| unasked_for(*n, why)).collect()
    }

    /// Time that statements lose by planner cost, ms, over the time in which they were counted.
    pub(super) fn lost_ms(&self) -> f64 {
        self.dearer.iter().map(|(ms, ..)| ms).sum()
    }

    /// Whether a statement gets so much slower that somebody would notice, however rare it is.
    pub(super) fn is_missed(&self) -> bool {
        self.dearest() > MUCH_DEARER
    }

    /// What statements of its table have to do with it.
    pub(super) fn told(&self, table: &QualifiedName) -> String {
        match (self.readers, self.dearer.len()) {
            (0, _) => format!("no analysed statement reads {table}"),
            (_, 0) => self.at_the_same_cost(table),
            _ => self.would_cost(table),
        }
    }

    /// By how much a statement costs more at most, as a factor.
    fn dearest(&self) -> f64 {
        self.dearer.iter().map(|d| d.1).fold(1.0, f64::max)
    }

    /// "of 3 analysed statements on t 1 would cost more without it, 30 % at most".
    fn would_cost(&self, table: &QualifiedName) -> String {
        let (readers, dearer) = (self.readers, self.dearer.len());
        let most = Percent(self.dearest() - 1.0);
        format!(
            "of {readers} analysed statements on {table} {dearer} would cost more without it, {most} at most"
        )
    }

    /// "of 3 analysed statements on t 1 can use it, at the same cost without it".
    fn at_the_same_cost(&self, table: &QualifiedName) -> String {
        let (readers, users) = (self.readers, self.users);
        let analysed = format!("of {readers} analysed statements on {table}");
        match users {
            0 => format!("{analysed} none uses it"),
            _ => format!("{analysed} {users} can use it, at the same cost without it"),
        }
    }

    /// Writes it down; whether the advice stands.
    fn tell(self, decision: &Decision<'_>, recommendation: &mut Recommendation) -> bool {
        if !self.is_bearable(decision, recommendation.benefit.write_ms_per_day) {
            return false;
        }
        let table = &recommendation.definition.table;
        let (readers, dearer) = (self.readers, self.dearer.len());
        let unasked = self.unasked();
        recommendation.risk = match (readers, dearer) {
            (0, _) if !unasked.is_empty() => recommendation.risk.clone(),
            (0, _) => format!(
                "{}; no analysed statement reads {table}",
                recommendation.risk
            ),
            (_, 0) => format!("none seen: {}", self.at_the_same_cost(table)),
            _ => self.would_cost(table),
        };
        for unasked in &unasked {
            let _ = write!(recommendation.risk, "; not checked {unasked}");
        }
        let all_asked = readers > 0 && unasked.is_empty();
        if all_asked && decision.source != Source::Estimate && dearer == 0 {
            recommendation.confidence = Confidence::High;
            recommendation.confidence_reason =
                format!("the planner was asked: {readers} statements cost no more without it");
        }
        recommendation.benefit.cost_before = self.costs.0;
        recommendation.benefit.cost_after = self.costs.1;
        recommendation.statements = self.dearer.into_iter().map(|d| d.2).collect();
        true
    }

    /// Whether what is lost is less than the writes save, or next to nothing.
    fn is_bearable(&self, decision: &Decision<'_>, write_ms: Option<f64>) -> bool {
        let dearest = self.dearest();
        let coverage = &decision.workload.coverage;
        if !coverage.timed {
            return dearest <= DEAREST;
        }
        let lost = self.lost_ms();
        let saved = write_ms.map_or(0.0, f64::abs) * decision.days.unwrap_or(0.0);
        !self.is_missed() && lost <= saved.max(LITTLE_LOAD * coverage.analysed_total)
    }
}

/// "for 3 statements: the server is busy".
fn unasked_for(count: usize, why: &str) -> String {
    let noun = if count == 1 {
        "statement"
    } else {
        "statements"
    };
    format!("for {count} {noun}: {why}")
}

#[cfg(test)]
mod tests;
