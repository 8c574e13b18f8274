//! The values that the parameters of a statement are given for one execution, and the statement with them.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use crate::query::lexer::lex;
use crate::query::usual::number;

/// Which of a column's values they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The one that most rows have, of those that are asked for.
    MostCommon,
    /// One in the middle.
    Typical,
    /// One that few rows have.
    Rare,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::MostCommon => "most common",
            Self::Typical => "typical",
            Self::Rare => "rare",
        })
    }
}

/// A value for a parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Given {
    /// The parameter's number in the statement.
    pub parameter: usize,
    /// The column that it is compared with, and how: `status =`.
    pub compared: String,
    /// The value.
    pub value: String,
}

/// One execution's values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Vector {
    /// Which values.
    pub class: Class,
    /// The values, by parameter; empty for a statement without any.
    pub values: Vec<Given>,
    /// The statement with them.
    pub text: String,
}

impl fmt::Display for Vector {
    /// `status = 'done' (most common)`; nothing where there are no values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 40;
        if self.values.is_empty() {
            return Ok(());
        }
        for (at, given) in self.values.iter().enumerate() {
            let separator = if at == 0 { "" } else { ", " };
            let mut value: String = given.value.chars().take(LONGEST).collect();
            if value.len() < given.value.len() {
                value.push('…');
            }
            write!(f, "{separator}{} '{value}'", given.compared)?;
        }
        write!(f, " ({})", self.class)
    }
}

/// The numbers of the parameters of a text.
#[must_use]
pub fn parameter_numbers(text: &str) -> BTreeSet<usize> {
    lex(text).tokens.iter().filter_map(number).collect()
}
