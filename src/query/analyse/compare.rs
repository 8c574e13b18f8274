//! What a condition says: the two sides of a comparison, and the facts that follow for an index.

mod lists;
mod numbers;
mod operators;
mod rows;
mod truth;

use sqlparser::ast::{BinaryOperator, Expr};

use crate::model::ident::quote_ident;
use crate::query::analyse::Analysis;
use crate::query::analyse::compare::numbers::wider_number;
use crate::query::analyse::compare::operators::{commuted, operator, opposite};
use crate::query::analyse::compare::rows::row;
use crate::query::analyse::scope::Target;
use crate::query::analyse::side::Side;
use crate::query::literal::{begins_with, like, operand};
use crate::query::shape::{ColumnRef, Operand, Operator};
use crate::query::tree::{arguments, last_part};
use crate::query::workload::Reason;

/// What a condition says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fact {
    /// A column, or an expression over it, is compared with something that does not depend on the block's tables.
    Filter {
        target: Target,
        expression: Option<String>,
        operator: Operator,
        operand: Operand,
    },
    /// Two columns of the block are compared.
    Link {
        left: Target,
        right: Target,
        equality: bool,
    },
    /// A column is compared with one of an outer block.
    Outer {
        outer: Target,
        inner: Target,
        equality: bool,
    },
}

impl Fact {
    /// A filter on that side, if it is a column or an expression over one.
    fn filter(side: Side, operator: Operator, operand: Operand) -> Option<Self> {
        let (target, expression) = side.of_column()?;
        Some(Self::Filter {
            target,
            expression,
            operator,
            operand,
        })
    }
}

