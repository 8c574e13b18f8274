//! What is wrong with the database itself, for people: a rule once, and below it all that it is told of.

use crate::audit::finding::Finding;
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
        let first = group[0];
        page.blank();
        let head = format!(
            "{}: {} ({})",
            first.severity.name(),
            first.title,
            first.rule
        );
        page.block(1, "- ", &[head]);
        let same = group.iter().all(|f| f.fix.advice == first.fix.advice);
        for finding in group.iter().take(TOLD) {
            let told = format!("{}: {}", finding.object, finding.evidence.join("; "));
            page.block(3, "", &[one_line(&told)]);
            if !same {
                page.block(3, "", &[format!("do: {}", one_line(&finding.fix.advice))]);
                statements(page, finding);
            }
        }
        if group.len() > TOLD {
            let more = phrase::counted(group.len() - TOLD, "more such finding");
            page.paragraph(3, "", &format!("and {more}: --format json has all"));
        }
        if same {
            page.block(3, "", &[format!("do: {}", one_line(&first.fix.advice))]);
            for finding in group.iter().take(TOLD) {
                statements(page, finding);
            }
        }
    }
}

fn statements(page: &mut Page, finding: &Finding) {
    for change in &finding.fix.changes {
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
