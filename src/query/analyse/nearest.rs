//! ORDER BY a distance, which a search tree can give the nearest rows by: `spot <-> $1`.

use sqlparser::ast::{Expr, OrderByExpr, OrderBySort, Select, SelectItem, Value};

use crate::query::analyse::Analysis;
use crate::query::analyse::side::Side;
use crate::query::shape::Nearest;
use crate::query::tree::fold;
use crate::query::workload::Reason;

impl<'a> Analysis<'a, '_> {
    /// The distance that a key of ORDER BY sorts by, if an index can give the nearest rows first: one end of it is a column, or
    /// an expression over one, and the other does not depend on the row.
    pub(crate) fn nearest(
        &self,
        key: &'a OrderByExpr,
        select: &'a Select,
    ) -> Result<Option<Nearest>, Reason> {
        let forwards = matches!(key.options.sort, None | Some(OrderBySort::Asc));
        if !forwards || key.options.nulls_first == Some(true) {
            return Ok(None);
        }
        let Some(Expr::BinaryOp { left, op, right }) = meant(&key.expr, select) else {
            return Ok(None);
        };
        let operator = op.to_string();
        let Some(turned) = turned(&operator) else {
            return Ok(None);
        };
        let constant = |side: &Side| matches!(side, Side::Value | Side::Outer(_));
        let (side, operator) = match (self.side(left)?, self.side(right)?) {
            (side, other) if constant(&other) => (side, operator.as_str()),
            (other, side) if constant(&other) => (side, turned),
            _ => return Ok(None),
        };
        let (target, expression) = match side {
            Side::Column(target) => (target, None),
            Side::Wrapped { target, text } => (target, Some(text)),
            _ => return Ok(None),
        };
        Ok(target.is_direct().then(|| Nearest {
            column: target.column,
            expression,
            operator: operator.to_owned(),
        }))
    }
}

/// A distance operator with its sides exchanged; those beyond `<->` are `pg_trgm`'s, for words within a text.
fn turned(operator: &str) -> Option<&'static str> {
    Some(match operator {
        "<->" => "<->",
        "<<->" => "<->>",
        "<->>" => "<<->",
        "<<<->" => "<->>>",
        "<->>>" => "<<<->",
        _ => return None,
    })
}

/// The expression that a key of ORDER BY means: itself, or the output of that name or at that position.
fn meant<'a>(key: &'a Expr, select: &'a Select) -> Option<&'a Expr> {
    let outputs = || select.projection.iter();
    match unnested(key) {
        Expr::Identifier(name) => outputs().find_map(|item| match item {
            SelectItem::ExprWithAlias { expr, alias } if fold(alias) == fold(name) => {
                Some(unnested(expr))
            }
            _ => None,
        }),
        Expr::Value(value) => {
            let Value::Number(text, _) = &value.value else {
                return None;
            };
            let position = text.parse::<usize>().ok()?.checked_sub(1)?;
            // Nobody has counted the columns of a star before it.
            let mut plain = outputs().map_while(output);
            plain.nth(position)
        }
        other => Some(other),
    }
}

fn output(item: &SelectItem) -> Option<&Expr> {
    match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
            Some(unnested(expr))
        }
        _ => None,
    }
}

fn unnested(expr: &Expr) -> &Expr {
    match expr {
        Expr::Nested(inner) => unnested(inner),
        other => other,
    }
}
