//! The report for programs: one JSON object.
//!
//! ```text
//! schema_version   number; raised when a field changes its meaning or goes away, new fields may come at any time
//! tool             {name, version}
//! target           {database, server_version, taken_at, snapshot?, statements_window_s}
//! planner          {source: hypopg|clone|estimate, why, probes, calibration} or null when no what-if question was asked
//! outcome          advice | nothing_to_advise | nothing_to_advise_in_part | no_statements | could_not_look:
//!                  an empty list of recommendations means "nothing found" only with nothing_to_advise
//! coverage         {statements, analysed, by_plan?, total, analysed_total, timed, share, skipped: [{reason, statements, total_ms,
//!                  harmless, example}]}; total is ms when timed, else executions; by_plan of the analysed have SQL that is not
//!                  understood, and were read off their plans
//! gaps             [{part, what, effect?, close?: [command], count?}]
//! recommendations  [{action: create|replace|drop|reindex|analyze|statistics|set, ddl, undo_ddl, schema, table, index, method, columns, keys,
//!                  include, predicate, unique, size_bytes, replaces?: [{schema, index, size_bytes, write_ms_per_day}],
//!                  net_size_bytes?, benefit: {cost_before, cost_after, ms_per_day_saved,
//!                  write_ms_per_day, load_share_saved}, statements: [{queryid, queryids, fingerprint, query, line?, calls,
//!                  mean_ms, cost_before, cost_after, plan_before, plan_after, assumed?: [{column, share, generic, calls?, counted}],
//!                  generic?: {cost, plan}, unread?}], misjudged?: [{queryid, queryids, fingerprint,
//!                  query, calls, rows_counted, rows_expected}], confidence: low|medium|high,
//!                  confidence_reason, rank, priority: P0|P1|P2|P3, priority_reason, effort, risk, reason}]
//! summary          {cost_before, cost_after, ms_per_day_saved, size_bytes, budget_bytes, max_indexes, max_indexes_per_table,
//!                  beyond_limits, candidates, gap, frontier?: [{budget_bytes, size_bytes, indexes: [text], load_share_saved,
//!                  gap, knee}]}; beyond_limits counts indexes for foreign keys for which the two limits left no room; gap is
//!                  how far the load with the advice is at most from that with the best set by all plans asked for, as a share of it
//! unhelped         [{queryid, queryids, query, line?, cost, load_share, reason}]
//! rejections       [{schema, table, definition, size_bytes, why: not_asked|prefix|unused|slower|too_large|too_many|served|
//!                  write_price|guessed|too_little|outdone, reason}]; only with --explain-rejections
//! ```
//!
//! `queryid` is a string: it is a 64-bit number, which JavaScript and jq before 1.7 silently round to 53 bits, and exporters
//! carry it as a text label anyway. `queryid` is the first of `queryids`, null when there is none.
//! `replaces` and `net_size_bytes`, which is less than 0 where less is needed than before, come with `replace` only.
//! `generic` of a statement is a plan made without values, on which the server may settle where the statement is prepared; it comes
//! only where that plan does not use the index.
//! `rank` is the position in the list, the order in which the advice is best followed; up to version 1 it was called `priority`.
//! What is about a table and not about an index has null for `index` (statistics: their name), `method` and `size_bytes`; a setting of
//! the server (`set`) has null for `schema` and `table` too.
//! `ddl` and `undo_ddl` hold one statement a line. `columns` are unquoted names (or expressions), `keys` the same as
//! in the DDL. Times end in `_ms` or `ms_per_day`, sizes in `_bytes`, instants are Unix seconds, shares go from 0 to 1. Numbers are
//! always finite: what is unknown is null.

use serde::Serialize;

use crate::advisor::frontier::Step;
use crate::advisor::priority::Priority;
use crate::advisor::recommendation::{
    Action, Benefit, Confidence, Generic, Helped, Misjudged, Recommendation, Replaced,
};
use crate::advisor::rejections::{Rejection, Unhelped, Why};
use crate::model::change::Change;
use crate::model::gap::Gap;
use crate::model::index::KeyOf;
use crate::query::workload::{Assumed, Coverage};
use crate::report::plain::{json_escaped, sql_line};
use crate::report::{Outcome, PlannerSummary, Report, SkippedGroup, Summary, TargetSummary, Tool};

