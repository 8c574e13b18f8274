//! `limit-without-order`: some rows of many, and nobody can say which.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, Rule, TextHit};
use crate::audit::text::Text;
use crate::query::facts::{Block, Form, Output, Source};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "limit-without-order",
    title: "LIMIT without ORDER BY returns whichever rows come first",
    page: "\
Without an order the server may return any rows: other ones after an UPDATE, a VACUUM, with another plan or a parallel scan. With
an OFFSET, pages then overlap and rows are missing.

Told by: the outermost SELECT has a LIMIT of more than one row and no ORDER BY, and it does return more than one.

Do: add an ORDER BY that ends with a unique column, and an index that gives that order.

All right when: any rows will do, such as a sample or a batch of work; a query that locks its rows is taken for one.",
    check: Check::Sql(check),
};

/// Django asks for so many rows to see whether there is more than one.
const DJANGO_GET: f64 = 21.0;

fn check(text: &Text<'_>) -> Vec<TextHit> {
    let Some(top) = text.top().filter(|top| top.form == Form::Select) else {
        return Vec::new();
    };
    let limit = match &top.limit {
        Some(limit) if top.order.is_empty() => limit.number(),
        _ => return Vec::new(),
    };
    let returned = text.cost.rows_per_call;
    let several = match (limit, returned) {
        (Some(limit), _) if limit <= 1.0 => false,
        (_, Some(rows)) => rows > 1.0,
        (Some(limit), None) => (limit - DJANGO_GET).abs() > 0.5,
        (None, None) => false,
    };
    let any_will_do =
        text.facts().lock.is_some() || top.is_one_row() || is_unordered_by_nature(top);
    let points = text
        .relations(0)
        .any(|r| text.found_by_value(r).is_some_and(|rows| rows <= 1.0));
    // What an ordered subquery gives comes in its order in practice.
    let tables = text
        .relations(0)
        .all(|r| matches!(text.facts().relations[r].source, Source::Table(_)));
    if !several
        || any_will_do
        || points
        || !tables
        || text.relations(text.top_at()).next().is_none()
    {
        return Vec::new();
    }
    let pages = top
        .offset
        .as_ref()
        .is_some_and(|offset| offset.number() != Some(0.0));
    vec![TextHit {
        object: "LIMIT".into(),
        confirmed: false,
        least: if pages { Severity::Low } else { Severity::Info },
        evidence: vec![if pages {
            "it has an OFFSET too: rows are repeated and missing between its pages".into()
        } else {
            "nothing says which rows are wanted".into()
        }],
        fix: Fix::from("add an ORDER BY that ends with a unique column, and an index for it"),
    }]
}

/// Whether its outputs are constants: it asks whether there are rows.
fn is_unordered_by_nature(block: &Block) -> bool {
    block
        .outputs
        .iter()
        .all(|output| matches!(output, Output::Value(_)))
}
