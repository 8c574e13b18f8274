//! The rules, in one list.

mod autovacuum_off;
mod between_timestamp;
mod bitmap_and;
mod bitmap_lossy;
mod bloated_index;
mod bloated_table;
mod cache_candidate;
mod cartesian;
mod catch_all_parameter;
mod checkpoint_spread;
mod checkpoints_requested;
mod checksum_failures;
mod collation_changed;
mod connection_churn;
mod connections_near_limit;
mod constraint_not_valid;
mod count_for_existence;
mod count_star;
mod cte_fence;
mod deadlocks;
mod default_partition_filled;
mod disabled_node;
mod distinct_fanout;
mod distinct_group_by;
mod distinct_join;
mod duplicate_index;
mod effective_cache_size;
mod end_of_life;
mod eq_null;
mod for_update_no_limit;
mod foreign_key_no_index;
mod foreign_key_types;
mod foreign_local_filter;
mod function_on_column;
mod function_rows;
mod hash_batches;
mod hashagg_disk;
mod heap_fetches;
mod hot_updates;
mod huge_in_list;
mod idle_in_transaction;
mod implicit_cast;
mod index_filter_waste;
mod insert_no_columns;
mod invalid_index;
mod jit_overhead;
mod json_filter;
mod leading_wildcard;
mod like_leading;
mod limit_without_order;
mod lock_rows;
mod long_transaction;
mod many_index_searches;
mod many_joins;
mod many_partitions;
mod many_rows_returned;
mod matview_candidate;
mod matview_no_unique_index;
mod memoize_poor;
mod memory_overcommitted;
mod missing_primary_key;
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
mod partition_candidate;
mod partition_no_pruning;
mod pending_restart;
mod planning_time;
mod prepared_transaction;
mod random_page_cost;
mod read_efficiency_idx;
mod read_efficiency_seq;
mod recheck_waste;
mod recursive_runaway;
mod redundant_index;
mod redundant_statement;
mod replication_slot;
mod rollbacks;
mod row_misestimate;
mod scalar_subquery_in_select;
mod select_star;
mod seq_scan_in_loop;
mod seq_scan_selective;
mod sequence_exhaustion;
mod shared_buffers;
mod sort_disk;
mod sort_topn_large;
mod stale_statistics;
mod standby_lag;
mod storage_disk;
mod subplan_correlated;
mod temp_files;
mod timeouts_unset;
mod trigger_time;
mod union_vs_all;
mod unjoined_relations;
mod unlogged_table;
mod unsafe_settings;
mod unused_index;
mod update_delete_no_where;
mod vacuum_lag;
mod window_limit;
mod workers_not_launched;
mod wraparound;
mod write_loop;
mod writes_in_select;

use crate::audit::finding::{Finding, Fix, Severity, severity};
use crate::audit::load;
use crate::audit::partitions::together;
use crate::audit::text::Text;
use crate::audit::view::View;
use crate::model::snapshot::Snapshot;
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
    /// A database: its schema, its statistics, the settings and counters of its server.
    Database(fn(&Snapshot) -> Vec<DatabaseHit>),
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

/// Where a rule applies to a database. The rule says how much it matters, for what is at stake is not a statement's time.
#[derive(Debug, Clone, PartialEq)]
pub struct DatabaseHit {
    /// What it is about: a table, an index, a setting, a session.
    pub object: String,
    /// How much it matters.
    pub severity: Severity,
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
    &many_rows_returned::RULE,
    &for_update_no_limit::RULE,
    &update_delete_no_where::RULE,
    &insert_no_columns::RULE,
    &cache_candidate::RULE,
    &matview_candidate::RULE,
    &n_plus_one::RULE,
    &write_loop::RULE,
    &redundant_statement::RULE,
    &wraparound::RULE,
    &checksum_failures::RULE,
    &collation_changed::RULE,
    &unsafe_settings::RULE,
    &autovacuum_off::RULE,
    &sequence_exhaustion::RULE,
    &connections_near_limit::RULE,
    &idle_in_transaction::RULE,
    &long_transaction::RULE,
    &prepared_transaction::RULE,
    &replication_slot::RULE,
    &standby_lag::RULE,
    &vacuum_lag::RULE,
    &bloated_table::RULE,
    &bloated_index::RULE,
    &stale_statistics::RULE,
    &invalid_index::RULE,
    &duplicate_index::RULE,
    &redundant_index::RULE,
    &unused_index::RULE,
    &foreign_key_no_index::RULE,
    &foreign_key_types::RULE,
    &constraint_not_valid::RULE,
    &missing_primary_key::RULE,
    &default_partition_filled::RULE,
    &many_partitions::RULE,
    &partition_candidate::RULE,
    &matview_no_unique_index::RULE,
    &unlogged_table::RULE,
    &hot_updates::RULE,
    &shared_buffers::RULE,
    &effective_cache_size::RULE,
    &random_page_cost::RULE,
    &temp_files::RULE,
    &memory_overcommitted::RULE,
    &checkpoints_requested::RULE,
    &checkpoint_spread::RULE,
    &connection_churn::RULE,
    &deadlocks::RULE,
    &rollbacks::RULE,
    &timeouts_unset::RULE,
    &pending_restart::RULE,
    &end_of_life::RULE,
];

/// The rule of an identifier.
#[must_use]
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id).copied()
}

/// Rules that say why a scan throws away what it reads: where one does, [`seq_scan_selective`], which only says that it does, is silent.
const CAUSES: &[&str] = &["non-sargable", "like-leading"];

/// Leaves out what another finding says better of the same node.
fn tell_once(findings: &mut Vec<Finding>) {
    let causes = findings.iter().filter(|f| CAUSES.contains(&f.rule));
    let explained: Vec<Option<usize>> = causes.map(|f| f.node).collect();
    findings.retain(|f| f.rule != seq_scan_selective::RULE.id || !explained.contains(&f.node));
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
    tell_once(&mut findings);
    let mut findings = together(view, findings);
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
            let by_cost = load::severity(text.cost.share);
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

/// What the rules about databases find in one, what matters most first.
#[must_use]
pub fn of_database(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in RULES {
        let Check::Database(check) = rule.check else {
            continue;
        };
        findings.extend(check(snapshot).into_iter().map(|hit| Finding {
            rule: rule.id,
            severity: hit.severity,
            title: rule.title.to_owned(),
            object: hit.object,
            node: None,
            evidence: hit.evidence,
            fix: hit.fix,
            share: 0.0,
        }));
    }
    // Within a severity the order of the rules and, within a rule, its own.
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
