//! An audit: what is wrong with the statements that cost most, and what to do, for people and for programs.

mod database;
mod traffic;

use serde_json::{Value, json as object};

use crate::audit::execution::{Execution, Outcome, Run, differ, slowest, summary};
use crate::audit::finding::{Finding, Severity};
use crate::audit::load::Audited;
use crate::model::gap::Gap;
use crate::model::unit::{Count, Millis, Percent};
use crate::report::explain::found;
use crate::report::page::{BOLD, Page};
use crate::report::plain::{json_escaped, one_line};
use crate::report::{Report, SCHEMA_VERSION, Style, TargetSummary, phrase, text};

pub use database::confirmed;
pub use traffic::{LogFile, Traffic};

/// All that an audit has to say.
#[derive(Debug)]
pub struct Audit<'a> {
    /// What was looked at.
    pub target: &'a TargetSummary,
    /// What was found in the database, whatever statements run, what matters most first.
    pub database: &'a [Finding],
    /// The statements with findings and without, most expensive first.
    pub statements: &'a [Audited],
    /// How many statements there were to look at.
    pub seen: usize,
    /// What statements do one after another, where it was looked for.
    pub traffic: Option<&'a Traffic>,
    /// What was not seen.
    pub gaps: &'a [Gap],
    /// The index advice for the whole load, where it was asked for.
    pub advice: Option<&'a Report>,
}

impl Audit<'_> {
    /// The worst that was found.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        let findings = self.statements.iter().flat_map(|s| &s.findings);
        let repeated = self.traffic.iter().flat_map(|t| &t.found);
        let findings = findings.chain(repeated.map(|r| &r.finding));
        let findings = findings.chain(self.database);
        findings.map(|finding| finding.severity).max()
    }
}

/// Writes it for people.
#[must_use]
pub fn text(audit: &Audit<'_>, style: Style) -> String {
    let mut page = Page::new(style);
    let title = format!(
        "pgperf {}: audit of database {}",
        env!("CARGO_PKG_VERSION"),
        one_line(&audit.target.database)
    );
    page.paragraph(0, BOLD, &title);
    page.blank();
    page.facts(2, &facts(audit));
    if let Some(traffic) = audit.traffic {
        traffic::text(&mut page, traffic);
    }
    let advice = audit.advice.map(|report| report.recommendations.as_slice());
    database::database(&mut page, audit.database, advice);
    // What was to be executed is shown with what came of that, findings or not.
    let shown = |s: &&Audited| !s.findings.is_empty() || s.execution.is_some();
    for statement in audit.statements.iter().filter(shown) {
        page.blank();
        one(&mut page, statement);
    }
    if let Some(report) = audit.advice {
        page.blank();
        text::advice(&mut page, report);
    }
    text::gaps(&mut page, audit.gaps);
    page.finish()
}

/// What was looked at, as a whole.
fn facts(audit: &Audit<'_>) -> Vec<(&'static str, String)> {
    let with = audit.statements.iter().filter(|s| !s.findings.is_empty());
    let findings: usize = audit.statements.iter().map(|s| s.findings.len()).sum();
    let load: f64 = audit.statements.iter().map(|s| s.load_share).sum();
    let executions = audit.statements.iter().filter_map(|s| s.execution.as_ref());
    let (tried, executed, reasons) = summary(executions);
    let is_planned = audit.statements.iter().any(|s| s.plan.is_some());
    let how = match (tried, is_planned) {
        (0, true) => "planned, not executed",
        (0, false) => "their texts, not their plans",
        _ => "planned",
    };
    let mut facts = vec![
        ("server", one_line(&audit.target.server_version)),
        (
            "audited",
            format!(
                "{} of {}, {} of the load; {how}",
                Count(count(audit.statements.len())),
                phrase::counted(audit.seen, "statement"),
                Percent(load.clamp(0.0, 1.0))
            ),
        ),
    ];
    if tried > 0 {
        let mut text = format!("{executed} of the {tried} most expensive, and rolled back");
        if !reasons.is_empty() {
            let reasons = reasons
                .iter()
                .map(|(count, why)| format!("{count} × {why}"));
            text = format!("{text}; not: {}", reasons.collect::<Vec<_>>().join(", "));
        }
        facts.push(("executed", one_line(&text)));
    }
    facts.push((
        "statements",
        if audit.statements.is_empty() {
            "could not look: no statement was visible, which says nothing about the load".into()
        } else {
            format!(
                "{} in {}",
                phrase::counted(findings, "finding"),
                phrase::counted(with.count(), "statement")
            )
        },
    ));
    facts.push(("database", phrase::counted(audit.database.len(), "finding")));
    facts.extend(audit.traffic.map_or_else(Vec::new, loops));
    facts
}

/// What came of executing a statement.
fn execution(page: &mut Page, execution: &Execution, is_judged: bool) {
    match execution {
        Execution::Not(not) => {
            page.block(2, "", &[one_line(&format!("not executed: {}", not.why))]);
        }
        Execution::Executed(runs) => {
            let slowest = slowest(runs).filter(|_| is_judged && runs.len() > 1);
            let differ = differ(runs);
            for (at, run) in runs.iter().enumerate() {
                let judged = if Some(at) == slowest {
                    ", judged below"
                } else {
                    ""
                };
                page.block(2, "executed ", &[one_line(&(ran(run, differ) + judged))]);
            }
        }
    }
}

