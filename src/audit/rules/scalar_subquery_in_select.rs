//! `scalar-subquery-in-select`: a query for each row of the result.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, Rule, TextHit};
use crate::audit::text::Text;
use crate::model::unit::Count;
use crate::query::facts::Place;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "scalar-subquery-in-select",
    title: "A subquery among the outputs runs once for each row",
    page: "\
A subquery that names columns of the query around it is executed for each row that comes back. For a page of rows that is fine; for
thousands it is a loop that no join method can shorten.

Told by: a correlated subquery among the outputs of the outermost SELECT, which returns at least 1,000 rows a call.

Do: join the table and group, or join a query that groups it once: LEFT JOIN (SELECT key, count(*) AS n FROM t GROUP BY key) x USING (key).

All right when: each run is one look-up in an index and most of the rows of the other table are not needed.",
    check: Check::Sql(check),
};

/// So many runs are a loop.
const MANY: f64 = 1000.0;

fn check(text: &Text<'_>) -> Vec<TextHit> {
    let Some(rows) = text.cost.rows_per_call.filter(|rows| *rows >= MANY) else {
        return Vec::new();
    };
    let blocks = text.facts().blocks.iter();
    let each = blocks
        .filter(|b| b.place == Place::Output && b.parent == Some(text.top_at()) && b.correlated);
    let count = each.count();
    if count == 0 {
        return Vec::new();
    }
    let subqueries = if count == 1 {
        "a subquery runs".to_owned()
    } else {
        format!("{count} subqueries run")
    };
    vec![TextHit {
        object: "SELECT".into(),
        confirmed: true,
        least: Severity::Info,
        evidence: vec![format!(
            "{subqueries} for each of {} rows a call",
            Count(rows)
        )],
        fix: Fix::from(
            "join the table and group it, or join a query that groups it once, instead of asking for each row",
        ),
    }]
}
