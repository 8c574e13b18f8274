//! The report as a script: `psql -f` runs it, the evidence stands in comments, and no comment can be ended from inside.

use std::fmt::Write as _;

use crate::advisor::recommendation::{Action, Helped, Recommendation};
use crate::model::change::Change;
use crate::model::unit::Millis;
use crate::report::plain::{one_line, sql_line, truncate};
use crate::report::{Outcome, Report, phrase};

/// Columns of a statement's text in a comment.
const TEXT_COLUMNS: usize = 400;
/// Statements of one recommendation that are shown; JSON has all.
const HELPED_SHOWN: usize = 5;

/// Writes the report as a script.
pub(super) fn render(report: &Report) -> String {
    let mut out = String::new();
    header(&mut out, report);
    if report.outcome() == Outcome::Advice {
        preamble(&mut out);
        for recommendation in &report.recommendations {
            recommended(&mut out, recommendation);
        }
    }
    out
}

/// One comment line. The text is flattened here once more, so that no caller can forget it.
fn comment(out: &mut String, text: &str) {
    let line = one_line(text);
    let _ = writeln!(out, "-- {line}");
}

fn header(out: &mut String, report: &Report) {
    let (tool, target) = (&report.tool, &report.target);
    comment(
        out,
        &format!(
            "{} {}: index advice for database {}",
            tool.name, tool.version, target.database
        ),
    );
    comment(out, &format!("server: {}", phrase::server(report)));
    comment(out, &format!("planner: {}", phrase::planner(report)));
    comment(out, &format!("analysed: {}", phrase::analysed(report)));
    if let Some(text) = phrase::left_out(report) {
        comment(out, &format!("left out: {text}"));
    }
    for gap in &report.gaps {
        comment(out, &format!("not seen: {}", phrase::gap(gap)));
        for command in &gap.close {
            let _ = writeln!(out, "--   {}", sql_line(command));
        }
    }
    if let Some(verdict) = phrase::verdict(report) {
        comment(out, &format!("{verdict}."));
    }
}

fn preamble(out: &mut String) {
    out.push_str(
        "--
-- Run this with psql as the owner of the tables, without -1 (--single-transaction): CREATE and DROP INDEX CONCURRENTLY
-- cannot run inside a transaction block. If CREATE INDEX CONCURRENTLY fails or is cancelled, it leaves an INVALID index
-- of that name: drop it (the undo line), then run the statement again. Invalid indexes are listed by
--   SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid;
-- The file is UTF-8 and holds nothing but DDL and comments, so that any client can run it:
--   PGCLIENTENCODING=UTF8 PGOPTIONS='-c statement_timeout=0' psql -v ON_ERROR_STOP=1 -f FILE
",
    );
}

fn recommended(out: &mut String, recommendation: &Recommendation) {
    out.push('\n');
    comment(out, &phrase::numbered(recommendation));
    comment(out, &phrase::sentence(&recommendation.reason));
    let priority = phrase::priority(recommendation);
    comment(out, &format!("priority: {priority}"));
    if let Some(saves) = phrase::saves(recommendation) {
        comment(out, &format!("saves: {saves}"));
    }
    if recommendation.action.is_on_index() {
        comment(out, &format!("size: {}", phrase::size(recommendation)));
        comment(out, &format!("writes: {}", phrase::writes(recommendation)));
    }
    let confidence = phrase::confidence(recommendation);
    comment(out, &format!("confidence: {confidence}"));
    for (label, text) in [
        ("effort", &recommendation.effort),
        ("risk", &recommendation.risk),
    ] {
        if !text.is_empty() {
            comment(out, &format!("{label}: {}", phrase::sentence(text)));
        }
    }
    for statement in recommendation.statements.iter().take(HELPED_SHOWN) {
        helped(out, statement);
    }
    let more = recommendation.statements.len().saturating_sub(HELPED_SHOWN);
    if more > 0 {
        comment(
            out,
            &format!("and {}", phrase::counted(more, "more statement")),
        );
    }
    for statement in recommendation.misjudged.iter().take(HELPED_SHOWN) {
        let (calls, rows) = (
            phrase::executions(statement.calls),
            phrase::misjudged(statement),
        );
        let text = truncate(&one_line(&statement.query), TEXT_COLUMNS);
        comment(out, &format!("misjudged: {calls}, {rows}: {text}"));
    }
    // A setting is for superusers and for the whole server: nothing that a script does on the way.
    let by_hand = recommendation.action == Action::Set;
    let replaces = recommendation.action == Action::Replace;
    for change in &recommendation.changes {
        if replaces && matches!(change, Change::DropIndex { .. }) {
            comment(
                out,
                "only if what stands above succeeded, as with ON_ERROR_STOP:",
            );
        }
        let mark = if by_hand { "-- by hand: " } else { "" };
        let _ = writeln!(out, "{mark}{}", sql_line(&change.to_string()));
    }
    for change in &recommendation.undo {
        let _ = writeln!(out, "-- undo: {}", sql_line(&change.to_string()));
    }
}

fn helped(out: &mut String, statement: &Helped) {
    let mean = statement
        .mean_ms
        .map_or_else(String::new, |ms| format!(", mean {}", Millis(ms)));
    let place = statement
        .line
        .map_or_else(String::new, |line| format!("line {line}, "));
    comment(
        out,
        &format!(
            "helps: {place}{}{mean}, cost {}: {}",
            phrase::executions(statement.calls),
            phrase::costs(statement.cost_before, statement.cost_after),
            truncate(&one_line(&statement.query), TEXT_COLUMNS)
        ),
    );
    if !statement.plan_before.is_empty() || !statement.plan_after.is_empty() {
        let _ = writeln!(out, "--   before: {}", one_line(&statement.plan_before));
        let _ = writeln!(out, "--   after: {}", one_line(&statement.plan_after));
    }
    for note in phrase::notes(statement) {
        let _ = writeln!(out, "--   {note}");
    }
}