/// One execution: "with status = 'done' (most common): 40 ms, 95 rows".
#[must_use]
pub fn ran(run: &Run, with_scans: bool) -> String {
    let with = if run.vector.values.is_empty() {
        String::new()
    } else {
        format!("with {}: ", run.vector)
    };
    match &run.outcome {
        Outcome::Ended {
            ms, rows, scans, ..
        } => {
            let by = if with_scans && !scans.is_empty() {
                format!(", by {}", scans.join(", "))
            } else {
                String::new()
            };
            let noun = if (rows - 1.0).abs() < 0.5 {
                "row"
            } else {
                "rows"
            };
            format!("{with}{}, {} {noun}{by}", Millis(*ms), Count(*rows))
        }
        Outcome::Stopped { after_ms } => format!("{with}stopped after {}", Millis(*after_ms)),
        Outcome::Failed { why } => format!("{with}the server says: {why}"),
    }
}

/// Where repeated statements were looked for, and how many there are.
fn loops(traffic: &Traffic) -> Vec<(&'static str, String)> {
    let sources = traffic.sources();
    let mut facts: Vec<(&str, String)> = (sources.into_iter())
        .map(|source| ("loops in", source))
        .collect();
    facts.push((
        "repeated",
        match (traffic.found.len(), traffic.could_look()) {
            (0, true) => {
                "no statement is run once for each row of another, or again and again".into()
            }
            (0, false) => {
                "could not look, see below: that says nothing about the statements".into()
            }
            (found, _) => format!(
                "{}: {}",
                phrase::counted(found, "statement"),
                traffic.summary()
            ),
        },
    ));
    facts
}

fn one(page: &mut Page, statement: &Audited) {
    let mean = statement
        .mean_ms
        .map_or_else(String::new, |ms| format!(", {} each", Millis(ms)));
    let head = format!(
        "{} of the load: {}{mean}",
        Percent(statement.load_share),
        phrase::executions(statement.calls)
    );
    page.paragraph(0, BOLD, &head);
    page.block(2, "", &[one_line(&statement.query)]);
    if let Some(of_it) = &statement.execution {
        let is_judged = statement.findings.iter().any(|f| f.node.is_some());
        execution(page, of_it, is_judged);
    }
    if let Some(values) = &statement.values {
        page.paragraph(2, "", &format!("({values})"));
    }
    for finding in &statement.findings {
        found(page, 2, "- ", finding);
    }
}

/// Findings, each with the fingerprint by which it is known again in another run.
fn findings(findings: &[Finding], statement: &str) -> Vec<Value> {
    let known = |finding: &Finding| {
        let mut value = super::explain::finding(finding);
        value["fingerprint"] = object!(finding.fingerprint(statement));
        value
    };
    findings.iter().map(known).collect()
}

/// Writes it for programs: `{schema_version, tool, target, findings: [about the database], seen,
/// analyzed: {tried, executed, not_executed: [{why, statements}]} | null, statements: [{queryid, queryids, fingerprint, query, calls,
/// mean_ms, load_share, plan, execution, values, findings: [as in explain]}], repeated, gaps, recommendations}`.
///
/// `execution` is null where it was not asked for, else `{not: {kind, why}}` or `{executed: [{vector: {class, values: [{parameter,
/// compared, value}], text}, outcome: {ended: {ms, rows, scans}} | {stopped: {after_ms}} | {failed: {why}}}]}`. `repeated` is null where
/// it was not looked for; else `{watched: {seconds, samples, …} or null, logs: [{name, format, entries, …}], found: [{finding, kind,
/// table, column, statement, parent, score, certainty, reasons, per_parent, round_trips, saved_ms, spared: {calls, time}, seen_in:
/// [counters, logs], fix}]}`.
#[must_use]
pub fn json(audit: &Audit<'_>) -> String {
    let statement = |statement: &Audited| {
        let ids: Vec<String> = statement.queryids.iter().map(ToString::to_string).collect();
        object!({
            "queryid": ids.first(),
            "queryids": ids,
            "fingerprint": statement.fingerprint,
            "query": statement.query,
            "calls": statement.calls.round(),
            "mean_ms": statement.mean_ms,
            "load_share": statement.load_share,
            "plan": statement.plan,
            "execution": statement.execution,
            "values": statement.values,
            "findings": findings(&statement.findings, &statement.fingerprint),
        })
    };
    let all = object!({
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "pgperf", "version": env!("CARGO_PKG_VERSION")},
        "target": audit.target,
        "findings": findings(audit.database, ""),
        "seen": audit.seen,
        "analyzed": analyzed(audit),
        "statements": audit.statements.iter().map(statement).collect::<Vec<Value>>(),
        "repeated": audit.traffic.map(traffic::json),
        "gaps": audit.gaps,
        "recommendations": audit.advice.map(super::json::recommendations),
    });
    json_escaped(&format!("{all:#}")) + "\n"
}

/// What was executed, in figures; null where that was not asked for.
fn analyzed(audit: &Audit<'_>) -> Value {
    let executions = audit.statements.iter().filter_map(|s| s.execution.as_ref());
    let (tried, executed, reasons) = summary(executions);
    if tried == 0 {
        return Value::Null;
    }
    let reason = |(count, why): &(usize, String)| object!({"why": why, "statements": count});
    object!({
        "tried": tried,
        "executed": executed,
        "not_executed": reasons.iter().map(reason).collect::<Vec<Value>>(),
    })
}

#[expect(clippy::cast_precision_loss, reason = "nobody has 2^52 statements")]
fn count(n: usize) -> f64 {
    n as f64
}
