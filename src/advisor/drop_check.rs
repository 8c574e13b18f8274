//! What the workload would cost without the indexes that are about to be dropped: the planner's word on what the catalog says
//! is superfluous. Advice that it disproves is taken back.

use std::collections::{BTreeMap, BTreeSet};

use crate::advisor::recommend::Decision;
use crate::advisor::recommendation::{Action, Confidence, Helped, Recommendation};
use crate::model::index::Index;
use crate::model::unit::Percent;
use crate::model::whatif::{Cost, Source};

/// A cost that differs by less is the same: a wider index has a few more pages.
const SAME: f64 = 1.01;
/// Without times, no statement may get dearer than by this.
const DEAREST: f64 = 1.1;
/// With times neither, however rare it is.
const MUCH_DEARER: f64 = 1.5;
/// Share of the load that may be lost for the room on disk alone: what an index has to save to be advised.
const LITTLE_LOAD: f64 = 0.001;

/// A query that the dropped indexes could matter to, with the advised indexes in place.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// With the indexes that are to be dropped.
    pub with: Cost,
    /// Without any of them.
    pub without: Cost,
}

/// The indexes that these recommendations drop.
#[must_use]
pub fn dropped<'a>(decision: &Decision<'a>, recommendations: &[Recommendation]) -> Vec<&'a Index> {
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

/// Whether one of its plans reads one of these indexes. Without them one that does not stays what it is.
#[must_use]
pub fn uses(cost: &Cost, indexes: &[&Index]) -> bool {
    let mut found = false;
    for (_, plan) in cost.plans() {
        plan.visit(&mut |node| {
            let named = |i: &&Index| node.index_name.as_ref() == Some(&i.name);
            found |= indexes.iter().any(named);
        });
    }
    found
}

/// Puts the evidence into the drops, and takes back those that cost more than they save. `compared` has every query that was
/// asked about; `unasked` says why some were not.
pub fn judge(
    decision: &Decision<'_>,
    recommendations: &mut Vec<Recommendation>,
    compared: &BTreeMap<usize, Compared>,
    unasked: Option<&str>,
) {
    let indexes = dropped(decision, recommendations);
    recommendations.retain_mut(|recommendation| {
        let of_it = |i: &&&Index| i.qualified() == recommendation.index;
        let Some(index) = indexes.iter().find(of_it) else {
            return true;
        };
        match unasked {
            Some(why) => {
                recommendation.risk = format!("{}; not checked: {why}", recommendation.risk);
                true
            }
            None => Verdict::of(decision, index, compared).tell(decision, recommendation),
        }
    });
}

/// What is known of one index.
struct Verdict {
    /// Queries that read its table.
    readers: usize,
    /// Queries whose plan uses it.
    users: usize,
    /// Those that cost more without it, most time lost first, and the factor.
    dearer: Vec<(f64, f64, Helped)>,
    /// Cost of all users, before and after, calls counted.
    costs: (f64, f64),
}

impl Verdict {
    fn of(decision: &Decision<'_>, index: &Index, compared: &BTreeMap<usize, Compared>) -> Self {
        let mut verdict = Self {
            readers: 0,
            users: 0,
            dearer: Vec::new(),
            costs: (0.0, 0.0),
        };
        for query in readers(decision, &[index]) {
            let Some(Compared { with, without }) = compared.get(&query) else {
                continue;
            };
            verdict.readers += 1;
            if !uses(with, &[index]) {
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

    /// Writes it down; whether the advice stands.
    fn tell(self, decision: &Decision<'_>, recommendation: &mut Recommendation) -> bool {
        let dearest = self.dearer.iter().map(|d| d.1).fold(1.0, f64::max);
        if !self.is_bearable(decision, dearest, recommendation.benefit.write_ms_per_day) {
            return false;
        }
        let table = &recommendation.definition.table;
        let (readers, users, dearer) = (self.readers, self.users, self.dearer.len());
        let analysed = format!("of {readers} analysed statements on {table}");
        recommendation.risk = match (readers, users, dearer) {
            (0, ..) => format!(
                "{}; no analysed statement reads {table}",
                recommendation.risk
            ),
            (_, 0, _) => format!("none seen: {analysed} none uses it"),
            (_, _, 0) => {
                format!("none seen: {analysed} {users} can use it, at the same cost without it")
            }
            _ => format!(
                "{analysed} {dearer} would cost more without it, {} at most",
                Percent(dearest - 1.0)
            ),
        };
        if readers > 0 && decision.source != Source::Estimate && dearer == 0 {
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
    fn is_bearable(&self, decision: &Decision<'_>, dearest: f64, write_ms: Option<f64>) -> bool {
        let coverage = &decision.workload.coverage;
        if !coverage.timed {
            return dearest <= DEAREST;
        }
        let lost: f64 = self.dearer.iter().map(|(ms, ..)| ms).sum();
        let saved = write_ms.map_or(0.0, f64::abs) * decision.days.unwrap_or(0.0);
        dearest <= MUCH_DEARER && lost <= saved.max(LITTLE_LOAD * coverage.analysed_total)
    }
}
