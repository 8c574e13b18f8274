//! `json-filter`: a field of a document is compared in every row.

use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Rule, TextHit};
use crate::audit::text::Text;
use crate::model::index::KeyOf;
use crate::model::unit::Count;
use crate::query::facts::{How, Side, Test};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "json-filter",
    title: "A field of a JSON document is compared, and no index holds it",
    page: "\
An index on a document column serves containment (@>), not ->> or #>>: the server takes the field out of the document of every row.

Told by: a condition compares column ->> 'key' with a value by = or IN; the table has at least 10,000 rows, no index holds an
expression over the column, and no other condition finds few rows by an index.

Do: an index on the expression, ((column ->> 'key')). Where the column is jsonb and many keys are asked for, ask with
column @> '{\"key\": \"value\"}' and build an index USING gin (column jsonb_path_ops).

All right when: other conditions of the statement find the few rows.",
    check: Check::Sql(check),
};

fn check(text: &Text<'_>) -> Vec<TextHit> {
    let conditions = text.facts().conditions.iter().filter(|c| !c.outer);
    let hits = conditions.filter_map(|condition| {
        let side = match &condition.test {
            Test::In(side) => side,
            Test::Compare {
                left,
                operator: "=",
                right,
                ..
            } => match (left, right) {
                (side, Side::Value { .. }) | (Side::Value { .. }, side) => side,
                _ => return None,
            },
            _ => return None,
        };
        let Side::Wrapped {
            column,
            how: How::Json,
            text: written,
        } = side
        else {
            return None;
        };
        let owner = text.owner(column, condition.block)?;
        let (table, known) = text.column(column, condition.block)?;
        // A key that became a parameter may be the one that an index holds.
        let held = text
            .indexes(table)
            .flat_map(|index| &index.definition.keys)
            .any(|key| match &key.of {
                KeyOf::Expression(expression) => expression.contains(known.name.as_str()),
                KeyOf::Column(_) => false,
            });
        if held || !text.is_large(owner) || text.is_narrowed(owner) {
            return None;
        }
        let contains = text.indexes(table).any(|index| {
            let over = index.definition.key_columns().any(|c| c == known.name);
            over && index.definition.method == "gin"
        });
        let advice = if contains {
            format!(
                "ask with {0} @> '{{\"key\": \"value\"}}': the GIN index on {0} serves that",
                known.name
            )
        } else {
            format!("an index on (({written})), built CONCURRENTLY, followed by ANALYZE")
        };
        Some(TextHit {
            object: format!("{}.{}", table.name, known.name),
            confirmed: true,
            least: Severity::Info,
            evidence: vec![format!(
                "{written} is taken from each of {} rows",
                Count(table.rows())
            )],
            fix: advice.into(),
        })
    });
    hits.collect()
}
