//! LIMIT, OFFSET and FETCH FIRST.

use sqlparser::ast::{Expr, Fetch, LimitClause, Query as QueryAst, Value};

use crate::query::literal::literal;
use crate::query::shape::Limit;

pub(crate) fn limit_expr(query: &QueryAst) -> Option<&Expr> {
    match &query.limit_clause {
        Some(LimitClause::LimitOffset { limit, .. }) => limit.as_ref(),
        Some(LimitClause::OffsetCommaLimit { limit, .. }) => Some(limit),
        None => None,
    }
}

pub(crate) fn offset_of(query: &QueryAst) -> Option<&Expr> {
    match &query.limit_clause {
        Some(LimitClause::LimitOffset { offset, .. }) => offset.as_ref().map(|o| &o.value),
        Some(LimitClause::OffsetCommaLimit { offset, .. }) => Some(offset),
        None => None,
    }
}

pub(crate) fn limit_expressions(query: &QueryAst) -> impl Iterator<Item = &Expr> {
    let fetch = query.fetch.as_ref().and_then(|f| f.quantity.as_ref());
    limit_expr(query)
        .into_iter()
        .chain(offset_of(query))
        .chain(fetch)
}

pub(crate) fn limit_of(query: &QueryAst) -> Option<Limit> {
    let number = |expr: &Expr| literal(expr).and_then(|text| text.parse::<f64>().ok());
    let rows = match (&query.fetch, limit_expr(query)) {
        (Some(Fetch { quantity: None, .. }), _) => Limit::Rows(1.0),
        (
            Some(Fetch {
                quantity: Some(expr),
                ..
            }),
            _,
        )
        | (None, Some(expr)) => {
            // LIMIT NULL and LIMIT ALL are none.
            if matches!(expr, Expr::Value(v) if v.value == Value::Null)
                || matches!(expr, Expr::Identifier(_))
            {
                return None;
            }
            number(expr).map_or(Limit::Parameter, Limit::Rows)
        }
        (None, None) => return None,
    };
    match (rows, offset_of(query).and_then(number)) {
        (Limit::Rows(rows), Some(offset)) => Some(Limit::Rows(rows + offset)),
        (rows, _) => Some(rows),
    }
}
