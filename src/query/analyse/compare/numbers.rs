//! Numbers of different types: which of two is cast when they are compared.

use sqlparser::ast::{Expr, Value};

use crate::model::catalog::Column;

/// The type in which a column of numbers is compared with a value of a wider one: a number with a fraction or exponent, or
/// whatever is cast.
pub(super) fn wider_number(column: &Column, value: &Expr) -> Option<&'static str> {
    let width = match column.base_type.as_str() {
        "int2" | "int4" | "int8" => Width::Whole,
        "numeric" => Width::Numeric,
        _ => return None,
    };
    match number_width(value).filter(|wider| *wider > width)? {
        Width::Whole => None,
        Width::Numeric => Some("numeric"),
        Width::Float => Some("float8"),
    }
}

/// Types of numbers, each of which takes in the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Width {
    Whole,
    Numeric,
    Float,
}

fn number_width(expr: &Expr) -> Option<Width> {
    match expr {
        Expr::Nested(inner) | Expr::UnaryOp { expr: inner, .. } => number_width(inner),
        Expr::BinaryOp { left, right, .. } => number_width(left).max(number_width(right)),
        Expr::Value(value) => match &value.value {
            Value::Number(text, _) if text.contains(['.', 'e', 'E']) => Some(Width::Numeric),
            Value::Number(..) => Some(Width::Whole),
            _ => None,
        },
        Expr::Cast { data_type, .. } => {
            let name = data_type.to_string().to_ascii_lowercase();
            let begins = |some: &[&str]| some.iter().any(|s| name.starts_with(s));
            if begins(&["numeric", "decimal", "dec"]) {
                Some(Width::Numeric)
            } else if begins(&["float", "double", "real"]) {
                Some(Width::Float)
            } else {
                None
            }
        }
        _ => None,
    }
}
