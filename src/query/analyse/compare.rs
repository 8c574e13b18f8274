//! What a condition says: the two sides of a comparison, and the facts that follow for an index.

use sqlparser::ast::{BinaryOperator, Expr, Value};

use crate::model::catalog::Column;
use crate::model::ident::quote_ident;
use crate::query::analyse::Analysis;
use crate::query::analyse::scope::Target;
use crate::query::analyse::side::Side;
use crate::query::literal::{begins_with, elements, like, literal, operand, operands};
use crate::query::shape::{ColumnRef, Operand, Operator};
use crate::query::simplify::REST;
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

/// Comparison operators of btree and those that other access methods know.
fn operator(op: &BinaryOperator) -> Option<Operator> {
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
fn commuted(operator: &Operator) -> Option<Operator> {
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
            (Side::Wrapped { target, text }, Side::Outer(_)) => Some(Fact::Filter {
                target,
                expression: Some(text),
                operator,
                operand: Operand::Unknown,
            }),
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

    /// `(a, b) = (1, 2)` is two equalities; `(a, b) > (1, 2)` implies `a >= 1`, which is what an index on `a` starts with.
    fn rows(
        &self,
        lefts: &'a [Expr],
        operator: &Operator,
        rights: &'a [Expr],
        negated: bool,
    ) -> Result<Vec<Fact>, Reason> {
        if negated {
            return Ok(Vec::new());
        }
        match operator {
            Operator::Eq => {
                let mut facts = Vec::new();
                for (left, right) in lefts.iter().zip(rights) {
                    facts.extend(self.compare(left, Operator::Eq, right, false)?);
                }
                Ok(facts)
            }
            Operator::Lt | Operator::Le | Operator::Gt | Operator::Ge => {
                match (lefts.first(), rights.first()) {
                    (Some(left), Some(right)) => {
                        let operator = match operator {
                            Operator::Lt | Operator::Le => Operator::Le,
                            _ => Operator::Ge,
                        };
                        self.compare(left, operator, right, false)
                    }
                    _ => Ok(Vec::new()),
                }
            }
            _ => Ok(Vec::new()),
        }
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
        Ok(match self.side(left)? {
            Side::Column(target) => Some(Fact::Filter {
                target,
                expression: None,
                operator,
                operand,
            }),
            Side::Wrapped { target, text } => Some(Fact::Filter {
                target,
                expression: Some(text),
                operator,
                operand,
            }),
            _ => None,
        })
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
        let (target, mut expression) = match side {
            Side::Column(target) => (target, None),
            Side::Wrapped { target, text } => (target, Some(text)),
            _ => return None,
        };
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

    fn between(
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

    fn in_list(
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
        Ok(match side {
            Side::Column(target) => vec![Fact::Filter {
                target,
                expression: None,
                operator,
                operand,
            }],
            Side::Wrapped { target, text } => vec![Fact::Filter {
                target,
                expression: Some(text),
                operator,
                operand,
            }],
            _ => Vec::new(),
        })
    }

    fn null(&self, inner: &'a Expr, null: bool) -> Result<Vec<Fact>, Reason> {
        let operator = if null {
            Operator::IsNull
        } else {
            Operator::IsNotNull
        };
        Ok(match self.side(inner)? {
            Side::Column(target) => vec![Fact::Filter {
                target,
                expression: None,
                operator,
                operand: Operand::None,
            }],
            Side::Wrapped { target, text } => {
                vec![Fact::Filter {
                    target,
                    expression: Some(text),
                    operator,
                    operand: Operand::None,
                }]
            }
            _ => Vec::new(),
        })
    }

    /// A boolean column is `value`, or anything else when negated; a condition in `(…) IS TRUE`.
    fn boolean(&self, inner: &'a Expr, value: &str, negated: bool) -> Result<Vec<Fact>, Reason> {
        if let Side::Column(target) = self.side(inner)? {
            let operator = if negated {
                Operator::NotEq
            } else {
                Operator::Eq
            };
            let operand = Operand::Literal(value.to_owned());
            return Ok(vec![Fact::Filter {
                target,
                expression: None,
                operator,
                operand,
            }]);
        }
        match inner {
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => Ok(Vec::new()),
            _ if !negated => self.facts(inner, value == "f"),
            _ => Ok(Vec::new()),
        }
    }

    /// `IS [NOT] DISTINCT FROM`: equality that also knows NULL.
    fn distinct_from(
        &self,
        left: &'a Expr,
        right: &'a Expr,
        equal: bool,
    ) -> Result<Vec<Fact>, Reason> {
        let is_null = |e: &Expr| matches!(e, Expr::Value(v) if v.value == Value::Null);
        if is_null(right) {
            return self.null(left, equal);
        }
        let operator = if equal { Operator::Eq } else { Operator::NotEq };
        let facts = self.compare(left, operator, right, false)?;
        Ok(facts
            .into_iter()
            .filter(|f| matches!(f, Fact::Filter { .. }))
            .collect())
    }

    fn any(
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
                Some(Fact::Filter {
                    target,
                    expression: None,
                    operator,
                    operand,
                })
            }
            (Side::Wrapped { target, text }, Side::Value) => Some(Fact::Filter {
                target,
                expression: Some(text),
                operator,
                operand: Operand::Unknown,
            }),
            // GIN has no `= ANY` either; it would have to be written as `@>`.
            (Side::Value, Side::Column(target)) if operator == Operator::In(None) => {
                Some(Fact::Filter {
                    target,
                    expression: None,
                    operator: Operator::Other("= ANY".into()),
                    operand: operand(left, None),
                })
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

    /// `(a, b) = (1, 2)`.
    pub(crate) fn row_equals(
        &self,
        columns: &'a [Expr],
        values: &'a [Expr],
    ) -> Result<Vec<Fact>, Reason> {
        self.rows(columns, &Operator::Eq, values, false)
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

fn row(expr: &Expr) -> Option<&[Expr]> {
    match expr {
        Expr::Tuple(list) => Some(list),
        Expr::Nested(inner) => row(inner),
        _ => None,
    }
}

fn opposite(operator: &Operator) -> Operator {
    match operator {
        Operator::NotEq => Operator::Eq,
        Operator::Lt => Operator::Ge,
        Operator::Le => Operator::Gt,
        Operator::Gt => Operator::Le,
        Operator::Ge => Operator::Lt,
        _ => Operator::NotEq,
    }
}

/// The type in which a column of numbers is compared with a value of a wider one: a number with a fraction or exponent, or
/// whatever is cast.
fn wider_number(column: &Column, value: &Expr) -> Option<&'static str> {
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
