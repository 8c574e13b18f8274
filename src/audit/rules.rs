//! The rules, in one list.

mod cartesian;
mod disabled_node;
mod distinct_fanout;
mod foreign_local_filter;
mod function_rows;
mod heap_fetches;
mod jit_overhead;
mod like_leading;
mod lock_rows;
mod memoize_poor;
mod nestloop_misestimate;
mod nestloop_no_index;
mod non_sargable;
mod not_in_subplan;
mod on_conflict_churn;
mod or_no_bitmap;
mod parallel_skew;
mod partition_no_pruning;
mod planning_time;
mod recursive_runaway;
mod row_misestimate;
mod seq_scan_selective;
mod sort_disk;
mod subplan_correlated;
mod trigger_time;
mod window_limit;
mod workers_not_launched;
mod writes_in_select;

use crate::audit::finding::{Finding, Fix, Severity, severity};
use crate::audit::view::View;

/// One rule.
pub struct Rule {
    /// Its identifier, in kebab case; it is stable.
    pub id: &'static str,
    /// One sentence without figures that says what is wrong.
    pub title: &'static str,
    /// Its page for people: what it is, how it is told, what to do, when it is all right.
    pub page: &'static str,
    /// How it is told.
    pub check: Check,
}

/// What a rule looks at.
#[derive(Clone, Copy)]
pub enum Check {
    /// A plan, executed or not.
    Plan(fn(&View<'_>) -> Vec<Hit>),
}

/// Where a rule applies, before it is known how much that matters.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The node of the plan.
    pub node: usize,
    /// Share of the statement's time (or cost) that is at stake.
    pub share: f64,
    /// The least severity: what is harmful whatever it costs.
    pub least: Severity,
    /// The figures, a sentence each.
    pub evidence: Vec<String>,
    /// What to do.
    pub fix: Fix,
}

/// All of them, those about one thing together.
pub const RULES: &[&Rule] = &[
    &seq_scan_selective::RULE,
    &heap_fetches::RULE,
    &sort_disk::RULE,
    &non_sargable::RULE,
    &like_leading::RULE,
    &or_no_bitmap::RULE,
    &row_misestimate::RULE,
    &nestloop_misestimate::RULE,
    &function_rows::RULE,
    &nestloop_no_index::RULE,
    &cartesian::RULE,
    &subplan_correlated::RULE,
    &not_in_subplan::RULE,
    &memoize_poor::RULE,
    &partition_no_pruning::RULE,
    &trigger_time::RULE,
    &jit_overhead::RULE,
    &planning_time::RULE,
    &workers_not_launched::RULE,
    &parallel_skew::RULE,
    &distinct_fanout::RULE,
    &window_limit::RULE,
    &lock_rows::RULE,
    &on_conflict_churn::RULE,
    &recursive_runaway::RULE,
    &foreign_local_filter::RULE,
    &disabled_node::RULE,
    &writes_in_select::RULE,
];

/// The rule of an identifier.
#[must_use]
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id).copied()
}

/// What the rules about plans find in one, what matters most first.
#[must_use]
pub fn of_plan(view: &View<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in RULES {
        let Check::Plan(check) = rule.check;
        findings.extend(check(view).into_iter().map(|hit| Finding {
            rule: rule.id,
            severity: severity(hit.share).max(hit.least),
            title: rule.title.to_owned(),
            object: view.name(hit.node),
            node: Some(hit.node),
            evidence: hit.evidence,
            fix: hit.fix,
            share: hit.share,
        }));
    }
    findings.sort_by(|a, b| {
        (b.severity.cmp(&a.severity))
            .then(b.share.total_cmp(&a.share))
            .then(a.node.cmp(&b.node))
    });
    findings
}
