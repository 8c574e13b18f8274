//! What is wrong with the database itself, for people: a rule once, and below it all that it is told of.

use crate::audit::finding::Finding;
use crate::model::change::Change;
use crate::report::Report;
use crate::report::page::{BOLD, Page};
use crate::report::phrase;
use crate::report::plain::{one_line, sql_line};

/// Objects of one rule that are told; programs get all.
const TOLD: usize = 10;

/// Writes them; what the advice below says with its statements is left to it.
pub(super) fn database(page: &mut Page, findings: &[Finding], advice: Option<&Report>) {
    let findings: Vec<&Finding> = findings.iter().filter(|f| !is_advised(f, advice)).collect();
    if findings.is_empty() {
        return;
    }
    page.blank();
    page.paragraph(0, BOLD, "The database");
    for group in findings.chunk_by(|a, b| a.rule == b.rule && a.severity == b.severity) {
        page.blank();
        rule(page, group);
    }
}

/// What one rule found, most of it; what to do is told once where it is the same for all.
fn rule(page: &mut Page, group: &[&Finding]) {
    let first = group[0];
    let head = format!(
        "{}: {} ({})",
        first.severity.name(),
        first.title,
        first.rule
    );
    page.paragraph(1, "", &head);
    let told = &group[..group.len().min(TOLD)];
    let same = group.iter().all(|f| f.fix.advice == first.fix.advice);
    for finding in told {
        let evidence = format!("{}: {}", finding.object, finding.evidence.join("; "));
        let mut lines = vec![one_line(&evidence)];
        if !same {
            lines.push(format!("do: {}", one_line(&finding.fix.advice)));
        }
        page.block(1, "- ", &lines);
        if !same {
            statements(page, [finding].into_iter());
        }
    }
    if group.len() > told.len() {
        let more = phrase::counted(group.len() - told.len(), "more such finding");
        page.paragraph(3, "", &format!("and {more}, which --format json has"));
    }
    if same {
        page.block(3, "", &[format!("do: {}", one_line(&first.fix.advice))]);
        statements(page, told.iter());
    }
}

/// Their statements, each once: the settings of several are reloaded together.
fn statements<'a, 'b: 'a>(page: &mut Page, findings: impl Iterator<Item = &'a &'b Finding>) {
    let changes: Vec<&Change> = findings.flat_map(|f| &f.fix.changes).collect();
    let (last, first): (Vec<&Change>, Vec<&Change>) = changes
        .into_iter()
        .partition(|c| matches!(c, Change::Reload));
    for change in first.into_iter().chain(last.into_iter().take(1)) {
        page.verbatim(5, "", &sql_line(&change.to_string()));
    }
}

/// Whether the advice has all its statements.
pub(super) fn is_advised(finding: &Finding, advice: Option<&Report>) -> bool {
    let changes = &finding.fix.changes;
    let advised = |report: &Report| {
        let mut all = report.recommendations.iter().flat_map(|r| &r.changes);
        !changes.is_empty() && changes.iter().all(|change| all.any(|c| c == change))
    };
    advice.is_some_and(advised)
}
