//! What to ask instead of a computation over a column: a range of the bare column, or an index that holds the computation.

use crate::audit::rules::function_on_column::Asked;
use crate::model::catalog::Column as TableColumn;
use crate::model::ident::quote_ident;
use crate::query::analyse::side::changes_nothing;
use crate::query::facts::{Column, How, Value};

/// Functions that give the same for the same value for ever, so that an index can hold their result.
const IMMUTABLE: &[&str] = &[
    "btrim",
    "left",
    "lower",
    "ltrim",
    "md5",
    "replace",
    "reverse",
    "right",
    "rtrim",
    "split_part",
    "substr",
    "substring",
    "trim",
    "upper",
];

/// What to do instead.
pub(super) struct Instead {
    pub(super) advice: String,
    /// The same condition as a range of the bare column.
    pub(super) range: Option<String>,
}

pub(super) fn instead(asked: &Asked<'_>, column: &TableColumn) -> Option<Instead> {
    let is_time = matches!(column.base_type.as_str(), "timestamp" | "timestamptz");
    let equality = asked.is_equality();
    match asked.how {
        How::Cast(to) if changes_nothing(column, to) => None,
        How::Cast(to) if to == "date" && is_time => Some(day(asked)),
        How::Call { function, first } => match function.as_str() {
            "date" if is_time => Some(day(asked)),
            "date_trunc" if is_time => Some(truncated(asked, column, first.as_deref())),
            // The type compares without regard to case by itself.
            "lower" | "upper" if column.base_type == "citext" => None,
            function if equality && IMMUTABLE.contains(&function) => Some(index(asked)),
            _ => None,
        },
        How::Extract(field) if field == "year" && is_time && equality => Some(year(asked)),
        How::Cast(to) if equality && column.base_type == "uuid" && to == "text" => Some(Instead {
            advice: "compare the column itself and cast the value to uuid instead; one that is no uuid is then an error".into(),
            range: asked
                .value
                .map(|(_, value)| format!("{} = ({value})::uuid", name(asked.column))),
        }),
        How::Cast(to) if equality && is_text(to) && column.category == "N" => Some(Instead {
            advice: format!(
                "compare the column itself and cast the value to {} instead",
                column.type_name
            ),
            range: None,
        }),
        How::Arithmetic if equality || asked.operator != "<>" => Some(Instead {
            advice: format!(
                "leave {} alone on its side of the comparison and compute with the value on the other side",
                column.name
            ),
            range: None,
        }),
        How::TimeZone if asked.operator != "<>" => Some(Instead {
            advice: format!(
                "compare {} itself, and bring the value into its type with AT TIME ZONE instead",
                column.name
            ),
            range: None,
        }),
        How::Coalesce(_) if equality && column.not_null => Some(Instead {
            advice: format!("{} is never NULL: compare it without coalesce", column.name),
            range: asked
                .value
                .map(|(_, value)| format!("{} = {value}", name(asked.column))),
        }),
        How::Coalesce(default) if equality => Some(Instead {
            advice: format!(
                "compare {0} itself; where the value may be the default {default}, add OR {0} IS NULL",
                column.name
            ),
            range: None,
        }),
        _ => None,
    }
}

fn is_text(to: &str) -> bool {
    matches!(to, "text" | "varchar" | "character varying")
}

fn index(asked: &Asked<'_>) -> Instead {
    Instead {
        advice: format!(
            "an index on ({}), built CONCURRENTLY, followed by ANALYZE; or keep the value in that form in the column",
            asked.text
        ),
        range: None,
    }
}

/// A column as it is written in SQL.
fn name(column: &Column) -> String {
    let own = quote_ident(&column.name);
    match &column.of {
        Some(of) => format!("{}.{own}", quote_ident(of)),
        None => own.into_owned(),
    }
}

/// The range of a column between the beginning of what a value stands for and that of the next.
fn range(column: &str, operator: &str, begin: &str, next: &str) -> Option<String> {
    Some(match operator {
        "=" => format!("{column} >= {begin} AND {column} < {next}"),
        "<" => format!("{column} < {begin}"),
        "<=" => format!("{column} < {next}"),
        ">" => format!("{column} >= {next}"),
        ">=" => format!("{column} >= {begin}"),
        _ => return None,
    })
}

/// A value with a type, so that something can be added to it; nothing where its own type cannot be told.
fn typed(value: &Value, text: &str, to: &str) -> Option<String> {
    match value {
        Value::Cast(_, own) => (own == to).then(|| text.to_owned()),
        Value::Literal(_) | Value::Parameter(_) => Some(format!("{text}::{to}")),
        Value::Computed => {
            let day = to == "date" && text.eq_ignore_ascii_case("current_date");
            let period =
                to.starts_with("timestamp") && text.to_ascii_lowercase().starts_with("date_trunc(");
            (day || period).then(|| text.to_owned())
        }
        Value::Null => None,
    }
}

fn day(asked: &Asked<'_>) -> Instead {
    let column = name(asked.column);
    let range = asked.value.and_then(|(value, text)| {
        let begin = typed(value, text, "date")?;
        range(&column, asked.operator, &begin, &format!("{begin} + 1"))
    });
    Instead {
        advice: format!(
            "compare {column} itself with the beginning of the day and that of the next, so that an index on it serves"
        ),
        range,
    }
}

fn truncated(asked: &Asked<'_>, known: &TableColumn, unit: Option<&str>) -> Instead {
    const UNITS: &[(&str, &str)] = &[
        ("minute", "1 minute"),
        ("hour", "1 hour"),
        ("day", "1 day"),
        ("week", "1 week"),
        ("month", "1 month"),
        ("quarter", "3 months"),
        ("year", "1 year"),
    ];
    let column = name(asked.column);
    let unit = unit.and_then(|unit| {
        UNITS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(unit))
    });
    let range = unit
        .zip(asked.value)
        .and_then(|((_, length), (value, text))| {
            let begin = typed(value, text, &known.base_type)?;
            range(
                &column,
                asked.operator,
                &begin,
                &format!("{begin} + interval '{length}'"),
            )
        });
    Instead {
        advice: format!(
            "compare {column} itself with the beginning of the period and that of the next, so that an index on it serves; \
             the value must be the beginning of a period, as it must be for date_trunc to equal it"
        ),
        range,
    }
}

fn year(asked: &Asked<'_>) -> Instead {
    let column = name(asked.column);
    let range = asked
        .value
        .filter(|_| asked.operator == "=")
        .and_then(|(value, text)| {
            let year = typed(value, text, "int")?;
            let begin = format!("make_date({year}, 1, 1)");
            range(
                &column,
                "=",
                &begin,
                &format!("make_date({year} + 1, 1, 1)"),
            )
        });
    Instead {
        advice: format!(
            "compare {column} itself with the first of January and that of the next year, so that an index on it serves"
        ),
        range,
    }
}
