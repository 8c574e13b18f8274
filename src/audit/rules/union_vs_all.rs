//! `union-vs-all`: duplicates are looked for where none can be, or where they do not matter.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, Rule, TextHit};
use crate::audit::text::Text;
use crate::query::facts::{Form, Output, Place, Union, Value};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "union-vs-all",
    title: "UNION looks for duplicates where there are none",
    page: "\
UNION sorts or hashes all rows of its parts to remove those that are equal. UNION ALL appends them.

Told by: a UNION whose parts have different constants in the same output, and each of which gives one row or holds a key of the one table
that it reads, so that no two rows can be equal; or a UNION in EXISTS or IN, where repeated rows change nothing.

Do: UNION ALL.

All right when: the same row really comes from both sides and is wanted once.",
    check: Check::Sql(check),
};

fn check(text: &Text<'_>) -> Vec<TextHit> {
    let unions = text.facts().unions.iter().filter(|union| union.alone);
    let hits = unions.filter_map(|union| {
        let block = &text.facts().blocks[union.block];
        let evidence = if block.place == Place::Test && block.limit.is_none() {
            "it stands in EXISTS or IN, where repeated rows change nothing"
        } else if are_apart(text, union) && union.arms.iter().all(|&arm| is_distinct(text, arm)) {
            "a constant differs from part to part, and no part repeats a row"
        } else {
            return None;
        };
        Some(TextHit {
            object: "UNION".into(),
            confirmed: false,
            least: Severity::Info,
            evidence: vec![evidence.into()],
            fix: Fix::from("write UNION ALL"),
        })
    });
    hits.collect()
}

/// Whether some output is another constant in each part.
fn are_apart(text: &Text<'_>, union: &Union) -> bool {
    let outputs = |arm: &usize| &text.facts().blocks[*arm].outputs;
    let width = union
        .arms
        .iter()
        .map(|arm| outputs(arm).len())
        .min()
        .unwrap_or(0);
    (0..width).any(|at| {
        let constants = union.arms.iter().map(|arm| match &outputs(arm)[at] {
            Output::Value(Value::Literal(text)) => Some(text.as_str()),
            Output::Value(Value::Cast(inner, _)) => match inner.as_ref() {
                Value::Literal(text) => Some(text.as_str()),
                _ => None,
            },
            _ => None,
        });
        let constants: Option<Vec<&str>> = constants.collect();
        constants.is_some_and(|mut all| {
            let count = all.len();
            all.sort_unstable();
            all.dedup();
            all.len() == count
        })
    })
}

/// Whether a part repeats no row by itself.
fn is_distinct(text: &Text<'_>, arm: usize) -> bool {
    let block = &text.facts().blocks[arm];
    let mut relations = text.relations(arm);
    if block.form != Form::Select {
        return false;
    }
    if block.distinct || block.is_one_row() {
        return true;
    }
    let (Some(relation), None) = (relations.next(), relations.next()) else {
        return false;
    };
    let holds = |name: &&str| {
        block.outputs.iter().any(|output| match output {
            Output::All => true,
            Output::Column(column, _) => column.name == **name,
            _ => false,
        })
    };
    let keys = text
        .table(relation)
        .map(|table| text.keys(table))
        .unwrap_or_default();
    keys.iter().any(|key| key.iter().all(holds))
}
