//! `eq-null`: a comparison with NULL, which is never true.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, Rule, TextHit};
use crate::audit::text::Text;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "eq-null",
    title: "A comparison with NULL is never true",
    page: "\
column = NULL and column <> NULL are neither true nor false but unknown, for every row: WHERE finds nothing.

Told by: = or <> with the word NULL on one side, anywhere but in SET.

Do: column IS NULL, column IS NOT NULL; where the value may be either, column IS NOT DISTINCT FROM $1.

All right when: never: a comparison with NULL finds nothing, whatever the column holds.",
    check: Check::Sql(check),
};

fn check(text: &Text<'_>) -> Vec<TextHit> {
    let comparisons = text.facts().null_comparisons.iter();
    let hits = comparisons.map(|(written, meant)| TextHit {
        object: written.clone(),
        confirmed: false,
        least: Severity::Low,
        evidence: vec![format!("{written} is unknown for every row")],
        fix: Fix {
            advice: format!("write {meant}"),
            rewrite: text.read.with(written, meant),
            ..Fix::default()
        },
    });
    hits.collect()
}
