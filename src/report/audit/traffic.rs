//! What statements do one after another: where it was looked for, and what was found, for people and for programs.

use serde::Serialize;
use serde_json::{Value, json as object};

use crate::audit::repeated::Repeated;
use crate::model::unit::{Bytes, Count};
use crate::query::n_plus_one::{Kind, Side, Watched};
use crate::report::page::{BOLD, Page};
use crate::report::phrase;
use crate::report::plain::{one_line, sql_line};

/// Where repeated statements were looked for, and what was found.
#[derive(Debug, Clone, Default)]
pub struct Traffic {
    /// The counters, where they were watched.
    pub watched: Option<Watched>,
    /// The log files that were read.
    pub logs: Vec<LogFile>,
    /// What was found, what matters most first.
    pub found: Vec<Repeated>,
}

/// A log file that was read.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LogFile {
    /// Its name.
    pub name: String,
    /// Its format: jsonlog, csvlog or stderr.
    pub format: &'static str,
    /// Bytes, unpacked.
    pub bytes: u64,
    /// Entries about statements of this database.
    pub entries: u64,
    /// Entries about statements of others.
    pub elsewhere: u64,
    /// Places that could not be read.
    pub unreadable: u64,
}

impl Traffic {
    /// Where it was looked, for the head of a page.
    pub(super) fn sources(&self) -> Vec<String> {
        let mut sources = Vec::new();
        if let Some(seen) = &self.watched {
            sources.push(format!(
                "pg_stat_statements for {:.0} s in {} samples: {} of {}",
                seen.seconds,
                seen.samples,
                phrase::executions(seen.calls),
                phrase::counted(seen.statements, "statement"),
            ));
        }
        if !self.logs.is_empty() {
            let sum = |of: fn(&LogFile) -> u64| count(self.logs.iter().map(of).sum());
            sources.push(format!(
                "{} of {}, with {} executions of this database's statements",
                phrase::counted(self.logs.len(), "log file"),
                Bytes(sum(|f| f.bytes)),
                Count(sum(|f| f.entries)),
            ));
        }
        sources
    }

    /// Whether enough was seen to say that there is nothing.
    pub(super) fn could_look(&self) -> bool {
        let counters = self.watched.is_some_and(|seen| seen.judged > 0);
        counters || self.logs.iter().any(|file| file.entries > 0)
    }

    /// How many of each rule, as in "2 n-plus-one, 1 write-loop".
    pub(super) fn summary(&self) -> String {
        let mut counts: Vec<(&str, usize)> = Vec::new();
        for found in &self.found {
            match counts
                .iter_mut()
                .find(|(rule, _)| *rule == found.finding.rule)
            {
                Some((_, count)) => *count += 1,
                None => counts.push((found.finding.rule, 1)),
            }
        }
        let each = counts.iter().map(|(rule, count)| format!("{count} {rule}"));
        each.collect::<Vec<_>>().join(", ")
    }
}

/// Writes what was found for people.
pub(super) fn text(page: &mut Page, traffic: &Traffic) {
    if traffic.found.is_empty() {
        return;
    }
    page.blank();
    page.paragraph(0, BOLD, "Statements that are repeated");
    for found in &traffic.found {
        page.blank();
        one(page, found);
    }
}

fn one(page: &mut Page, found: &Repeated) {
    let Repeated { finding, case } = found;
    let head = format!(
        "{}: {} ({}), {}",
        finding.severity.name(),
        finding.title,
        finding.rule,
        one_line(&finding.object)
    );
    page.paragraph(0, BOLD, &head);
    let times = format!("{:.1} times", case.per_parent);
    let each = match (&case.parent, case.kind) {
        (Some(_), _) => format!("{times} for each execution of the one above"),
        (None, Kind::Again) => format!("{times} in each unit of work that repeats it"),
        (None, _) => format!("{times} in each transaction or run, on average"),
    };
    if let Some(parent) = &case.parent {
        statement(page, "parent  ", parent);
    }
    statement(page, "run     ", &case.child);
    page.block(2, "        ", &[each]);
    for (at, sentence) in finding.evidence.iter().enumerate() {
        let mark = if at == 0 { "why     " } else { "        " };
        page.hanging(&format!("  {mark}"), &one_line(sentence));
    }
    page.hanging("  do      ", &one_line(&finding.fix.advice));
    if let Some(sql) = &finding.fix.rewrite {
        page.verbatim(10, "", &sql_line(sql));
    }
}

fn statement(page: &mut Page, mark: &str, side: &Side) {
    page.block(2, mark, &[one_line(&side.text)]);
}

/// Writes it for programs.
pub(super) fn json(traffic: &Traffic) -> Value {
    let found = traffic.found.iter().map(|found| {
        let Repeated { finding, case } = found;
        let mut known = crate::report::explain::finding(finding);
        let statement = format!("{:016x}", case.child.fingerprint);
        known["fingerprint"] = object!(finding.fingerprint(&statement));
        object!({
            "finding": known,
            "kind": case.kind,
            "table": case.table,
            "column": case.column,
            "statement": side(&case.child),
            "parent": case.parent.as_ref().map(side),
            "score": case.score,
            "certainty": case.certainty,
            "reasons": case.reasons,
            "per_parent": case.per_parent,
            "round_trips": case.round_trips.round(),
            "saved_ms": case.saved_ms,
            "spared": case.spared,
            "seen_in": case.origins,
            "fix": {"sql": case.fix.sql, "join": case.fix.join, "orm": case.fix.orm, "hint": case.fix.hint},
        })
    });
    let watched = traffic.watched.map(|seen| {
        object!({
            "seconds": seen.seconds,
            "samples": seen.samples,
            "intervals_lost": seen.lost,
            "statements": seen.statements,
            "statements_judged": seen.judged,
            "calls": seen.calls.round(),
            "ms": seen.ms,
        })
    });
    object!({
        "watched": watched,
        "logs": traffic.logs,
        "found": found.collect::<Vec<Value>>(),
    })
}

fn side(side: &Side) -> Value {
    object!({
        "queryid": side.queryid.map(|id| id.to_string()),
        "fingerprint": format!("{:016x}", side.fingerprint),
        "query": side.text,
        "calls": side.calls.round(),
    })
}

#[expect(clippy::cast_precision_loss, reason = "nobody has logs of 2^52 bytes")]
fn count(n: u64) -> f64 {
    n as f64
}
