//! `count-for-existence`: all rows are counted to learn whether there is one.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, Rule, TextHit};
use crate::audit::text::Text;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "count-for-existence",
    title: "All rows are counted where the first one would tell",
    page: "\
A count that is only compared with 0 reads every row that fits. EXISTS stops at the first.

Told by: count(*) or count(1) of a subquery, or the one output of the statement, compared with 0 (> 0, = 0, >= 1, < 1). Where constants
have become parameters nothing can be told.

Do: EXISTS (SELECT 1 FROM …), or NOT EXISTS.

All right when: the number itself is shown to somebody, or the table is small.",
    check: Check::Sql(check),
};

fn check(text: &Text<'_>) -> Vec<TextHit> {
    let tests = text.facts().count_tests.iter();
    let hits = tests.map(|(written, meant)| TextHit {
        object: "count".into(),
        // How many rows are counted, the text does not tell.
        confirmed: false,
        least: Severity::Info,
        evidence: vec![format!("counted to the end: {written}")],
        fix: Fix {
            advice: format!("ask whether there is a row: {meant}"),
            rewrite: text.read.with(written, meant),
            ..Fix::default()
        },
    });
    hits.collect()
}
