//! `huge-in-list`: a list of values that is written out one by one.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, Rule, TextHit};
use crate::audit::text::Text;
use crate::model::unit::Count;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "huge-in-list",
    title: "A long list of values is written into the statement",
    page: "\
Each length of the list is another statement: it is parsed and planned anew, prepared statements do not fit it, and before
PostgreSQL 18 each length takes a place of its own in pg_stat_statements.

Told by: IN or NOT IN with at least 100 values.

Do: send the values as one array: column = ANY ($1). From some ten thousand on, load them into a temporary table and join it.

All right when: it is a batch of ids that replaces as many single look-ups: that is the right idea, and an array makes it better.",
    check: Check::Sql(check),
};

/// From so many values on the length itself costs time in each execution.
const HUGE: usize = 1000;

fn check(text: &Text<'_>) -> Vec<TextHit> {
    let lists = text.facts().long_lists.iter();
    let hits = lists.map(|list| {
        #[expect(clippy::cast_precision_loss, reason = "a number of values in a text")]
        let length = Count(list.length as f64);
        let operator = if list.negated { "<> ALL" } else { "= ANY" };
        TextHit {
            object: list.left.clone(),
            confirmed: list.length >= HUGE,
            least: if list.length >= HUGE {
                Severity::Low
            } else {
                Severity::Info
            },
            evidence: vec![format!(
                "{} is looked for in a list of {length} values",
                list.left
            )],
            fix: Fix {
                advice: format!(
                    "send the values as one array: {} {operator} ($1)",
                    list.left
                ),
                rewrite: text.read.with_array(list),
                ..Fix::default()
            },
        }
    });
    hits.collect()
}
