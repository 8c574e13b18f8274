//! One plan for people and for programs: the tree with what each node took by itself, the findings at the node that they belong
//! to, and what to do.

mod compare;
mod json;
mod tree;

use crate::audit::finding::Finding;
use crate::audit::view::View;
use crate::model::unit::{Bytes, CostUnits, Count, Millis};
use crate::report::page::{BOLD, Page};
use crate::report::plain::{one_line, sql_line};
use crate::report::text::advice;
use crate::report::{Report, Style};

pub use compare::compare;
pub(super) use json::finding;
pub use json::json;

/// A plan that was looked at.
#[derive(Debug)]
pub struct Examined<'a> {
    /// The statement, where it is known.
    pub statement: Option<&'a str>,
    /// Where the plan comes from: "executed on …", "generic plan, not executed", "read from plan.json".
    pub source: &'a str,
    /// What else is to be known of where it comes from, a sentence each.
    pub notes: &'a [String],
    /// The plan.
    pub view: &'a View<'a>,
    /// What rules found in it, what matters most first.
    pub findings: &'a [Finding],
    /// The index advice for the statement, where it was asked for.
    pub advice: Option<&'a Report>,
}

/// Writes it for people.
#[must_use]
pub fn text(examined: &Examined<'_>, style: Style) -> String {
    let mut page = Page::new(style);
    page.facts(0, &facts(examined));
    page.blank();
    tree::render(&mut page, examined);
    page.blank();
    findings(&mut page, examined.findings);
    if let Some(report) = examined.advice {
        page.blank();
        advice(&mut page, report);
    }
    page.finish()
}

/// What is to be said of the statement as a whole.
fn facts(examined: &Examined<'_>) -> Vec<(&'static str, String)> {
    let (view, plan) = (examined.view, examined.view.explained);
    let root = plan.root();
    let mut facts = Vec::new();
    facts.extend(examined.statement.map(|s| ("statement", one_line(s))));
    facts.push(("plan", one_line(examined.source)));
    facts.extend(examined.notes.iter().map(|note| ("note", one_line(note))));
    if plan.is_analyzed() {
        let planned = plan.planning_time();
        let planned =
            planned.map_or_else(String::new, |ms| format!(", {} of planning", Millis(ms)));
        let time = view
            .total_ms()
            .map_or_else(|| "not timed".into(), |ms| Millis(ms).to_string());
        facts.push(("time", format!("{time}{planned}")));
        facts.push(("rows", Count(root.rows().unwrap_or(0.0)).to_string()));
    } else {
        facts.push(("cost", CostUnits(root.count("Total Cost")).to_string()));
        facts.push(("rows", format!("{} expected", Count(root.plan_rows()))));
    }
    if plan.has_buffers() {
        let blocks = |count: f64| Bytes(count * 8192.0);
        let mut text = format!("{} of shared buffers", blocks(root.shared_blocks()));
        let read = root.count("Shared Read Blocks");
        if read > 0.0 {
            text = format!("{text}, {} of them read from outside", blocks(read));
        }
        let temp = root.count("Temp Written Blocks");
        if temp > 0.0 {
            text = format!("{text}; {} written to temporary files", blocks(temp));
        }
        facts.push(("blocks", text));
    }
    let settings = plan.settings();
    if !settings.is_empty() {
        let all = settings
            .iter()
            .map(|(name, value)| format!("{name} = {value}"));
        facts.push(("settings", one_line(&all.collect::<Vec<_>>().join(", "))));
    }
    facts
}

/// The mark by which a finding is found again at its node: a, b, … z, aa, ab, …
fn mark(position: usize) -> String {
    let letter = |n: usize| char::from(b'a' + u8::try_from(n % 26).unwrap_or(0));
    match position / 26 {
        0 => letter(position).to_string(),
        more => format!("{}{}", letter(more - 1), letter(position)),
    }
}

fn findings(page: &mut Page, findings: &[Finding]) {
    if findings.is_empty() {
        page.paragraph(0, "", "No rule found anything in this plan.");
        return;
    }
    page.paragraph(0, BOLD, "Findings");
    for (position, finding) in findings.iter().enumerate() {
        page.blank();
        found(page, 1, &format!("{:<3}", mark(position)), finding);
    }
}

/// A finding under its mark, with the statements that cure it.
pub(super) fn found(page: &mut Page, indent: usize, mark: &str, finding: &Finding) {
    let Finding { rule, title, .. } = finding;
    let evidence = format!("{}: {}", finding.object, finding.evidence.join("; "));
    let lines = [
        format!("{}: {title} ({rule})", finding.severity.name()),
        one_line(&evidence),
        format!("do: {}", one_line(&finding.fix.advice)),
    ];
    page.block(indent, mark, &lines);
    let changes = finding.fix.changes.iter().map(ToString::to_string);
    for statement in changes.chain(finding.fix.rewrite.clone()) {
        page.verbatim(indent + mark.len(), "", &sql_line(&statement));
    }
}

#[cfg(test)]
mod tests;