impl<'a> Analysis<'a, '_> {
    /// The facts of a condition that is no AND, OR, NOT, EXISTS or IN (SELECT …).
    pub(crate) fn facts(&self, expr: &'a Expr, negated: bool) -> Result<Vec<Fact>, Reason> {
        match expr {
            Expr::Nested(inner) => self.facts(inner, negated),
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right, negated),
            Expr::Like {
                expr,
                pattern,
                escape_char,
                negated: not,
                any,
            } => {
                let (operator, operand) = if *any {
                    (Operator::Like, Operand::Unknown)
                } else {
                    like(pattern, escape_char.as_deref())
                };
                self.pattern(expr, pattern, operator, operand, negated != *not)
            }
            Expr::ILike {
                expr,
                pattern,
                negated: not,
                ..
            }
            | Expr::SimilarTo {
                expr,
                pattern,
                negated: not,
                ..
            } => {
                let operand = operand(pattern, None);
                self.pattern(expr, pattern, Operator::Like, operand, negated != *not)
            }
            Expr::Between {
                expr,
                low,
                high,
                negated: not,
            } => self.between(expr, low, high, negated != *not),
            Expr::InList {
                expr,
                list,
                negated: not,
            } => self.in_list(expr, list, negated != *not),
            Expr::IsNull(inner) | Expr::IsUnknown(inner) => self.null(inner, !negated),
            Expr::IsNotNull(inner) | Expr::IsNotUnknown(inner) => self.null(inner, negated),
            Expr::IsTrue(inner) => self.boolean(inner, "t", negated),
            Expr::IsNotTrue(inner) => self.boolean(inner, "t", !negated),
            Expr::IsFalse(inner) => self.boolean(inner, "f", negated),
            Expr::IsNotFalse(inner) => self.boolean(inner, "f", !negated),
            Expr::IsDistinctFrom(left, right) => self.distinct_from(left, right, negated),
            Expr::IsNotDistinctFrom(left, right) => self.distinct_from(left, right, !negated),
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {
                self.boolean(expr, if negated { "f" } else { "t" }, false)
            }
            Expr::AnyOp {
                left,
                compare_op,
                right,
                ..
            } => self.any(left, compare_op, right, negated),
            Expr::AllOp {
                left,
                compare_op: BinaryOperator::NotEq,
                right,
            } if !negated => {
                let operand = operand(right, None);
                Ok(self
                    .filter(left, Operator::NotEq, operand, right)?
                    .into_iter()
                    .collect())
            }
            Expr::Function(function) if !negated && last_part(&function.name) == "starts_with" => {
                match arguments(function).as_slice() {
                    [left, right] => {
                        self.pattern(left, right, Operator::LikePrefix, begins_with(right), false)
                    }
                    _ => Ok(Vec::new()),
                }
            }
            _ => Ok(Vec::new()),
        }
    }

    fn binary(
        &self,
        left: &'a Expr,
        op: &BinaryOperator,
        right: &'a Expr,
        negated: bool,
    ) -> Result<Vec<Fact>, Reason> {
        use BinaryOperator as Op;
        match op {
            Op::PGLikeMatch | Op::PGNotLikeMatch => {
                let (operator, operand) = like(right, None);
                self.pattern(
                    left,
                    right,
                    operator,
                    operand,
                    negated != (*op == Op::PGNotLikeMatch),
                )
            }
            Op::PGILikeMatch | Op::PGRegexMatch | Op::PGRegexIMatch => {
                self.pattern(left, right, Operator::Like, operand(right, None), negated)
            }
            Op::PGNotILikeMatch | Op::PGRegexNotMatch | Op::PGRegexNotIMatch => {
                self.pattern(left, right, Operator::Like, operand(right, None), !negated)
            }
            Op::PGStartsWith => self.pattern(
                left,
                right,
                Operator::LikePrefix,
                begins_with(right),
                negated,
            ),
            op => match operator(op) {
                Some(operator) => self.compare(left, operator, right, negated),
                None => Ok(Vec::new()),
            },
        }
    }

    fn compare(
        &self,
        left: &'a Expr,
        operator: Operator,
        right: &'a Expr,
        negated: bool,
    ) -> Result<Vec<Fact>, Reason> {
        if let (Some(lefts), Some(rights)) = (row(left), row(right)) {
            return self.rows(lefts, &operator, rights, negated);
        }
        let operator = if negated {
            opposite(&operator)
        } else {
            operator
        };
        let sides = (self.side(left)?, self.side(right)?);
        let equality = operator == Operator::Eq;
        let ordering = equality || operator.is_range();
        let fact = match sides {
            (Side::Column(_) | Side::Wrapped { .. }, Side::Value | Side::Stream) => {
                return Ok(self
                    .filter_side(sides.0, operator, right, matches!(sides.1, Side::Stream))
                    .into_iter()
                    .collect());
            }
            (Side::Value | Side::Stream, Side::Column(_) | Side::Wrapped { .. }) => {
                let fact = commuted(&operator).and_then(|operator| {
                    self.filter_side(sides.1, operator, left, matches!(sides.0, Side::Stream))
                });
                return Ok(fact.into_iter().collect());
            }
            (side @ Side::Wrapped { .. }, Side::Outer(_)) => {
                Fact::filter(side, operator, Operand::Unknown)
            }
            _ if !ordering => None,
            (Side::Column(left), Side::Column(right)) => {
                (left.column.relation != right.column.relation).then_some(Fact::Link {
                    left,
                    right,
                    equality,
                })
            }
            (Side::Column(inner), Side::Outer(outer))
            | (Side::Outer(outer), Side::Column(inner)) => Some(Fact::Outer {
                outer,
                inner,
                equality,
            }),
            (Side::Column(to), Side::Wrapped { target, .. })
            | (Side::Wrapped { target, .. }, Side::Column(to)) => {
                lookup(&[target.column], to, equality)
            }
            (Side::Column(to), Side::Mixed(reads)) | (Side::Mixed(reads), Side::Column(to)) => {
                lookup(&reads, to, equality)
            }
            _ => None,
        };
        Ok(fact.into_iter().collect())
    }

    /// A filter, if `left` is a column or an expression over one and `right` a value.
    fn filter(
        &self,
        left: &'a Expr,
        operator: Operator,
        operand: Operand,
        right: &'a Expr,
    ) -> Result<Option<Fact>, Reason> {
        if !matches!(self.side(right)?, Side::Value) {
            return Ok(None);
        }
        Ok(Fact::filter(self.side(left)?, operator, operand))
    }

    fn filter_side(
        &self,
        side: Side,
        operator: Operator,
        value: &'a Expr,
        stream: bool,
    ) -> Option<Fact> {
        let (operator, unknown) = match (stream, operator) {
            (false, operator) => (operator, false),
            // One lookup per row of the function or list: as with = ANY.
            (true, Operator::Eq) => (Operator::In(None), true),
            (true, _) => return None,
        };
        let (target, mut expression) = side.of_column()?;
        let column = self.column(&target.column).filter(|_| expression.is_none());
        let operand = if unknown {
            Operand::Unknown
        } else {
            operand(value, column)
        };
        if let Some(column) = column
            && let Some(wider) = wider_number(column, value)
        {
            // The wider type wins: PostgreSQL compares `id::numeric`, and an index on `id` is of no use.
            expression = Some(format!("{}::{wider}", quote_ident(&column.name)));
        }
        Some(Fact::Filter {
            target,
            expression,
            operator,
            operand,
        })
    }

    fn pattern(
        &self,
        left: &'a Expr,
        right: &'a Expr,
        operator: Operator,
        operand: Operand,
        negated: bool,
    ) -> Result<Vec<Fact>, Reason> {
        let operator = if negated { Operator::NotEq } else { operator };
        let operand = if negated { Operand::Unknown } else { operand };
        Ok(self
            .filter(left, operator, operand, right)?
            .into_iter()
            .collect())
    }
}

/// `to` is looked up by what is computed from `reads`, if those are of other relations.
fn lookup(reads: &[ColumnRef], to: Target, equality: bool) -> Option<Fact> {
    let from = reads.first()?.clone();
    if reads.iter().any(|r| r.relation == to.column.relation) {
        return None;
    }
    let left = Target {
        column: from,
        also: Vec::new(),
        pushes: false,
        looks_up: false,
    };
    Some(Fact::Link {
        left,
        right: to,
        equality,
    })
}
