//! `between-timestamp`: BETWEEN two days over points in time, which leaves out most of the last day.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, Rule, TextHit};
use crate::audit::text::Text;
use crate::query::facts::{Side, Test, Value};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "between-timestamp",
    title: "BETWEEN two dates leaves out the last day of a timestamp",
    page: "\
A date stands for its first moment: at BETWEEN '2026-01-01' AND '2026-01-31' ends on the 31st at 0:00. With the first of the next month
as its end it holds one moment too many.

Told by: BETWEEN on a column of type timestamp or timestamptz whose upper bound is a date without a time, written out or cast to date.
Where constants have become parameters nothing can be told.

Do: at >= first AND at < day after the last.

All right when: the column holds whole days only, so that both ends are meant.",
    check: Check::Sql(check),
};

fn check(text: &Text<'_>) -> Vec<TextHit> {
    let conditions = text.facts().conditions.iter();
    let hits = conditions.filter_map(|condition| {
        let Test::Between {
            left: Side::Column(column),
            high: Side::Value { value, text: high },
        } = &condition.test
        else {
            return None;
        };
        let (table, known) = text.column(column, condition.block)?;
        let moments = matches!(known.base_type.as_str(), "timestamp" | "timestamptz");
        if !moments || !is_date(value) {
            return None;
        }
        Some(TextHit {
            object: format!("{}.{}", table.name, known.name),
            confirmed: false,
            least: Severity::Low,
            evidence: vec![format!(
                "{} is a {}, and {high} is the first moment of that day",
                known.name, known.type_name
            )],
            fix: Fix::from(format!(
                "{0} >= first day AND {0} < day after the last",
                known.name
            )),
        })
    });
    hits.collect()
}

/// Whether a value is a day: cast to date, or written as `2026-01-31`.
fn is_date(value: &Value) -> bool {
    match value {
        Value::Cast(_, to) if to == "date" => true,
        Value::Cast(inner, _) => is_date(inner),
        Value::Literal(text) => {
            let parts: Vec<&str> = text.trim().split('-').collect();
            let digits = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            parts.len() == 3 && parts[0].len() == 4 && parts.iter().all(digits)
        }
        _ => false,
    }
}
