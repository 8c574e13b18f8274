//! Constants in the text form that `pg_stats` has, and what a LIKE pattern can be searched by.

use sqlparser::ast::{BinaryOperator, DataType, Expr, TypedString, UnaryOperator, Value};

use crate::model::catalog::Column;
use crate::query::analyse::side::changes_nothing;
use crate::query::shape::{Operand, Operator};

/// The text of a constant, casts and signs folded; `None` for NULL, parameters and everything computed.
pub(crate) fn literal(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Nested(inner) => literal(inner),
        Expr::Cast {
            expr, data_type, ..
        } => {
            let text = literal(expr)?;
            Some(if matches!(data_type, DataType::Boolean | DataType::Bool) {
                boolean(&text).to_owned()
            } else {
                text
            })
        }
        Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr,
        } => {
            let text = literal(expr)?;
            match text.strip_prefix('-') {
                Some(positive) => Some(positive.to_owned()),
                None => text
                    .starts_with(|c: char| c.is_ascii_digit() || c == '.')
                    .then(|| format!("-{text}")),
            }
        }
        Expr::UnaryOp {
            op: UnaryOperator::Plus,
            expr,
        } => literal(expr),
        Expr::Value(value) | Expr::TypedString(TypedString { value, .. }) => text(&value.value),
        _ => None,
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Number(text, _)
        | Value::SingleQuotedString(text)
        | Value::EscapedStringLiteral(text)
        | Value::UnicodeStringLiteral(text)
        | Value::NationalStringLiteral(text) => Some(text.clone()),
        Value::DollarQuotedString(text) => Some(text.value.clone()),
        Value::Boolean(true) => Some("t".into()),
        Value::Boolean(false) => Some("f".into()),
        _ => None,
    }
}

/// `t` or `f` for what the input function of boolean takes.
fn boolean(text: &str) -> &str {
    match text.trim().to_ascii_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "on" | "1" => "t",
        "f" | "false" | "n" | "no" | "off" | "0" => "f",
        _ => text,
    }
}

/// A constant compared with that column.
pub(crate) fn operand(expr: &Expr, column: Option<&Column>) -> Operand {
    match (literal(expr), parameter(expr, column)) {
        (Some(text), _) => Operand::Literal(of_type(text, column)),
        (None, Some(number)) => Operand::Parameters(vec![number]),
        (None, None) => (ago(expr).map(Operand::Ago))
            .or_else(|| array(expr, column))
            .unwrap_or(Operand::Unknown),
    }
}

/// What `ARRAY[…]` holds: constants, or one parameter. An element that is put in its place is of type text, unless something is
/// cast or the column is an array of texts.
fn array(expr: &Expr, column: Option<&Column>) -> Option<Operand> {
    match expr {
        Expr::Nested(inner) => array(inner, column),
        Expr::Cast { expr: inner, .. } => array(inner, None),
        Expr::Array(array) => {
            let texts: Option<Vec<String>> = array.elem.iter().map(literal).collect();
            let [element] = array.elem.as_slice() else {
                return texts.map(Operand::Literals);
            };
            let number = match element {
                Expr::Cast { expr, .. } => parameter(expr, None),
                _ if column.is_none_or(|c| c.base_type == "_text") => parameter(element, None),
                _ => None,
            };
            (number.map(Operand::Element)).or_else(|| texts.map(Operand::Literals))
        }
        _ => None,
    }
}

/// The parameter of `now() - $n::interval`, in the ways in which now is written.
fn ago(expr: &Expr) -> Option<usize> {
    const NOW: [&str; 5] = [
        "now",
        "current_timestamp",
        "localtimestamp",
        "transaction_timestamp",
        "statement_timestamp",
    ];
    match expr {
        Expr::Nested(inner) => ago(inner),
        Expr::BinaryOp {
            left,
            op: BinaryOperator::Minus,
            right,
        } => {
            let Expr::Function(function) = left.as_ref() else {
                return None;
            };
            let name = function.name.to_string().to_ascii_lowercase();
            let Expr::Cast {
                expr: length,
                data_type:
                    DataType::Interval {
                        fields: None,
                        precision: None,
                    },
                ..
            } = right.as_ref()
            else {
                return None;
            };
            (NOW.contains(&name.as_str()))
                .then(|| parameter(length, None))
                .flatten()
        }
        _ => None,
    }
}

