//! What a condition asks of a row, as it is written.

use sqlparser::ast::{BinaryOperator, Expr};

use crate::query::facts::side::{column, side, value};
use crate::query::facts::{Column, Condition, Pattern, Side, Test, Value};
use crate::query::literal::literal;
use crate::query::tree::{Child, arguments, last_part, walk};

/// Adds the conditions that are joined by AND in an expression.
pub(super) fn conjuncts(expr: &Expr, block: usize, outer: bool, out: &mut Vec<Condition>) {
    for part in flat(expr, &BinaryOperator::And) {
        let mut columns = Vec::new();
        walk(part, |child| {
            if let Child::Expr(expr @ (Expr::Identifier(_) | Expr::CompoundIdentifier(_))) = child {
                columns.extend(column(expr));
            }
            true
        });
        out.push(Condition {
            block,
            columns,
            test: test(part, block),
            outer,
        });
    }
}

/// The operands of a chain of one operator, in order.
fn flat<'a>(expr: &'a Expr, operator: &BinaryOperator) -> Vec<&'a Expr> {
    let (mut open, mut out) = (vec![expr], Vec::new());
    while let Some(expr) = open.pop() {
        match expr {
            Expr::BinaryOp { left, op, right } if op == operator => {
                open.extend([right.as_ref(), left]);
            }
            Expr::Nested(inner) => open.push(inner),
            other => out.push(other),
        }
    }
    out
}

/// What one condition asks.
fn test(expr: &Expr, block: usize) -> Test {
    match expr {
        Expr::BinaryOp {
            op: BinaryOperator::Or,
            ..
        } => disjunction(expr, block),
        Expr::BinaryOp { left, op, right } => match comparison(op) {
            Some(operator) => compare(expr, left, operator, right),
            None => matching(op).map_or(Test::Other, |name| pattern(left, name, right)),
        },
        Expr::InList {
            expr: left,
            list,
            negated: false,
        } if list.iter().all(|element| value(element).is_some()) => Test::In(side(left)),
        Expr::AnyOp {
            left,
            compare_op: BinaryOperator::Eq,
            right,
            ..
        } if value(right).is_some() => Test::In(side(left)),
        Expr::Between {
            expr: left,
            high,
            negated: false,
            ..
        } => Test::Between {
            left: side(left),
            high: side(high),
        },
        Expr::Like {
            negated: false,
            expr: left,
            pattern: right,
            any: false,
            ..
        } => pattern(left, "LIKE", right),
        Expr::ILike {
            negated: false,
            expr: left,
            pattern: right,
            any: false,
            ..
        } => pattern(left, "ILIKE", right),
        Expr::SimilarTo {
            negated: false,
            expr: left,
            pattern: right,
            ..
        } => pattern(left, "SIMILAR TO", right),
        _ => Test::Other,
    }
}

fn comparison(operator: &BinaryOperator) -> Option<&'static str> {
    Some(match operator {
        BinaryOperator::Eq => "=",
        BinaryOperator::NotEq => "<>",
        BinaryOperator::Lt => "<",
        BinaryOperator::LtEq => "<=",
        BinaryOperator::Gt => ">",
        BinaryOperator::GtEq => ">=",
        _ => return None,
    })
}

fn matching(operator: &BinaryOperator) -> Option<&'static str> {
    Some(match operator {
        BinaryOperator::PGRegexMatch => "~",
        BinaryOperator::PGRegexIMatch => "~*",
        BinaryOperator::PGLikeMatch => "LIKE",
        BinaryOperator::PGILikeMatch => "ILIKE",
        _ => return None,
    })
}

fn compare(all: &Expr, left: &Expr, operator: &'static str, right: &Expr) -> Test {
    if operator == "=" {
        for (one, other) in [(left, right), (right, left)] {
            if let Some(column) = default_of_itself(one, other) {
                return Test::CatchAll(column, all.to_string());
            }
        }
    }
    let (left, right) = (side(left), side(right));
    let wrapped = |side: &Side| matches!(side, Side::Wrapped { .. });
    let text = if wrapped(&left) || wrapped(&right) {
        all.to_string()
    } else {
        String::new()
    };
    Test::Compare {
        left,
        operator,
        right,
        text,
    }
}

/// The column of `column = coalesce($1, column)`.
fn default_of_itself(one: &Expr, other: &Expr) -> Option<Column> {
    let own = column(one)?;
    let Expr::Function(function) = other else {
        return None;
    };
    let arguments = arguments(function);
    let [first, last] = arguments.as_slice() else {
        return None;
    };
    let fits = last_part(&function.name) == "coalesce"
        && parameter(first).is_some()
        && column(last).as_ref() == Some(&own);
    fits.then_some(own)
}

/// The number of a parameter, under casts too.
fn parameter(expr: &Expr) -> Option<usize> {
    let mut value = value(expr)?;
    while let Value::Cast(inner, _) = value {
        value = *inner;
    }
    match value {
        Value::Parameter(number) => Some(number),
        _ => None,
    }
}

fn disjunction(all: &Expr, block: usize) -> Test {
    let arms = flat(all, &BinaryOperator::Or);
    if let [one, other] = arms.as_slice() {
        for (null, compared) in [(one, other), (other, one)] {
            if let Some(column) = ignored(null, compared) {
                return Test::CatchAll(column, all.to_string());
            }
        }
    }
    let arm = |arm: &&Expr| {
        let mut conditions = Vec::new();
        conjuncts(arm, block, false, &mut conditions);
        conditions
    };
    Test::Or(arms.iter().map(arm).collect())
}

/// The column of `$1 IS NULL OR column = $1`.
fn ignored(null: &Expr, compared: &Expr) -> Option<Column> {
    let Expr::IsNull(of) = null else {
        return None;
    };
    let Expr::BinaryOp {
        left,
        op: BinaryOperator::Eq,
        right,
    } = compared
    else {
        return None;
    };
    let number = parameter(of)?;
    [(left, right), (right, left)]
        .into_iter()
        .find_map(|(a, b)| column(a).filter(|_| parameter(b) == Some(number)))
}

fn pattern(left: &Expr, operator: &'static str, right: &Expr) -> Test {
    if value(right).is_none() {
        return Test::Other;
    }
    let whole = literal(right);
    Test::Pattern(Pattern {
        left: side(left),
        operator,
        whole: whole.is_some(),
        begins: whole.or_else(|| beginning(right)),
    })
}

/// The constant that a concatenation begins with.
fn beginning(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Nested(inner) => beginning(inner),
        Expr::Cast { expr, .. } => beginning(expr),
        Expr::BinaryOp {
            left,
            op: BinaryOperator::StringConcat,
            ..
        } => beginning(left),
        Expr::Function(function) if last_part(&function.name) == "concat" => {
            arguments(function).first().and_then(|a| beginning(a))
        }
        other => literal(other),
    }
}
