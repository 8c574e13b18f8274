//! The rules, in one list.

mod between_timestamp;
mod bitmap_and;
mod bitmap_lossy;
mod cartesian;
mod catch_all_parameter;
mod count_for_existence;
mod count_star;
mod cte_fence;
mod disabled_node;
mod distinct_fanout;
mod distinct_group_by;
mod distinct_join;
mod eq_null;
mod for_update_no_limit;
mod foreign_local_filter;
mod function_on_column;
mod function_rows;
mod hash_batches;
mod hashagg_disk;
mod heap_fetches;
mod huge_in_list;
mod implicit_cast;
mod index_filter_waste;
mod insert_no_columns;
mod jit_overhead;
mod json_filter;
mod leading_wildcard;
mod like_leading;
mod limit_without_order;
mod lock_rows;
mod many_index_searches;
mod many_joins;
mod memoize_poor;
mod n_plus_one;
mod nestloop_misestimate;
mod nestloop_no_index;
mod non_sargable;
mod not_in_subplan;
mod not_in_subquery;
mod offset_pagination;
mod offset_waste;
mod on_conflict_churn;
mod or_different_columns;
mod or_no_bitmap;
mod order_by_random;
mod ordered_scan_trap;
mod parallel_skew;
mod partition_no_pruning;
mod planning_time;
mod read_efficiency_idx;
mod read_efficiency_seq;
mod recheck_waste;
mod recursive_runaway;
mod redundant_statement;
mod row_misestimate;
mod scalar_subquery_in_select;
mod select_star;
mod seq_scan_in_loop;
mod seq_scan_selective;
mod sort_disk;
mod sort_topn_large;
mod storage_disk;
mod subplan_correlated;
mod trigger_time;
mod union_vs_all;
mod unjoined_relations;
mod update_delete_no_where;
mod window_limit;
mod workers_not_launched;
mod write_loop;
mod writes_in_select;

use crate::audit::finding::{Finding, Fix, Severity, severity};
use crate::audit::text::Text;
use crate::audit::view::View;
use crate::model::unit::{Count, Millis, Percent};
use crate::query::n_plus_one::NPlusOne;

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
    /// The text of a statement.
    Sql(fn(&Text<'_>) -> Vec<TextHit>),
    /// What statements do one after another: what to do about it, if the rule is about that.
    Repeated(fn(&NPlusOne) -> Option<Fix>),
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

/// Where a rule applies to a text, before it is known how much that matters.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TextHit {
    /// What it is about: a table, a column, a part of the statement.
    pub object: String,
    /// Whether statistics say that it costs something here; if not, it is worth knowing at most.
    pub confirmed: bool,
    /// The least severity: what is wrong whatever it costs.
    pub least: Severity,
    /// The figures, a sentence each.
    pub evidence: Vec<String>,
    /// What to do.
    pub fix: Fix,
}

/// All of them, those about one thing together.
pub const RULES: &[&Rule] = &[
    &seq_scan_selective::RULE,
    &seq_scan_in_loop::RULE,
    &index_filter_waste::RULE,
    &ordered_scan_trap::RULE,
    &many_index_searches::RULE,
    &bitmap_and::RULE,
    &bitmap_lossy::RULE,
    &recheck_waste::RULE,
    &heap_fetches::RULE,
    &read_efficiency_seq::RULE,
    &read_efficiency_idx::RULE,
    &offset_waste::RULE,
    &sort_topn_large::RULE,
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
    &hash_batches::RULE,
    &hashagg_disk::RULE,
    &storage_disk::RULE,
    &cte_fence::RULE,
    &count_star::RULE,
    &offset_pagination::RULE,
    &limit_without_order::RULE,
    &order_by_random::RULE,
    &function_on_column::RULE,
    &implicit_cast::RULE,
    &leading_wildcard::RULE,
    &json_filter::RULE,
    &or_different_columns::RULE,
    &catch_all_parameter::RULE,
    &huge_in_list::RULE,
    &not_in_subquery::RULE,
    &eq_null::RULE,
    &between_timestamp::RULE,
    &count_for_existence::RULE,
    &scalar_subquery_in_select::RULE,
    &unjoined_relations::RULE,
    &many_joins::RULE,
    &distinct_join::RULE,
    &distinct_group_by::RULE,
    &union_vs_all::RULE,
    &select_star::RULE,
    &for_update_no_limit::RULE,
    &update_delete_no_where::RULE,
    &insert_no_columns::RULE,
    &n_plus_one::RULE,
    &write_loop::RULE,
    &redundant_statement::RULE,
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
        let Check::Plan(check) = rule.check else {
            continue;
        };
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

/// What the rules about texts find in one, what matters most first.
#[must_use]
pub fn of_text(text: &Text<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in RULES {
        let Check::Sql(check) = rule.check else {
            continue;
        };
        findings.extend(check(text).into_iter().map(|hit| {
            let by_cost = severity(text.cost.share);
            let most = if hit.confirmed {
                by_cost
            } else {
                by_cost.min(Severity::Low)
            };
            Finding {
                rule: rule.id,
                severity: most.max(hit.least),
                title: rule.title.to_owned(),
                object: hit.object,
                node: None,
                evidence: hit.evidence.into_iter().chain(cost(text)).collect(),
                fix: hit.fix,
                share: text.cost.share,
            }
        }));
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

/// What the statement costs, as evidence.
fn cost(text: &Text<'_>) -> Option<String> {
    let cost = &text.cost;
    let calls = cost.calls.map(|calls| format!("{} calls", Count(calls)));
    let mean = cost.mean_ms.map(|ms| format!("{} each", Millis(ms)));
    let share = (cost.share > 0.0).then(|| format!("{} of the load", Percent(cost.share)));
    let parts: Vec<String> = [calls, mean, share].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}