/// The number of a parameter that stands alone, or under a cast to the column's own type.
fn parameter(expr: &Expr, column: Option<&Column>) -> Option<usize> {
    match expr {
        Expr::Nested(inner) => parameter(inner, column),
        Expr::Cast {
            expr, data_type, ..
        } if changes_nothing(column?, &data_type.to_string()) => parameter(expr, column),
        Expr::Value(value) => match &value.value {
            Value::Placeholder(text) => text.strip_prefix('$')?.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// Several of them; unknown if one is.
pub(crate) fn operands<'a>(
    exprs: impl IntoIterator<Item = &'a Expr>,
    column: Option<&Column>,
) -> Operand {
    let exprs: Vec<&Expr> = exprs.into_iter().collect();
    let texts: Option<Vec<String>> = (exprs.iter())
        .map(|e| literal(e).map(|text| of_type(text, column)))
        .collect();
    if let Some(texts) = texts {
        return Operand::Literals(texts);
    }
    let numbers: Option<Vec<usize>> = exprs.iter().map(|e| parameter(e, column)).collect();
    numbers.map_or(Operand::Unknown, Operand::Parameters)
}

fn of_type(text: String, column: Option<&Column>) -> String {
    match column.map(|c| c.base_type.as_str()) {
        Some("bool") => boolean(&text).to_owned(),
        _ => text,
    }
}

/// The elements of an array constant (`'{1,2}'`) of plain values.
pub(crate) fn elements(text: &str) -> Option<Vec<String>> {
    let inner = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    if inner.contains(['{', '"', '\\']) {
        return None;
    }
    if inner.trim().is_empty() {
        return Some(Vec::new());
    }
    Some(inner.split(',').map(|e| e.trim().to_owned()).collect())
}

/// How a LIKE with this pattern can be searched, as `like_fixed_prefix` of PostgreSQL sees it: a pattern without wildcard
/// is an equality, one with a fixed beginning a range.
pub(crate) fn like(pattern: &Expr, escape: Option<&Expr>) -> (Operator, Operand) {
    let Some(pattern) = literal(pattern) else {
        return (Operator::Like, Operand::Unknown);
    };
    let escape = match escape.map(literal) {
        None => Some('\\'),
        Some(Some(text)) => text.chars().next(),
        Some(None) => return (Operator::Like, Operand::Unknown),
    };
    let mut prefix = String::new();
    let mut chars = pattern.chars();
    let mut fixed = true;
    while let Some(c) = chars.next() {
        match c {
            c if Some(c) == escape => prefix.extend(chars.next()),
            '%' | '_' => {
                fixed = false;
                break;
            }
            c => prefix.push(c),
        }
    }
    let operator = match (fixed, prefix.is_empty()) {
        (true, _) => return (Operator::Eq, Operand::Literal(prefix)),
        (false, false) => Operator::LikePrefix,
        (false, true) => Operator::Like,
    };
    (operator, Operand::Literal(pattern))
}

/// A LIKE pattern that begins with this text, for `starts_with` and `^@`.
pub(crate) fn begins_with(prefix: &Expr) -> Operand {
    match literal(prefix) {
        Some(text) => {
            let escaped: String = (text.chars())
                .flat_map(|c| {
                    matches!(c, '%' | '_' | '\\')
                        .then_some('\\')
                        .into_iter()
                        .chain([c])
                })
                .collect();
            Operand::Literal(escaped + "%")
        }
        None => Operand::Unknown,
    }
}
