//! Predicates of partial indexes: read as far as they are simple, to size the index and to see whether a statement implies them.

use crate::advisor::estimate::conjunct::conjuncts;
use crate::advisor::estimate::selectivity::Field;
use crate::advisor::estimate::value::Scale;
use crate::model::catalog::Table;
use crate::query::shape::{Operand, Operator, Predicate};

/// Share of the table that a partial index holds; 1 for what is not understood.
pub(crate) fn share(predicate: &str, table: &Table) -> f64 {
    let conjuncts = conjuncts(predicate).unwrap_or_default();
    let share = |p: &Predicate| {
        let field = Field {
            column: table.column(&p.column),
            tuples: table.rows(),
            unique: false,
        };
        field.share(p).0.share
    };
    conjuncts.iter().map(share).product()
}

/// Whether a condition of a statement makes sure that this conjunct holds (`predicate_implied_by`, the simple cases).
pub(crate) fn implies(condition: &Predicate, wanted: &Predicate, scale: Scale) -> bool {
    if condition.column != wanted.column || condition.expression != wanted.expression {
        return false;
    }
    match (&wanted.operator, &condition.operator) {
        // Every comparison but IS NULL is strict.
        (Operator::IsNotNull, operator) => *operator != Operator::IsNull,
        (Operator::In(_), Operator::Eq | Operator::In(_)) => {
            let allowed = values(&wanted.operand);
            let asked = values(&condition.operand);
            !asked.is_empty()
                && asked
                    .iter()
                    .all(|v| allowed.iter().any(|w| scale.same(v, w)))
        }
        (Operator::Lt | Operator::Le | Operator::Gt | Operator::Ge, _) => {
            implies_range(condition, wanted, scale)
        }
        (a, b) if a == b => match (
            values(&condition.operand).as_slice(),
            values(&wanted.operand).as_slice(),
        ) {
            ([], []) => wanted.operand == Operand::None,
            ([v], [w]) => scale.same(v, w),
            (v, w) => v == w,
        },
        // `status <> 'done'` follows from `status = 'new'`.
        (Operator::NotEq, Operator::Eq) => {
            match (
                values(&condition.operand).as_slice(),
                values(&wanted.operand).as_slice(),
            ) {
                ([v], [w]) => !scale.same(v, w),
                _ => false,
            }
        }
        _ => false,
    }
}

fn implies_range(condition: &Predicate, wanted: &Predicate, scale: Scale) -> bool {
    let (asked, bound) = (values(&condition.operand), values(&wanted.operand));
    let (Some(bound), false) = (bound.first(), asked.is_empty()) else {
        return false;
    };
    let upward = matches!(wanted.operator, Operator::Gt | Operator::Ge);
    let strict = matches!(wanted.operator, Operator::Gt | Operator::Lt);
    // The value of the condition that lies nearest to the bound, and whether it is itself among the values allowed.
    let (nearest, open) = match (&condition.operator, upward) {
        (Operator::Eq, _) | (Operator::Ge | Operator::Between, true) | (Operator::Le, false) => {
            (asked[0], false)
        }
        (Operator::Gt, true) | (Operator::Lt, false) => (asked[0], true),
        (Operator::Between, false) => (asked[asked.len() - 1], false),
        _ => return false,
    };
    if scale.same(nearest, bound) {
        return open || !strict;
    }
    scale.at_most(nearest, bound) == Some(!upward)
}

fn values(operand: &Operand) -> Vec<&str> {
    match operand {
        Operand::Literal(value) => vec![value],
        Operand::Literals(values) => values.iter().map(String::as_str).collect(),
        Operand::Unknown
        | Operand::Parameters(_)
        | Operand::Ago(_)
        | Operand::Element(_)
        | Operand::None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let Some(list) = conjuncts(text) else {
            return "?".into();
        };
        let one = |p: &Predicate| {
            format!(
                "{} {:?} {}",
                p.column,
                p.operator,
                values(&p.operand).join("|")
            )
        };
        list.iter().map(one).collect::<Vec<_>>().join(" & ")
    }

    #[test]
    fn reads_what_the_server_prints() {
        for (text, expected) in [
            ("(deleted_at IS NULL)", "deleted_at IsNull "),
            ("((status)::text = 'new'::text)", "status Eq new"),
            ("active", "active Eq t"),
            ("(NOT active)", "active Eq f"),
            ("((a > 0) AND (\"B\" IS NOT NULL))", "a Gt 0 & B IsNotNull "),
            (
                "(kind = ANY (ARRAY['a, b'::text, 'it''s'::text]))",
                "kind In(Some(2)) a, b|it's",
            ),
            (
                "status in ('x', 'y') and n >= -1.5",
                "status In(Some(2)) x|y & n Ge -1.5",
            ),
            ("(lower(a) = 'x'::text)", "?"),
            ("((a = 1) OR (b = 2))", "?"),
            ("(t ~ 'x')", "?"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn implication_needs_the_right_value() {
        let check = |condition: &str, wanted: &str| {
            let (c, w) = (conjuncts(condition).unwrap(), conjuncts(wanted).unwrap());
            implies(&c[0], &w[0], Scale::Number)
        };
        for (condition, wanted, implied) in [
            ("a = 1", "a IS NOT NULL", true),
            ("a IS NULL", "a IS NOT NULL", false),
            ("a = 2", "a IN (1, 2)", true),
            ("a = 3", "a IN (1, 2)", false),
            ("a > 10", "a > 5", true),
            ("a > 5", "a >= 5", true),
            ("a >= 5", "a > 5", false),
            ("a > 4", "a > 5", false),
            ("a < 4", "a < 5", true),
            ("a < 4", "a > 3", false),
            ("b = 1", "a = 1", false),
            ("a = 1.0", "a = 1", true),
            ("a IS NULL", "a IS NULL", true),
            ("a = 1", "a <> 2", true),
        ] {
            assert_eq!(check(condition, wanted), implied, "{condition} => {wanted}");
        }
    }
}
