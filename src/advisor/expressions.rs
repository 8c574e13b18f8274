//! Expressions as keys: which are worth an index, whether one can be built, and how two are compared.

use crate::model::catalog::Table;
use crate::model::index::{IndexDefinition, IndexKey, KeyOf};
use crate::query::expression::{canonical, unqualified};

/// A key on an expression of a statement, if an index can have it and it is worth one: a call, a cast, a member of a document.
/// What holds a parameter is another expression each time; for arithmetic (`total + 1 = 5`) the statement is what should change,
/// and a column that is compared with a wider number is cast by the server, not by the statement.
pub(super) fn expression_key(text: &str) -> Option<IndexKey> {
    let arithmetic = [" + ", " - ", " * ", " / ", " % ", "^"];
    let worth = ["(", "::", "->", "#>"]
        .iter()
        .any(|mark| text.contains(mark));
    let widened = ["::numeric", "::float8"].iter().any(|cast| {
        let of = text.strip_suffix(cast);
        of.is_some_and(|of| !of.contains(['(', ':', '>']))
    });
    let refused =
        text.contains('$') || widened || arithmetic.iter().any(|operator| text.contains(operator));
    (worth && !refused).then(|| {
        let mut key = IndexKey::column("");
        key.of = KeyOf::Expression(text.to_owned());
        key
    })
}

/// A definition in one spelling of its expressions and its predicate, for comparing.
pub(super) fn spelled(definition: &IndexDefinition, table: &Table) -> IndexDefinition {
    let mut definition = definition.clone();
    for key in &mut definition.keys {
        if let KeyOf::Expression(text) = &mut key.of {
            *text = unqualified(&canonical(text, table));
        }
    }
    let predicate = definition.predicate.take();
    definition.predicate = predicate.map(|text| unqualified(&canonical(&text, table)));
    definition
}

/// Calls that are immutable whatever they are given.
const IMMUTABLE: [&str; 16] = [
    "lower",
    "upper",
    "btrim",
    "trim",
    "ltrim",
    "rtrim",
    "length",
    "char_length",
    "substr",
    "substring",
    "left",
    "right",
    "abs",
    "md5",
    "coalesce",
    "reverse",
];

/// Whether only a server that builds it can tell what it is worth, or that it can be built.
pub(super) fn is_unproven(definition: &IndexDefinition, table: &Table) -> bool {
    let is_text = |name: &str| {
        let column = table.column(name);
        column.is_some_and(|c| c.category == "S")
    };
    let proven = |key: &IndexKey| match &key.of {
        KeyOf::Column(_) => true,
        KeyOf::Expression(text) => text.split_once('(').is_some_and(|(call, rest)| {
            let arguments = rest.trim_end_matches(')');
            let first = arguments.split(',').next().unwrap_or_default().trim();
            IMMUTABLE.contains(&call) && !arguments.contains(['(', ':', '>']) && is_text(first)
        }),
    };
    definition.method != "btree" || !definition.keys.iter().all(proven)
}
