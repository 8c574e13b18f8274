//! `function-on-column`: a column is computed with before it is compared, so that its index is of no use.

mod instead;

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::function_on_column::instead::instead;
use crate::audit::rules::{Check, Rule, TextHit};
use crate::audit::text::Text;
use crate::model::catalog::Table;
use crate::model::index::KeyOf;
use crate::model::unit::Count;
use crate::query::expression::{canonical, unqualified};
use crate::query::facts::{Column, Condition, How, Join, Side, Test, Value};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "function-on-column",
    title: "A column is compared only after a computation, which no index on it serves",
    page: "\
An index on a column holds the values of the column, not of date(column) or lower(column): the server computes it for every row.

Told by: a condition of WHERE or ON compares a call, a cast or arithmetic over one column with a value; the table has at least 10,000
rows, no index holds that expression, and no other condition finds few rows by an index.

Do: for dates, ask for a range of the bare column: date(at) = x is at >= x AND at < x + 1. Else build an index on the expression.

All right when: most rows pass the condition, or the statement runs rarely.",
    check: Check::Sql(check),
};

fn check(text: &Text<'_>) -> Vec<TextHit> {
    let conditions = text.facts().conditions.iter().filter(|c| !c.outer);
    conditions
        .filter_map(|condition| hit(text, condition))
        .collect()
}

fn hit(text: &Text<'_>, condition: &Condition) -> Option<TextHit> {
    let asked = Asked::of(&condition.test)?;
    let owner = text.owner(asked.column, condition.block)?;
    let (table, column) = text.column(asked.column, condition.block)?;
    if !text.is_large(owner) || text.is_narrowed(owner) || is_indexed(text, table, asked.text) {
        return None;
    }
    if matches!(asked.how, How::Coalesce(_)) && has_outer_join(text, condition.block) {
        return None;
    }
    // Where a value has many rows, no index is of use for it.
    if asked.is_equality() && !ranged(asked.how) && !text.is_selective(table, column) {
        return None;
    }
    let instead = instead(&asked, column)?;
    let rewrite = instead
        .range
        .and_then(|range| text.read.with(asked.all, &range));
    Some(TextHit {
        object: format!("{}.{}", table.name, column.name),
        confirmed: true,
        least: Severity::Info,
        evidence: vec![
            format!(
                "{} is computed for each of {} rows",
                asked.text,
                Count(table.rows())
            ),
            "no index holds it".into(),
        ],
        fix: Fix {
            advice: instead.advice,
            rewrite,
            ..Fix::default()
        },
    })
}

/// What a condition asks of a computed column.
struct Asked<'a> {
    column: &'a Column,
    how: &'a How,
    /// The computation.
    text: &'a str,
    operator: &'a str,
    /// The value that it is compared with.
    value: Option<(&'a Value, &'a str)>,
    /// The whole comparison.
    all: &'a str,
}

impl<'a> Asked<'a> {
    fn of(test: &'a Test) -> Option<Self> {
        let (side, operator, value, all) = match test {
            Test::In(side) => (side, "IN", None, ""),
            Test::Between { left, .. } => (left, "BETWEEN", None, ""),
            Test::Compare {
                left,
                operator,
                right,
                text,
            } => match (left, right) {
                (
                    side @ Side::Wrapped { .. },
                    Side::Value {
                        value,
                        text: written,
                    },
                ) => (
                    side,
                    *operator,
                    Some((value, written.as_str())),
                    text.as_str(),
                ),
                (
                    Side::Value {
                        value,
                        text: written,
                    },
                    side @ Side::Wrapped { .. },
                ) => (
                    side,
                    mirrored(operator),
                    Some((value, written.as_str())),
                    text.as_str(),
                ),
                _ => return None,
            },
            _ => return None,
        };
        let Side::Wrapped { column, how, text } = side else {
            return None;
        };
        Some(Self {
            column,
            how,
            text,
            operator,
            value,
            all,
        })
    }
}

impl Asked<'_> {
    fn is_equality(&self) -> bool {
        matches!(self.operator, "=" | "IN")
    }
}

/// Whether equality with the computed value is a range of the column.
fn ranged(how: &How) -> bool {
    match how {
        How::Cast(to) => to == "date",
        How::Call { function, .. } => matches!(function.as_str(), "date" | "date_trunc"),
        How::Extract(_) => true,
        _ => false,
    }
}

fn mirrored(operator: &str) -> &str {
    match operator {
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        same => same,
    }
}

/// Whether columns may be NULL because of a join, whatever their table says.
fn has_outer_join(text: &Text<'_>, block: usize) -> bool {
    text.relations(block).any(|r| {
        matches!(
            text.facts().relations[r].join,
            Join::Left | Join::Outer | Join::Using
        )
    })
}

/// Whether an index holds an expression.
fn is_indexed(text: &Text<'_>, table: &Table, expression: &str) -> bool {
    let spelled = |expression: &str| unqualified(&canonical(expression, table));
    let wanted = spelled(expression);
    text.indexes(table)
        .flat_map(|index| &index.definition.keys)
        .any(|key| match &key.of {
            KeyOf::Expression(held) => spelled(held) == wanted,
            KeyOf::Column(_) => false,
        })
}
