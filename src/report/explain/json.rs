//! A plan for programs: one JSON object.
//!
//! ```text
//! schema_version  number, as in advice
//! tool            {name, version}
//! statement       text or null
//! source          where the plan comes from
//! notes           [text]: what else is to be known of that
//! analyzed        whether it was executed
//! execution_ms, planning_ms  or null
//! nodes           [{node, parent, name, depth, self_ms, total_ms, share, self_blocks, total_blocks, rows, plan_rows, loops,
//!                 properties}]: properties are those of EXPLAIN, under its names; parents come before those below them
//! findings        [{rule, severity: info|low|medium|high, title, object, node, evidence: [text], fix: {advice, changes?, rewrite?},
//!                 share}], what matters most first
//! recommendations as in advice, for this statement; null when no advice was asked for
//! ```

use serde_json::{Value, json as object};

use super::Examined;
use crate::audit::finding::Finding;
use crate::report::SCHEMA_VERSION;
use crate::report::json::recommendations;
use crate::report::plain::json_escaped;

/// Writes it for programs.
#[must_use]
pub fn json(examined: &Examined<'_>) -> String {
    let (view, plan) = (examined.view, examined.view.explained);
    let node = |(at, node): (usize, &crate::model::explained::Node)| {
        let analyzed = node.rows().is_some();
        let measured = |figure: f64| analyzed.then_some(figure);
        object!({
            "node": at,
            "parent": node.parent,
            "name": node.name(),
            "depth": plan.depth(at),
            "self_ms": measured(view.exclusive.time.own[at]),
            "total_ms": measured(view.exclusive.time.inclusive[at]),
            "share": view.share(at),
            "self_blocks": measured(view.exclusive.blocks.own[at]),
            "total_blocks": measured(view.exclusive.blocks.inclusive[at]),
            "rows": node.rows(),
            "plan_rows": node.plan_rows(),
            "loops": measured(node.loops()),
            "properties": node.properties,
        })
    };
    let nodes: Vec<Value> = plan.nodes.iter().enumerate().map(node).collect();
    let findings: Vec<Value> = examined.findings.iter().map(finding).collect();
    let all = object!({
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "pgperf", "version": env!("CARGO_PKG_VERSION")},
        "statement": examined.statement,
        "source": examined.source,
        "notes": examined.notes,
        "analyzed": plan.is_analyzed(),
        "execution_ms": plan.execution_time(),
        "planning_ms": plan.planning_time(),
        "nodes": nodes,
        "findings": findings,
        "recommendations": examined.advice.map(recommendations),
    });
    json_escaped(&format!("{all:#}")) + "\n"
}

/// A finding, with its changes as SQL.
pub(in crate::report) fn finding(finding: &Finding) -> Value {
    let mut value = object!(finding);
    let changes: Vec<String> = (finding.fix.changes.iter())
        .map(ToString::to_string)
        .collect();
    if !changes.is_empty() {
        value["fix"]["changes"] = object!(changes);
    }
    value
}
