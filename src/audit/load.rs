//! The findings of a whole load: those of each statement, weighed by what the statement is of the load.

use serde::Serialize;

use crate::audit::execution::{Execution, witness};
use crate::audit::finding::{Finding, Severity};
use crate::audit::statement::of_statement;
use crate::audit::text::{Cost, Text};
use crate::audit::view::View;
use crate::model::explained::Explained;
use crate::model::snapshot::Snapshot;
use crate::query::facts::Read;
use crate::query::workload::{Query, Workload};

/// A statement with what was found in it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Audited {
    /// `queryid`s of the statement, when known.
    pub queryids: Vec<i64>,
    /// Our fingerprint, hexadecimal: stable across servers.
    pub fingerprint: String,
    /// Its text.
    pub query: String,
    /// Executions.
    pub calls: f64,
    /// Mean execution time, ms, where times are known.
    pub mean_ms: Option<f64>,
    /// Its share of the load, 0 to 1.
    pub load_share: f64,
    /// The node on top of its plan, where it was planned.
    pub plan: Option<String>,
    /// Whether it was executed; `None` = nobody wanted that.
    pub execution: Option<Execution>,
    /// Where the values come from that it was planned with, if not from what is assumed.
    pub values: Option<String>,
    /// What was found, what matters most first.
    pub findings: Vec<Finding>,
}

impl Audited {
    /// With what executing it showed.
    #[must_use]
    pub fn with(mut self, execution: Option<Execution>) -> Self {
        if let Some(Execution::Executed(runs)) = &execution {
            witness(&mut self.findings, runs);
        }
        self.execution = execution;
        self
    }
}

/// How much a share of the whole load matters. A tenth of all that a server does is much, whatever the rest is.
#[must_use]
pub fn severity(share: f64) -> Severity {
    match share {
        s if s >= 0.1 => Severity::High,
        s if s >= 0.02 => Severity::Medium,
        s if s >= 0.002 => Severity::Low,
        _ => Severity::Info,
    }
}

/// What rules find in the plan and in the text of one of the statements; `total` is the load of all.
#[must_use]
pub fn audited(
    query: &Query,
    plan: Option<&Explained>,
    workload: &Workload,
    snapshot: &Snapshot,
    total: f64,
) -> Audited {
    let timed = workload.coverage.timed;
    let load_share = if total > 0.0 {
        query.load(timed) / total
    } else {
        0.0
    };
    let mean_ms = query.total_ms.filter(|_| query.calls > 0.0);
    let mean_ms = mean_ms.map(|ms| ms / query.calls);
    let read = Read::new(&query.text).ok();
    let text = read.as_ref().map(|read| Text {
        read,
        snapshot: Some(snapshot),
        cost: Cost {
            calls: Some(query.calls),
            rows_per_call: Some(query.rows_per_call),
            mean_ms,
            share: load_share,
        },
    });
    let view = plan.map(|plan| View::new(plan, Some(snapshot)));
    let mut findings = of_statement(view.as_ref(), text.as_ref());
    for finding in &mut findings {
        // What a text is worth was weighed by the load. Of a plan a share of the statement is at stake, and it is a share of the load.
        if finding.node.is_some() {
            finding.share *= load_share;
            finding.severity = severity(finding.share);
        }
    }
    findings.sort_by(|a, b| {
        (b.severity.cmp(&a.severity))
            .then(b.share.total_cmp(&a.share))
            .then(a.rule.cmp(b.rule))
    });
    Audited {
        queryids: query.queryids(snapshot),
        fingerprint: format!("{:016x}", query.fingerprint),
        query: query.text.clone(),
        calls: query.calls,
        mean_ms,
        load_share,
        plan: plan.map(|plan| plan.root().name()),
        execution: None,
        values: None,
        findings,
    }
}
