//! The report for people: what was looked at, then each recommendation with its evidence, then what was not seen.

use crate::advisor::frontier::Step;
use crate::advisor::recommendation::{Helped, Misjudged, Recommendation};
use crate::advisor::rejections::Rejection;
use crate::model::gap::Gap;
use crate::model::unit::{Bytes, CostUnits, Count, Millis, Percent};
use crate::report::page::{BOLD, GREEN, Page, YELLOW};
use crate::report::plain::{one_line, sql_line};
use crate::report::{Report, Style, phrase};

/// Statements of one recommendation that are shown; JSON has all.
const HELPED_SHOWN: usize = 5;
/// Statements without advice that are shown.
const UNHELPED_SHOWN: usize = 5;

/// Writes the report for people.
pub(super) fn render(report: &Report, style: Style) -> String {
    let mut page = Page::new(style);
    header(&mut page, report);
    if let Some(verdict) = phrase::verdict(report) {
        page.blank();
        page.paragraph(0, BOLD, &format!("{verdict}."));
    } else {
        for recommendation in &report.recommendations {
            recommended(&mut page, recommendation);
        }
        summary(&mut page, report);
    }
    frontier(&mut page, &report.summary.frontier);
    unhelped(&mut page, report);
    if let Some(rejections) = &report.rejections {
        rejected(&mut page, report, rejections);
    }
    gaps(&mut page, &report.gaps);
    page.finish()
}

fn header(page: &mut Page, report: &Report) {
    let tool = &report.tool;
    let title = format!(
        "{} {}: index advice for database {}",
        tool.name,
        tool.version,
        one_line(&report.target.database)
    );
    page.paragraph(0, BOLD, &title);
    page.blank();
    let mut facts = vec![
        ("server", phrase::server(report)),
        ("planner", phrase::planner(report)),
        ("analysed", phrase::analysed(report)),
    ];
    facts.extend(phrase::left_out(report).map(|t| ("left out", t)));
    facts.extend(phrase::not_counted(report).map(|t| ("not counted", t)));
    page.facts(2, &facts);
}

/// The advice for one statement, below its plan.
pub(super) fn advice(page: &mut Page, report: &Report) {
    page.paragraph(0, BOLD, "Index advice");
    if report.recommendations.is_empty() {
        let verdict = phrase::verdict(report).unwrap_or_default();
        page.paragraph(1, "", &format!("{verdict}."));
    }
    for recommendation in &report.recommendations {
        recommended(page, recommendation);
    }
    gaps(page, &report.gaps);
}

fn recommended(page: &mut Page, recommendation: &Recommendation) {
    page.blank();
    page.paragraph(0, BOLD, &phrase::numbered(recommendation));
    page.blank();
    for change in &recommendation.changes {
        page.verbatim(3, GREEN, &sql_line(&change.to_string()));
    }
    page.blank();
    if !recommendation.reason.is_empty() {
        page.paragraph(
            3,
            "",
            &format!("{}.", phrase::sentence(&recommendation.reason)),
        );
    }
    let mut facts = vec![("priority", phrase::priority(recommendation))];
    facts.extend(phrase::saves(recommendation).map(|t| ("saves", t)));
    if recommendation.action.is_on_index() {
        facts.push(("size", phrase::size(recommendation)));
        facts.push(("writes", phrase::writes(recommendation)));
    }
    facts.push(("confidence", phrase::confidence(recommendation)));
    for (label, text) in [
        ("effort", &recommendation.effort),
        ("risk", &recommendation.risk),
    ] {
        if !text.is_empty() {
            facts.push((label, phrase::sentence(text)));
        }
    }
    page.facts(3, &facts);
    helped(page, &recommendation.statements);
    misjudged(page, &recommendation.misjudged);
}

/// The statements whose rows the planner misjudges.
fn misjudged(page: &mut Page, statements: &[Misjudged]) {
    if statements.is_empty() {
        return;
    }
    page.blank();
    let shown = &statements[..statements.len().min(HELPED_SHOWN)];
    for (statement, letter) in shown.iter().zip('a'..) {
        let calls = phrase::executions(statement.calls);
        let lines = [
            one_line(&statement.query),
            format!("{calls}: {} each", phrase::misjudged(statement)),
        ];
        page.block(4, &format!("{letter} "), &lines);
    }
    if statements.len() > shown.len() {
        let more = phrase::counted(statements.len() - shown.len(), "more statement");
        page.paragraph(4, "", &format!("… and {more}."));
    }
}

/// The statements that an index helps: figures as a table, then what the planner does before and after.
fn helped(page: &mut Page, statements: &[Helped]) {
    if statements.is_empty() {
        return;
    }
    page.blank();
    let shown = &statements[..statements.len().min(HELPED_SHOWN)];
    let rows: Vec<Vec<String>> = shown
        .iter()
        .zip('a'..)
        .map(|(s, letter)| {
            vec![
                letter.to_string(),
                Count(s.calls).to_string(),
                s.mean_ms
                    .map_or_else(|| "-".into(), |ms| Millis(ms).to_string()),
                CostUnits(s.cost_before).to_string(),
                CostUnits(s.cost_after).to_string(),
                phrase::ratio(s.cost_before, s.cost_after),
            ]
        })
        .collect();
    let texts: Vec<String> = shown.iter().map(|s| labelled(&s.query, s.line)).collect();
    let head = ["", "calls", "mean", "cost", "after", "ratio"];
    let inside = page.table(3, &head, &rows, Some(("statement", &texts)));
    page.blank();
    for ((statement, letter), text) in shown.iter().zip('a'..).zip(&texts) {
        let mut lines = Vec::new();
        if !inside {
            lines.push(text.clone());
        }
        if !statement.plan_before.is_empty() {
            lines.push(format!("before: {}", one_line(&statement.plan_before)));
        }
        if !statement.plan_after.is_empty() {
            lines.push(format!("after: {}", one_line(&statement.plan_after)));
        }
        lines.extend(phrase::notes(statement));
        page.block(4, &format!("{letter} "), &lines);
    }
    if statements.len() > shown.len() {
        let more = phrase::counted(statements.len() - shown.len(), "more statement");
        page.paragraph(4, "", &format!("… and {more}."));
    }
}