/// Writes the report for programs.
pub(super) fn render(report: &Report) -> String {
    let object = Object {
        schema_version: report.schema_version,
        tool: &report.tool,
        target: &report.target,
        planner: report.planner.as_ref(),
        outcome: report.outcome(),
        coverage: CoverageObject {
            coverage: &report.coverage,
            share: report.coverage.share(),
            skipped: &report.skipped,
        },
        gaps: &report.gaps,
        recommendations: report.recommendations.iter().map(recommendation).collect(),
        summary: summary(&report.summary),
        unhelped: report.unhelped.iter().map(unhelped).collect(),
        rejections: report
            .rejections
            .as_ref()
            .map(|all| all.iter().map(rejection).collect()),
    };
    let text = serde_json::to_string_pretty(&object)
        .expect("plain structs with text keys always have a JSON form");
    json_escaped(&text) + "\n"
}

/// The recommendations alone.
pub(super) fn recommendations(report: &Report) -> serde_json::Value {
    let all: Vec<_> = report.recommendations.iter().map(recommendation).collect();
    serde_json::json!(all)
}

/// Bytes and calls as whole numbers, which typed readers insist on; null when there is no such number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates"
)]
fn whole(number: f64) -> Option<u64> {
    (number.is_finite() && number >= 0.0).then_some(number.round() as u64)
}

#[derive(Serialize)]
struct Object<'a> {
    schema_version: u32,
    tool: &'a Tool,
    target: &'a TargetSummary,
    planner: Option<&'a PlannerSummary>,
    outcome: Outcome,
    coverage: CoverageObject<'a>,
    gaps: &'a [Gap],
    recommendations: Vec<RecommendationObject<'a>>,
    summary: SummaryObject<'a>,
    unhelped: Vec<UnhelpedObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rejections: Option<Vec<RejectionObject<'a>>>,
}

#[derive(Serialize)]
struct CoverageObject<'a> {
    #[serde(flatten)]
    coverage: &'a Coverage,
    share: f64,
    skipped: &'a [SkippedGroup],
}

#[derive(Serialize)]
struct RecommendationObject<'a> {
    action: Action,
    ddl: String,
    undo_ddl: String,
    schema: Option<&'a str>,
    table: Option<&'a str>,
    index: Option<&'a str>,
    method: Option<&'a str>,
    columns: Vec<&'a str>,
    keys: Vec<String>,
    include: &'a [String],
    predicate: Option<&'a str>,
    unique: bool,
    size_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    replaces: Vec<ReplacedObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    net_size_bytes: Option<i64>,
    benefit: &'a Benefit,
    statements: Vec<HelpedObject<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    misjudged: Vec<MisjudgedObject<'a>>,
    confidence: Confidence,
    confidence_reason: &'a str,
    rank: usize,
    priority: Priority,
    priority_reason: &'a str,
    effort: &'a str,
    risk: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct ReplacedObject<'a> {
    schema: &'a str,
    index: &'a str,
    size_bytes: Option<u64>,
    write_ms_per_day: Option<f64>,
}

#[derive(Serialize)]
struct SummaryObject<'a> {
    cost_before: f64,
    cost_after: f64,
    ms_per_day_saved: Option<f64>,
    size_bytes: Option<u64>,
    budget_bytes: Option<u64>,
    max_indexes: Option<usize>,
    max_indexes_per_table: Option<usize>,
    beyond_limits: usize,
    candidates: usize,
    gap: Option<f64>,
    #[serde(skip_serializing_if = "<[Step]>::is_empty")]
    frontier: &'a [Step],
}

#[derive(Serialize)]
struct HelpedObject<'a> {
    queryid: Option<String>,
    queryids: Vec<String>,
    fingerprint: &'a str,
    query: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    calls: Option<u64>,
    mean_ms: Option<f64>,
    cost_before: f64,
    cost_after: f64,
    plan_before: &'a str,
    plan_after: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    assumed: &'a [Assumed],
    #[serde(skip_serializing_if = "Option::is_none")]
    generic: Option<&'a Generic>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unread: Option<&'a str>,
}

#[derive(Serialize)]
struct MisjudgedObject<'a> {
    queryid: Option<String>,
    queryids: Vec<String>,
    fingerprint: &'a str,
    query: &'a str,
    calls: Option<u64>,
    rows_counted: f64,
    rows_expected: f64,
}

#[derive(Serialize)]
struct RejectionObject<'a> {
    schema: &'a str,
    table: &'a str,
    definition: &'a str,
    size_bytes: Option<u64>,
    why: Why,
    reason: &'a str,
}

#[derive(Serialize)]
struct UnhelpedObject<'a> {
    queryid: Option<String>,
    queryids: Vec<String>,
    query: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    cost: Option<f64>,
    load_share: f64,
    reason: &'a str,
}

