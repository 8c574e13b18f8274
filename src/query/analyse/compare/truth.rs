//! Conditions that are or are not true: NULL, booleans, and `IS DISTINCT FROM`.

use sqlparser::ast::{Expr, Value};

use crate::query::analyse::Analysis;
use crate::query::analyse::compare::Fact;
use crate::query::analyse::side::Side;
use crate::query::shape::{Operand, Operator};
use crate::query::workload::Reason;

impl<'a> Analysis<'a, '_> {
    pub(super) fn null(&self, inner: &'a Expr, null: bool) -> Result<Vec<Fact>, Reason> {
        let operator = if null {
            Operator::IsNull
        } else {
            Operator::IsNotNull
        };
        let fact = Fact::filter(self.side(inner)?, operator, Operand::None);
        Ok(fact.into_iter().collect())
    }

    /// A boolean column is `value`, or anything else when negated; a condition in `(…) IS TRUE`.
    pub(super) fn boolean(
        &self,
        inner: &'a Expr,
        value: &str,
        negated: bool,
    ) -> Result<Vec<Fact>, Reason> {
        let side = self.side(inner)?;
        if matches!(side, Side::Column(_)) {
            let operator = if negated {
                Operator::NotEq
            } else {
                Operator::Eq
            };
            let fact = Fact::filter(side, operator, Operand::Literal(value.to_owned()));
            return Ok(fact.into_iter().collect());
        }
        match inner {
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => Ok(Vec::new()),
            _ if !negated => self.facts(inner, value == "f"),
            _ => Ok(Vec::new()),
        }
    }

    /// `IS [NOT] DISTINCT FROM`: equality that also knows NULL.
    pub(super) fn distinct_from(
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
}
