//! Prepared statements: whether the server would settle on a generic plan, made without any values, that leaves an advised
//! index aside.
//!
//! What-if questions are asked with the values that a statement usually has. A prepared statement is planned with its values five
//! times; from then on `PostgreSQL` keeps a generic plan if that costs less than the plans with values did on average, planning
//! them included (`choose_custom_plan` and `cached_plan_cost` in `plancache.c`).

use std::collections::{BTreeMap, BTreeSet};

use crate::advisor::recommend::{Decision, named};
use crate::advisor::recommendation::{Confidence, Generic, Helped, Recommendation};
use crate::model::snapshot::Snapshot;
use crate::model::whatif::Cost;
use crate::query::workload::Query;

/// What planning is charged once and for each relation, in units of `cpu_operator_cost` (`cached_plan_cost`).
const PLANNING: f64 = 1000.0;

/// Queries, by position, that an advised index helps with their usual values put in, so that their generic plan may be another.
#[must_use]
pub fn asked_with_values(
    decision: &Decision<'_>,
    recommendations: &[Recommendation],
) -> BTreeSet<usize> {
    let helped = recommendations.iter().flat_map(|r| &r.statements);
    let with_values = |q: &usize| {
        let query = &decision.workload.queries[*q];
        query.parameters > 0 && query.ways().any(|(_, usual, _)| usual.text != query.text)
    };
    helped.map(|h| h.position).filter(with_values).collect()
}

/// Notes at each statement of an advised index that its generic plan, which `generic` has for queries with the indexes `chosen` in
/// place, would be kept and does not use that index.
pub fn judge(
    decision: &Decision<'_>,
    recommendations: &mut [Recommendation],
    chosen: &[usize],
    generic: &BTreeMap<usize, Cost>,
) {
    let mut all = chosen.to_vec();
    all.sort_unstable();
    for recommendation in recommendations {
        let is_it = |&i: &usize| {
            let candidate = decision.candidates.indexes.get(chosen[i]);
            candidate.is_some_and(|c| c.definition == recommendation.definition)
        };
        let mut noted = false;
        for helped in &mut recommendation.statements {
            let Some(plan) = generic.get(&helped.position) else {
                continue;
            };
            let query = &decision.workload.queries[helped.position];
            let custom = decision.cost(helped.position, &all);
            let kept = custom.is_some_and(|c| is_kept(plan.total, c, query, decision.snapshot));
            if kept && !plan.used.iter().any(is_it) {
                helped.generic = Some(Generic {
                    cost: plan.total,
                    plan: named(&plan.outline()),
                });
                noted = true;
            }
        }
        if noted {
            doubt(recommendation);
        }
    }
}

/// Whether the server would keep a generic plan of this cost where plans with values cost `custom` on average.
fn is_kept(generic: f64, custom: f64, query: &Query, snapshot: &Snapshot) -> bool {
    let relations = u32::try_from(query.shape.relations.len()).unwrap_or(u32::MAX);
    let operator = snapshot.server.number("cpu_operator_cost", 0.0025);
    generic < custom + PLANNING * operator * (f64::from(relations) + 1.0)
}

/// Says that it may not be used; where that is true of all its statements, it is not sure.
fn doubt(recommendation: &mut Recommendation) {
    let all = recommendation.statements.len();
    let unsure = |h: &&Helped| h.generic.is_some();
    let noted = recommendation.statements.iter().filter(unsure).count();
    let of_them = if noted == all {
        recommendation.confidence = recommendation.confidence.min(Confidence::Medium);
        String::new()
    } else {
        format!(" of {noted} of {all} statements")
    };
    let reason = &mut recommendation.confidence_reason;
    reason.push_str("; a generic plan");
    reason.push_str(&of_them);
    reason.push_str(" would not use it");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisor::build::Names;
    use crate::advisor::candidates::{CandidateOptions, candidates};
    use crate::advisor::recommend::recommend;
    use crate::advisor::search::{Search, SearchOptions};
    use crate::advisor::usual::assume_values;
    use crate::advisor::write_cost::write_cost;
    use crate::model::whatif::Source;
    use crate::query::testing::{catalog, with_statements};
    use crate::query::workload::{WorkloadOptions, workload};

    /// What is told of an index that brings two statements from 100 to 10, of which only the first was asked with values, when
    /// its generic plan costs so much and uses the index or not: the last reason of the confidence, and the statements with a note.
    fn told(generic: f64, uses: bool) -> (String, String) {
        // Without its page the second has nothing that values could be put in for.
        let rows = [
            ("SELECT b FROM t WHERE a = $1 LIMIT $2", 10, 1000.0),
            ("SELECT a FROM t WHERE a = $1", 10, 1000.0),
        ];
        let snapshot = with_statements(
            catalog("create table t (a int, b int); -- rows=100000 pages=1000"),
            &rows,
        );
        let mut workload = workload(&snapshot, &WorkloadOptions::default());
        assume_values(&mut workload, &snapshot);
        let candidates = candidates(&workload, &snapshot, &CandidateOptions::default());
        let load = vec![1000.0; 2];
        let prices = vec![0.0; candidates.indexes.len()];
        let mut search = Search::new(
            &candidates,
            &load,
            true,
            &prices,
            SearchOptions::unlimited(),
        );
        while let Some(probes) = search.probes() {
            for probe in probes {
                let with = probe.configuration.is_empty();
                let cost = Cost {
                    total: if with { 100.0 } else { 10.0 },
                    used: (!with).then_some(0).into_iter().collect(),
                    ..Cost::default()
                };
                search.observe(&probe, Ok(&cost));
            }
        }
        let choice = search.choice();
        let indexes = candidates.indexes.iter();
        let write_costs: Vec<_> = (indexes.map(|i| write_cost(i, &snapshot, &workload))).collect();
        let decision = Decision {
            snapshot: &snapshot,
            workload: &workload,
            candidates: &candidates,
            search: &search,
            write_costs: &write_costs,
            source: Source::Clone,
            days: None,
        };
        let mut advice = recommend(&decision, &choice, &mut Names::new(&snapshot));
        assert_eq!(advice.len(), 1);
        let mut queries = workload.queries.iter();
        let paged = queries.position(|q| q.text.contains("LIMIT")).unwrap();
        let asked = asked_with_values(&decision, &advice);
        assert_eq!(asked, BTreeSet::from([paged]));
        let plan = Cost {
            total: generic,
            used: uses.then_some(0).into_iter().collect(),
            ..Cost::default()
        };
        let answers = BTreeMap::from([(paged, plan)]);
        judge(&decision, &mut advice, &choice.indexes, &answers);
        let advice = advice.remove(0);
        let reason = advice.confidence_reason.split("; ").last().unwrap();
        let statements = advice.statements.iter();
        let noted = statements.filter(|s| s.generic.is_some());
        let noted: Vec<&str> = noted.map(|s| s.query.as_str()).collect();
        (reason.to_owned(), noted.join(", "))
    }

    #[test]
    fn a_generic_plan_that_would_be_kept_without_the_index_is_told() {
        // Planning is charged 2.5 for the statement and for its table.
        let (reason, noted) = told(14.9, false);
        assert_eq!(
            reason,
            "a generic plan of 1 of 2 statements would not use it"
        );
        assert_eq!(noted, "SELECT b FROM t WHERE a = $1 LIMIT $2");
        for (generic, uses) in [(15.1, false), (14.9, true)] {
            let (reason, noted) = told(generic, uses);
            assert!(!reason.contains("generic"), "{generic} {uses}: {reason}");
            assert_eq!(noted, "", "{generic} {uses}");
        }
    }
}