fn recommendation(recommendation: &Recommendation) -> RecommendationObject<'_> {
    let definition = &recommendation.definition;
    let on_index = recommendation.action.is_on_index();
    RecommendationObject {
        action: recommendation.action,
        ddl: script(&recommendation.changes),
        undo_ddl: script(&recommendation.undo),
        schema: given(&definition.table.schema),
        table: given(&definition.table.name),
        index: given(&recommendation.index.name),
        method: given(&definition.method),
        columns: definition
            .keys
            .iter()
            .map(|key| match &key.of {
                KeyOf::Column(text) | KeyOf::Expression(text) => text.as_str(),
            })
            .collect(),
        keys: definition.keys.iter().map(ToString::to_string).collect(),
        include: &definition.include,
        predicate: definition.predicate.as_deref(),
        unique: definition.unique,
        size_bytes: on_index.then(|| whole(recommendation.size_bytes)).flatten(),
        replaces: recommendation.replaced.iter().map(replaced).collect(),
        net_size_bytes: net_size(recommendation),
        benefit: &recommendation.benefit,
        statements: recommendation.statements.iter().map(helped).collect(),
        misjudged: recommendation.misjudged.iter().map(misjudged).collect(),
        confidence: recommendation.confidence,
        confidence_reason: &recommendation.confidence_reason,
        rank: recommendation.rank,
        priority: recommendation.priority,
        priority_reason: &recommendation.priority_reason,
        effort: &recommendation.effort,
        risk: &recommendation.risk,
        reason: &recommendation.reason,
    }
}

fn replaced(replaced: &Replaced) -> ReplacedObject<'_> {
    ReplacedObject {
        schema: &replaced.index.schema,
        index: &replaced.index.name,
        size_bytes: whole(replaced.size_bytes),
        write_ms_per_day: replaced.write_ms_per_day,
    }
}

/// Bytes that are added on the whole, where something is replaced.
#[expect(clippy::cast_possible_truncation, reason = "the cast saturates")]
fn net_size(recommendation: &Recommendation) -> Option<i64> {
    let net = recommendation.net_size_bytes();
    (!recommendation.replaced.is_empty() && net.is_finite()).then_some(net.round() as i64)
}

fn summary(summary: &Summary) -> SummaryObject<'_> {
    SummaryObject {
        cost_before: summary.cost_before,
        cost_after: summary.cost_after,
        ms_per_day_saved: summary.ms_per_day_saved,
        size_bytes: whole(summary.size_bytes),
        budget_bytes: summary.budget_bytes.and_then(whole),
        max_indexes: summary.max_indexes,
        max_indexes_per_table: summary.max_indexes_per_table,
        beyond_limits: summary.beyond_limits,
        candidates: summary.candidates,
        gap: summary.gap,
        frontier: &summary.frontier,
    }
}

fn script(changes: &[Change]) -> String {
    let lines: Vec<String> = changes.iter().map(|c| sql_line(&c.to_string())).collect();
    lines.join("\n")
}

fn helped(helped: &Helped) -> HelpedObject<'_> {
    HelpedObject {
        queryid: helped.queryids.first().map(ToString::to_string),
        queryids: helped.queryids.iter().map(ToString::to_string).collect(),
        fingerprint: &helped.fingerprint,
        query: &helped.query,
        line: helped.line,
        calls: whole(helped.calls),
        mean_ms: helped.mean_ms,
        cost_before: helped.cost_before,
        cost_after: helped.cost_after,
        plan_before: &helped.plan_before,
        plan_after: &helped.plan_after,
        assumed: &helped.assumed,
        generic: helped.generic.as_ref(),
        unread: helped.unread.as_deref(),
    }
}

fn misjudged(misjudged: &Misjudged) -> MisjudgedObject<'_> {
    MisjudgedObject {
        queryid: misjudged.queryids.first().map(ToString::to_string),
        queryids: misjudged.queryids.iter().map(ToString::to_string).collect(),
        fingerprint: &misjudged.fingerprint,
        query: &misjudged.query,
        calls: whole(misjudged.calls),
        rows_counted: misjudged.rows_counted,
        rows_expected: misjudged.rows_expected,
    }
}

/// A text, if there is one.
fn given(text: &str) -> Option<&str> {
    Some(text).filter(|t| !t.is_empty())
}

fn rejection(rejection: &Rejection) -> RejectionObject<'_> {
    RejectionObject {
        schema: &rejection.table.schema,
        table: &rejection.table.name,
        definition: &rejection.index,
        size_bytes: whole(rejection.size_bytes),
        why: rejection.why,
        reason: &rejection.reason,
    }
}

fn unhelped(unhelped: &Unhelped) -> UnhelpedObject<'_> {
    UnhelpedObject {
        queryid: unhelped.queryids.first().map(ToString::to_string),
        queryids: unhelped.queryids.iter().map(ToString::to_string).collect(),
        query: &unhelped.query,
        line: unhelped.line,
        cost: unhelped.cost,
        load_share: unhelped.load_share,
        reason: &unhelped.reason,
    }
}
