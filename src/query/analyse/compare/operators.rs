//! Operators of comparisons: those that an index may know, with their sides exchanged, and their negation.

use sqlparser::ast::BinaryOperator;

use crate::query::shape::Operator;

/// Comparison operators of btree and those that other access methods know.
pub(super) fn operator(op: &BinaryOperator) -> Option<Operator> {
    Some(match op {
        BinaryOperator::Eq => Operator::Eq,
        BinaryOperator::NotEq => Operator::NotEq,
        BinaryOperator::Lt => Operator::Lt,
        BinaryOperator::LtEq => Operator::Le,
        BinaryOperator::Gt => Operator::Gt,
        BinaryOperator::GtEq => Operator::Ge,
        BinaryOperator::Plus
        | BinaryOperator::Minus
        | BinaryOperator::Multiply
        | BinaryOperator::Divide
        | BinaryOperator::Modulo
        | BinaryOperator::StringConcat
        | BinaryOperator::And
        | BinaryOperator::Or
        | BinaryOperator::Arrow
        | BinaryOperator::LongArrow
        | BinaryOperator::HashArrow
        | BinaryOperator::HashLongArrow
        | BinaryOperator::HashMinus
        | BinaryOperator::PGExp
        | BinaryOperator::BitwiseAnd
        | BinaryOperator::BitwiseOr
        | BinaryOperator::PGBitwiseXor
        | BinaryOperator::LtDashGt
        | BinaryOperator::Overlaps => return None,
        other => Operator::Other(other.to_string()),
    })
}

/// The operator with its sides exchanged.
pub(super) fn commuted(operator: &Operator) -> Option<Operator> {
    Some(match operator {
        Operator::Lt => Operator::Gt,
        Operator::Le => Operator::Ge,
        Operator::Gt => Operator::Lt,
        Operator::Ge => Operator::Le,
        Operator::Eq | Operator::NotEq => operator.clone(),
        Operator::Other(op) => Operator::Other(
            match op.as_str() {
                "@>" => "<@",
                "<@" => "@>",
                "<<" => ">>",
                ">>" => "<<",
                "&&" | "@@" => op,
                _ => return None,
            }
            .to_owned(),
        ),
        _ => return None,
    })
}

pub(super) fn opposite(operator: &Operator) -> Operator {
    match operator {
        Operator::NotEq => Operator::Eq,
        Operator::Lt => Operator::Ge,
        Operator::Le => Operator::Gt,
        Operator::Gt => Operator::Le,
        Operator::Ge => Operator::Lt,
        _ => Operator::NotEq,
    }
}
