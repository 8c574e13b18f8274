//! `insert-no-columns`: values that rely on the order of the columns.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, Rule, TextHit};
use crate::audit::text::Text;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "insert-no-columns",
    title: "INSERT does not name its columns",
    page: "\
The values go to the columns in their order in the table: a column that is added, or another order after a restore, breaks the
statement, or puts values into the wrong column.

Told by: INSERT with values or a query, and no list of columns.

Do: name the columns.

All right when: the table never changes, or the statement is run once.",
    check: Check::Sql(check),
};

fn check(text: &Text<'_>) -> Vec<TextHit> {
    // What ran once is over.
    if text.cost.calls.is_some_and(|calls| calls <= 1.0) {
        return Vec::new();
    }
    let inserts = text
        .facts()
        .inserts
        .iter()
        .filter(|insert| !insert.named && insert.ordered);
    let hits = inserts.map(|insert| TextHit {
        object: insert.table.join("."),
        confirmed: false,
        least: Severity::Info,
        evidence: vec!["the values rely on the order of the columns".into()],
        fix: Fix::from("name the columns"),
    });
    hits.collect()
}
