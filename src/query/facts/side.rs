//! One side of a comparison, as it is written: a column, a computation over one, a value.

use sqlparser::ast::{BinaryOperator, Expr, Function, TypedString, Value as Written};

use crate::query::facts::{Column, How, Side, Value};
use crate::query::literal::literal;
use crate::query::tree::{Child, arguments, fold, parts, walk};

/// What one side is.
pub(super) fn side(expr: &Expr) -> Side {
    if let Expr::Nested(inner) = expr {
        return side(inner);
    }
    if let Some(column) = column(expr) {
        return Side::Column(column);
    }
    match value(expr) {
        Some(value) => Side::Value {
            value,
            text: expr.to_string(),
        },
        None => wrapped(expr).unwrap_or(Side::Other),
    }
}

/// The column that an expression is.
pub(super) fn column(expr: &Expr) -> Option<Column> {
    match expr {
        Expr::Nested(inner) => column(inner),
        Expr::Identifier(name) => Some(Column {
            of: None,
            name: fold(name),
        }),
        Expr::CompoundIdentifier(names) => {
            let (name, before) = names.split_last()?;
            Some(Column {
                of: before.last().map(fold),
                name: fold(name),
            })
        }
        _ => None,
    }
}

/// The value that an expression is, if nothing of the statement's tables is in it.
pub(super) fn value(expr: &Expr) -> Option<Value> {
    match expr {
        Expr::Nested(inner) => value(inner),
        Expr::Value(written) | Expr::TypedString(TypedString { value: written, .. }) => {
            Some(match &written.value {
                Written::Null => Value::Null,
                Written::Placeholder(name) => name
                    .strip_prefix('$')
                    .and_then(|number| number.parse().ok())
                    .map_or(Value::Computed, Value::Parameter),
                _ => literal(expr).map_or(Value::Computed, Value::Literal),
            })
        }
        Expr::Cast {
            expr, data_type, ..
        } => {
            let kind = data_type.to_string().to_ascii_lowercase();
            Some(Value::Cast(Box::new(value(expr)?), kind))
        }
        Expr::UnaryOp { .. } if literal(expr).is_some() => literal(expr).map(Value::Literal),
        _ => depends_on(expr)
            .is_some_and(|columns| columns.is_empty())
            .then_some(Value::Computed),
    }
}

/// The columns in an expression; `None` if there is a subquery or a whole row in it.
fn depends_on(expr: &Expr) -> Option<Vec<Column>> {
    let (mut columns, mut opaque) = (Vec::new(), false);
    walk(expr, |child| {
        match child {
            Child::Expr(expr @ (Expr::Identifier(_) | Expr::CompoundIdentifier(_))) => {
                columns.extend(column(expr));
            }
            Child::Expr(_) => {}
            _ => opaque = true,
        }
        true
    });
    (!opaque).then_some(columns)
}

/// A computation over one column.
fn wrapped(expr: &Expr) -> Option<Side> {
    let columns = depends_on(expr)?;
    let (column, rest) = columns.split_first()?;
    if rest.iter().any(|other| other != column) {
        return None;
    }
    Some(Side::Wrapped {
        column: column.clone(),
        how: if rest.is_empty() {
            how(expr)
        } else {
            How::Nested
        },
        text: expr.to_string(),
    })
}

/// What the one column of an expression is wrapped in.
fn how(expr: &Expr) -> How {
    let plain = |inner: &Expr| column(inner).is_some();
    match expr {
        Expr::Nested(inner) => how(inner),
        Expr::Cast {
            expr: inner,
            data_type,
            ..
        } => match inner.as_ref() {
            inner if plain(inner) => How::Cast(data_type.to_string().to_ascii_lowercase()),
            inner => match how(inner) {
                same @ (How::Json | How::TimeZone) => same,
                _ => How::Nested,
            },
        },
        Expr::Extract { field, expr, .. } if plain(expr) => {
            How::Extract(field.to_string().to_ascii_lowercase())
        }
        Expr::AtTimeZone { timestamp, .. } if plain(timestamp) => How::TimeZone,
        Expr::Function(function) => call(function),
        Expr::Substring { expr, .. } if plain(expr) => named("substring"),
        Expr::Trim { expr, .. } if plain(expr) => named("trim"),
        Expr::BinaryOp { left, op, right } => match op {
            BinaryOperator::Plus
            | BinaryOperator::Minus
            | BinaryOperator::Multiply
            | BinaryOperator::Divide
                if plain(left) || plain(right) =>
            {
                How::Arithmetic
            }
            BinaryOperator::Arrow
            | BinaryOperator::LongArrow
            | BinaryOperator::HashArrow
            | BinaryOperator::HashLongArrow
                if plain(left) || how(left) == How::Json =>
            {
                How::Json
            }
            _ => How::Nested,
        },
        _ => How::Nested,
    }
}

fn named(function: &str) -> How {
    How::Call {
        function: function.to_owned(),
        first: None,
    }
}

/// A call with one plain column among its arguments.
fn call(function: &Function) -> How {
    let arguments = arguments(function);
    let special = function.over.is_some() || function.filter.is_some();
    let plain = arguments.iter().position(|a| column(a).is_some());
    let (Some(at), false) = (plain, special) else {
        return How::Nested;
    };
    let first = arguments.first().and_then(|a| literal(a));
    let mut names = parts(&function.name);
    if names.first().is_some_and(|schema| schema == "pg_catalog") {
        names.remove(0);
    }
    match (names.join(".").as_str(), at, arguments.as_slice()) {
        ("coalesce", 0, [_, other]) => How::Coalesce(other.to_string()),
        ("date_part", 1, _) => first.map_or(How::Nested, |field| {
            How::Extract(field.to_ascii_lowercase())
        }),
        (name, _, _) => How::Call {
            function: name.to_owned(),
            first: first.filter(|_| at > 0),
        },
    }
}
