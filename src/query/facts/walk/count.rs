//! Counts that are only compared with 0, and what asks the same of the first row only.

use sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr,
    Query as QueryAst, Select, SelectItem, SetExpr, TableFactor, Value as Written,
};

use crate::query::facts::walk::Walk;
use crate::query::literal::literal;
use crate::query::tree::last_part;

impl Walk {
    /// `SELECT count(*) > 0 FROM …`.
    pub(super) fn count_of_all(&mut self, select: &Select) {
        let [SelectItem::UnnamedExpr(item) | SelectItem::ExprWithAlias { expr: item, .. }] =
            select.projection.as_slice()
        else {
            return;
        };
        let Expr::BinaryOp { left, op, right } = item else {
            return;
        };
        let Some(exists) = first_row_tells(left, op, right) else {
            return;
        };
        if (is_count(left) || is_count(right))
            && let Some(inner) = without_count(select)
        {
            let mut meant = format!("SELECT {exists} ({inner})");
            if let SelectItem::ExprWithAlias { alias, .. } = &select.projection[0] {
                meant = format!("{meant} AS {alias}");
            }
            self.facts.count_tests.push((select.to_string(), meant));
        }
    }
}

/// `EXISTS` or `NOT EXISTS`, and the query that it is asked of, for a count in a subquery that is compared with 0.
pub(super) fn count_test(
    left: &Expr,
    op: &BinaryOperator,
    right: &Expr,
) -> (Option<&'static str>, Option<String>) {
    let counted = |expr: &Expr| match expr {
        Expr::Subquery(query) => plain_select(query)
            .filter(|select| counts(select))
            .and_then(without_count),
        _ => None,
    };
    let select = counted(left).or_else(|| counted(right));
    (
        select
            .is_some()
            .then(|| first_row_tells(left, op, right))
            .flatten(),
        select,
    )
}

/// Whether the first row answers the comparison of a count with a constant: it is positive, or 0.
fn first_row_tells(left: &Expr, op: &BinaryOperator, right: &Expr) -> Option<&'static str> {
    let (number, op) = match (literal(left), literal(right)) {
        (None, Some(number)) => (number, op.clone()),
        (Some(number), None) => (number, mirrored(op)?),
        _ => return None,
    };
    match (op, number.as_str()) {
        (BinaryOperator::Gt | BinaryOperator::NotEq, "0") | (BinaryOperator::GtEq, "1") => {
            Some("EXISTS")
        }
        (BinaryOperator::Eq | BinaryOperator::LtEq, "0") | (BinaryOperator::Lt, "1") => {
            Some("NOT EXISTS")
        }
        _ => None,
    }
}

fn mirrored(op: &BinaryOperator) -> Option<BinaryOperator> {
    Some(match op {
        BinaryOperator::Gt => BinaryOperator::Lt,
        BinaryOperator::GtEq => BinaryOperator::LtEq,
        BinaryOperator::Lt => BinaryOperator::Gt,
        BinaryOperator::LtEq => BinaryOperator::GtEq,
        BinaryOperator::Eq | BinaryOperator::NotEq => op.clone(),
        _ => return None,
    })
}

fn plain_select(query: &QueryAst) -> Option<&Select> {
    let plain = query.with.is_none() && query.limit_clause.is_none() && query.fetch.is_none();
    match query.body.as_ref() {
        SetExpr::Select(select) if plain => Some(select),
        _ => None,
    }
}

/// Whether the one output of a SELECT is a count of its rows.
fn counts(select: &Select) -> bool {
    match select.projection.as_slice() {
        [SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }] => is_count(expr),
        _ => false,
    }
}

/// `count(*)` or `count(1)`.
fn is_count(expr: &Expr) -> bool {
    let Expr::Function(function) = expr else {
        return false;
    };
    let plain = function.over.is_none() && function.filter.is_none();
    plain && last_part(&function.name) == "count" && counts_rows(function)
}

fn counts_rows(function: &Function) -> bool {
    let FunctionArguments::List(list) = &function.args else {
        return false;
    };
    match list.args.as_slice() {
        [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)] => true,
        [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value)))] => {
            list.duplicate_treatment.is_none() && value.value != Written::Null
        }
        _ => false,
    }
}

/// The SELECT with a constant for its output, if it groups and sorts nothing and reads from something.
fn without_count(select: &Select) -> Option<String> {
    let ungrouped =
        matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty());
    let plain = ungrouped
        && select.having.is_none()
        && select.distinct.is_none()
        && !select.from.is_empty()
        // What a subquery there limits is counted soon.
        && (select.from.iter()).all(|t| matches!(t.relation, TableFactor::Table { .. }));
    if !plain {
        return None;
    }
    let mut select = select.clone();
    let one = Expr::value(Written::Number("1".into(), false));
    select.projection = vec![SelectItem::UnnamedExpr(one)];
    Some(select.to_string())
}
