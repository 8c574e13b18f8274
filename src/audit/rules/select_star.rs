//! `select-star`: all columns of a wide table, for many rows.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, Rule, TextHit};
use crate::audit::text::Text;
use crate::model::catalog::{Column, Table};
use crate::model::unit::{Bytes, Count};
use crate::query::facts::{Form, Output};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "select-star",
    title: "All columns of a wide table are fetched",
    page: "\
Columns that nobody reads are fetched, unpacked, sent and parsed all the same; large ones are stored apart and cost reads of their own.
An index cannot answer the query alone.

Told by: * or t.* among the outputs of the statement, over a table whose columns take 500 bytes a row or more, where many rows come back.

Do: list the columns that are used; ORMs have a way to defer the large ones (only, defer, select, load_only).

All right when: all of them are needed.",
    check: Check::Sql(check),
};

/// Bytes of a row that make a table wide.
const WIDE: f64 = 500.0;
/// Rows a call from which on the width adds up.
const SEVERAL: f64 = 10.0;

fn check(text: &Text<'_>) -> Vec<TextHit> {
    let Some(top) = text.top().filter(|top| top.form == Form::Select) else {
        return Vec::new();
    };
    let Some(rows) = text.cost.rows_per_call.filter(|rows| *rows >= SEVERAL) else {
        return Vec::new();
    };
    let names = |relation: &usize| {
        let name = &text.facts().relations[*relation].name;
        top.outputs.iter().any(|output| match output {
            Output::All => true,
            Output::AllOf(of) => of == name,
            _ => false,
        })
    };
    let wide = text
        .relations(text.top_at())
        .filter(names)
        .filter_map(|relation| {
            let table = text.table(relation)?;
            let width = width(table);
            (width >= WIDE).then(|| TextHit {
                object: table.name.clone(),
                confirmed: true,
                least: Severity::Info,
                evidence: vec![format!(
                    "{} columns of {} take about {} a row, {} rows come back",
                    table.columns.len(),
                    table.name,
                    Bytes(width),
                    Count(rows)
                )],
                fix: Fix::from(advice(table)),
            })
        });
    wide.collect()
}

/// Bytes of a row by the statistics, large values as they are unpacked at least.
fn width(table: &Table) -> f64 {
    let widths = table.columns.iter().filter_map(|c| c.stats.as_ref());
    widths.map(|stats| stats.avg_width).sum()
}

fn advice(table: &Table) -> String {
    let size = |column: &Column| column.stats.as_ref().map_or(0.0, |s| s.avg_width);
    let widest = (table.columns.iter()).max_by(|a, b| size(a).total_cmp(&size(b)));
    let widest = widest.map_or("", |column| column.name.as_str());
    format!("list the columns that are used; {widest} is the widest")
}
