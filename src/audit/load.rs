//! The findings of a whole load: those of each statement, weighed by what the statement is of the load.

use serde::Serialize;

use crate::audit::finding::{Finding, Severity};
use crate::audit::rules::of_plan;
use crate::audit::view::View;
use crate::model::explained::Explained;
use crate::model::snapshot::Snapshot;
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
    /// Node types of its plan, outermost first, where it was planned.
    pub plan: Option<String>,
    /// What was found, what matters most first.
    pub findings: Vec<Finding>,
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

/// What rules find in the plan of one of the statements; `total` is the load of all.
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
    let mut findings = plan.map_or_else(Vec::new, |plan| of_plan(&View::new(plan, Some(snapshot))));
    for finding in &mut findings {
        // Of the statement a share is at stake, and it is a share of the load.
        finding.share *= load_share;
        finding.severity = severity(finding.share);
    }
    findings.sort_by(|a, b| {
        (b.severity.cmp(&a.severity))
            .then(b.share.total_cmp(&a.share))
            .then(a.rule.cmp(b.rule))
    });
    let mut queryids: Vec<i64> = (query.members.iter())
        .filter_map(|&member| snapshot.statements[member].queryid)
        .collect();
    queryids.sort_unstable();
    queryids.dedup();
    let timed = query.total_ms.filter(|_| query.calls > 0.0);
    Audited {
        queryids,
        fingerprint: format!("{:016x}", query.fingerprint),
        query: query.text.clone(),
        calls: query.calls,
        mean_ms: timed.map(|ms| ms / query.calls),
        load_share,
        plan: plan.map(|plan| plan.root().name()),
        findings,
    }
}
