//! Where a value stands in a statement: compared with a column, or in what an array has to contain.

use std::collections::BTreeSet;

use crate::advisor::usual::parameters;
use crate::query::shape::{Operand, Operator, Predicate};

/// What stands where the parameter stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Form {
    /// A value of the column, for an equality.
    Value,
    /// An element of an array.
    Element,
    /// An array of one element.
    Array,
}

impl Form {
    /// The constant for a value or an element.
    pub(super) fn constant(self, known: &str) -> String {
        match self {
            Self::Value | Self::Element => known.to_owned(),
            Self::Array => {
                let escaped = known.replace('\\', "\\\\").replace('"', "\\\"");
                format!("{{\"{escaped}\"}}")
            }
        }
    }

    /// What the column is then compared with.
    pub(super) fn operand(self, known: &str) -> Operand {
        match self {
            Self::Value => Operand::Literal(known.to_owned()),
            Self::Element | Self::Array => Operand::Literals(vec![known.to_owned()]),
        }
    }
}

/// The only parameter of an equality, or of what an array has to contain, if it stands nowhere else.
pub(super) fn parameter(predicate: &Predicate, free: &BTreeSet<usize>) -> Option<(usize, Form)> {
    let (number, form) = match (&predicate.operator, &predicate.operand) {
        (Operator::Eq, Operand::Parameters(_)) => match parameters(predicate, free)? {
            [number] => (*number, Form::Value),
            _ => return None,
        },
        (Operator::Other(operator), operand) => {
            let contains = matches!(operator.as_str(), "@>" | "&&");
            match operand {
                Operand::Element(number) if contains => (*number, Form::Element),
                Operand::Parameters(numbers) if contains => (*numbers.first()?, Form::Array),
                Operand::Parameters(numbers) if operator == "= ANY" => {
                    (*numbers.first()?, Form::Element)
                }
                _ => return None,
            }
        }
        _ => return None,
    };
    (free.contains(&number) && predicate.expression.is_none()).then_some((number, form))
}