/// A statement's text, with the place in the user's file where it stands.
fn labelled(query: &str, line: Option<u32>) -> String {
    let text = one_line(query);
    match line {
        Some(line) => format!("line {line}: {text}"),
        None => text,
    }
}

fn summary(page: &mut Page, report: &Report) {
    let summary = &report.summary;
    page.blank();
    page.paragraph(0, BOLD, "All together");
    let mut facts = Vec::new();
    if summary.cost_before > 0.0 {
        facts.push((
            "cost",
            phrase::costs(summary.cost_before, summary.cost_after),
        ));
    }
    if let Some(ms) = summary.ms_per_day_saved {
        facts.push(("saves", format!("{} per day", Millis(ms))));
    }
    let size = Bytes(summary.size_bytes);
    facts.push((
        "size",
        match summary.budget_bytes {
            Some(budget) => format!("{size} of a budget of {}", Bytes(budget)),
            None => size.to_string(),
        },
    ));
    facts.extend(phrase::limits(report).map(|t| ("limit", t)));
    facts.push((
        "considered",
        phrase::counted(summary.candidates, "candidate"),
    ));
    if let Some(gap) = summary.gap {
        let text = if gap < 0.0005 {
            "no set is better by the plans that were asked for".to_owned()
        } else {
            format!(
                "by the plans that were asked for no set brings the remaining load down by more than {}",
                Percent(gap)
            )
        };
        facts.push(("proof", text));
    }
    page.facts(3, &facts);
}

/// What each step has that the next smaller one has not tells what the space is for.
fn frontier(page: &mut Page, steps: &[Step]) {
    if steps.is_empty() {
        return;
    }
    page.blank();
    page.paragraph(0, BOLD, "What space buys");
    let rows: Vec<Vec<String>> = (steps.iter())
        .map(|step| {
            vec![
                Bytes(step.size_bytes).to_string(),
                step.indexes.len().to_string(),
                Percent(step.load_share_saved.clamp(0.0, 1.0)).to_string(),
            ]
        })
        .collect();
    let more: Vec<String> = (steps.iter().enumerate())
        .map(|(position, step)| {
            let smaller: &[String] = steps.get(position + 1).map_or(&[], |s| &s.indexes);
            let new = step.indexes.iter().filter(|i| !smaller.contains(i));
            let new: Vec<String> = new.map(|i| format!("+ {}", one_line(i))).collect();
            let knee = if step.knee {
                "the curve bends here "
            } else {
                ""
            };
            format!("{knee}{}", new.join(" "))
        })
        .collect();
    page.table(
        3,
        &["size", "indexes", "saves"],
        &rows,
        Some(("what the next smaller set has not", &more)),
    );
}

fn unhelped(page: &mut Page, report: &Report) {
    if report.unhelped.is_empty() {
        return;
    }
    page.blank();
    page.paragraph(0, BOLD, "Statements without advice");
    let shown = &report.unhelped[..report.unhelped.len().min(UNHELPED_SHOWN)];
    let rows: Vec<Vec<String>> = shown
        .iter()
        .map(|s| {
            vec![
                Percent(s.load_share).to_string(),
                s.cost
                    .map_or_else(|| "-".into(), |c| CostUnits(c).to_string()),
            ]
        })
        .collect();
    let texts: Vec<String> = shown
        .iter()
        .map(|s| {
            format!(
                "{}: {}",
                phrase::sentence(&s.reason),
                labelled(&s.query, s.line)
            )
        })
        .collect();
    page.table(
        3,
        &["load", "cost"],
        &rows,
        Some(("why, and statement", &texts)),
    );
    if report.unhelped.len() > shown.len() {
        let more = phrase::counted(report.unhelped.len() - shown.len(), "more statement");
        page.paragraph(3, "", &format!("… and {more}."));
    }
}

/// Candidates that were not chosen, grouped by table.
fn rejected(page: &mut Page, report: &Report, rejections: &[Rejection]) {
    page.blank();
    page.paragraph(0, BOLD, "Candidates that were not chosen");
    if rejections.is_empty() {
        let text = match report.summary.candidates {
            0 => "there was no candidate.",
            _ => "none: every candidate is advised.",
        };
        page.paragraph(3, "", text);
    }
    for of_table in rejections.chunk_by(|a, b| a.table == b.table) {
        page.paragraph(3, "", &sql_line(&of_table[0].table.to_string()));
        for rejection in of_table {
            let (index, size) = (sql_line(&rejection.index), Bytes(rejection.size_bytes));
            let reason = phrase::sentence(&rejection.reason);
            page.block(5, "", &[format!("{index}, {size}: {reason}")]);
        }
    }
}

/// What was not seen.
pub(super) fn gaps(page: &mut Page, gaps: &[Gap]) {
    if gaps.is_empty() {
        return;
    }
    page.blank();
    page.paragraph(0, BOLD, "Not seen");
    for gap in gaps {
        page.paragraph(3, YELLOW, &format!("{}.", phrase::gap(gap)));
        for command in &gap.close {
            page.verbatim(5, "", &sql_line(command));
        }
    }
}
