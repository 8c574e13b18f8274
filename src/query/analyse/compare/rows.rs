//! Comparisons of rows, `(a, b) = (1, 2)`.

use sqlparser::ast::Expr;

use crate::query::analyse::Analysis;
use crate::query::analyse::compare::Fact;
use crate::query::shape::Operator;
use crate::query::workload::Reason;

impl<'a> Analysis<'a, '_> {
    /// `(a, b) = (1, 2)` is two equalities; `(a, b) > (1, 2)` implies `a >= 1`, which is what an index on `a` starts with.
    pub(super) fn rows(
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

    /// `(a, b) = (1, 2)`.
    pub(crate) fn row_equals(
        &self,
        columns: &'a [Expr],
        values: &'a [Expr],
    ) -> Result<Vec<Fact>, Reason> {
        self.rows(columns, &Operator::Eq, values, false)
    }
}

/// The columns of a row.
pub(super) fn row(expr: &Expr) -> Option<&[Expr]> {
    match expr {
        Expr::Tuple(list) => Some(list),
        Expr::Nested(inner) => row(inner),
        _ => None,
    }
}
