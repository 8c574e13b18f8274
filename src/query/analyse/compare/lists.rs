//! Comparisons with several values: BETWEEN, IN, and `= ANY` of an array.

use sqlparser::ast::{BinaryOperator, Expr, Value};

use crate::query::analyse::Analysis;
use crate::query::analyse::compare::{Fact, lookup};
use crate::query::analyse::scope::Target;
use crate::query::analyse::side::Side;
use crate::query::literal::{elements, literal, operand, operands};
use crate::query::shape::{Operand, Operator};
use crate::query::simplify::REST;
use crate::query::workload::Reason;

impl<'a> Analysis<'a, '_> {
    pub(super) fn between(
        &self,
        expr: &'a Expr,
        low: &'a Expr,
        high: &'a Expr,
        negated: bool,
    ) -> Result<Vec<Fact>, Reason> {
        let values = matches!(
            (self.side(low)?, self.side(high)?),
            (Side::Value, Side::Value)
        );
        if negated {
            return Ok(self
                .filter(expr, Operator::NotEq, Operand::Unknown, low)?
                .filter(|_| values)
                .into_iter()
                .collect());
        }
        if !values {
            let mut facts = self.compare(expr, Operator::Ge, low, false)?;
            facts.extend(self.compare(expr, Operator::Le, high, false)?);
            return Ok(facts);
        }
        let column = match self.side(expr)? {
            Side::Column(target) => self.column(&target.column),
            _ => None,
        };
        let operand = operands([low, high], column);
        Ok(self
            .filter(expr, Operator::Between, operand, low)?
            .into_iter()
            .collect())
    }

    pub(super) fn in_list(
        &self,
        expr: &'a Expr,
        list: &'a [Expr],
        negated: bool,
    ) -> Result<Vec<Fact>, Reason> {
        let open = list
            .iter()
            .any(|e| matches!(e, Expr::Value(v) if v.value == Value::Placeholder(REST.into())));
        for element in list {
            if !matches!(self.side(element)?, Side::Value) {
                return Ok(Vec::new());
            }
        }
        let operator = match (negated, open) {
            (true, _) => Operator::NotEq,
            (false, true) => Operator::In(None),
            (false, false) => Operator::In(Some(list.len())),
        };
        let side = self.side(expr)?;
        let column = match &side {
            Side::Column(target) => self.column(&target.column),
            _ => None,
        };
        let operand = if open {
            Operand::Unknown
        } else {
            operands(list, column)
        };
        Ok(Fact::filter(side, operator, operand).into_iter().collect())
    }

    pub(super) fn any(
        &self,
        left: &'a Expr,
        op: &BinaryOperator,
        right: &'a Expr,
        negated: bool,
    ) -> Result<Vec<Fact>, Reason> {
        let (left_side, right_side) = (self.side(left)?, self.side(right)?);
        let operator = match op {
            BinaryOperator::Eq if negated => Operator::NotEq,
            BinaryOperator::Eq => Operator::In(None),
            BinaryOperator::PGLikeMatch
            | BinaryOperator::PGILikeMatch
            | BinaryOperator::PGRegexMatch
                if !negated =>
            {
                Operator::Like
            }
            _ => return Ok(Vec::new()),
        };
        let fact = match (left_side, right_side) {
            (Side::Column(target), Side::Value) => {
                let (length, operand) = self.array(right, &target);
                let operator = if operator == Operator::In(None) {
                    Operator::In(length)
                } else {
                    operator
                };
                Fact::filter(Side::Column(target), operator, operand)
            }
            (side @ Side::Wrapped { .. }, Side::Value) => {
                Fact::filter(side, operator, Operand::Unknown)
            }
            // GIN has no `= ANY` either; it would have to be written as `@>`.
            (Side::Value, side @ Side::Column(_)) if operator == Operator::In(None) => {
                let operator = Operator::Other("= ANY".into());
                Fact::filter(side, operator, operand(left, None))
            }
            (Side::Column(to), Side::Column(from)) if operator == Operator::In(None) => {
                lookup(&[from.column], to, true)
            }
            (Side::Column(to), Side::Mixed(reads)) if operator == Operator::In(None) => {
                lookup(&reads, to, true)
            }
            _ => None,
        };
        Ok(fact.into_iter().collect())
    }

    /// Length and elements of an array constant.
    fn array(&self, expr: &'a Expr, target: &Target) -> (Option<usize>, Operand) {
        let column = self.column(&target.column);
        match expr {
            Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => self.array(inner, target),
            Expr::Array(array) => {
                let open = (array.elem.iter()).any(
                    |e| matches!(e, Expr::Value(v) if v.value == Value::Placeholder(REST.into())),
                );
                if open {
                    (None, Operand::Unknown)
                } else {
                    (Some(array.elem.len()), operands(&array.elem, column))
                }
            }
            other => match literal(other).and_then(|text| elements(&text)) {
                Some(values) => (Some(values.len()), Operand::Literals(values)),
                None => (None, Operand::Unknown),
            },
        }
    }
}
