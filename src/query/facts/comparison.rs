//! What conditions compare, and how: columns as they are named, what they are wrapped in, values.

/// A column as it is named.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Column {
    /// Table or alias before the dot.
    pub of: Option<String>,
    /// Its name.
    pub name: String,
}

/// A value that does not depend on the row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A constant, unquoted.
    Literal(String),
    /// NULL.
    Null,
    /// `$n`.
    Parameter(usize),
    /// One of those, cast to a type.
    Cast(Box<Value>, String),
    /// Anything computed: `now() - interval '1 day'`.
    Computed,
}

impl Value {
    /// The number, if it is a constant that is one.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Literal(text) => text.parse().ok(),
            Self::Cast(value, _) => value.number(),
            _ => None,
        }
    }
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub enum Side {
    /// A column.
    Column(Column),
    /// A computation over one column and constants.
    Wrapped {
        /// The column.
        column: Column,
        /// How it is computed.
        how: How,
        /// As text.
        text: String,
    },
    /// No column of the statement in it.
    Value {
        /// The value.
        value: Value,
        /// As text.
        text: String,
    },
    /// Anything else.
    Other,
}

/// What a column is wrapped in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// `col::type`, by the type in lower case.
    Cast(String),
    /// `f(col, …)`, by the function in lower case and its first argument, if that is a constant.
    Call {
        /// Its name.
        function: String,
        /// A constant before the column: the unit of `date_trunc`.
        first: Option<String>,
    },
    /// `extract(field from col)`, `date_part('field', col)`.
    Extract(String),
    /// `coalesce(col, constant)`, with that constant as text.
    Coalesce(String),
    /// `col AT TIME ZONE …`.
    TimeZone,
    /// `col + 1`.
    Arithmetic,
    /// `col ->> 'key'`.
    Json,
    /// Several of these.
    Nested,
}

/// A condition that must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The block whose rows it is about.
    pub block: usize,
    /// All columns in it.
    pub columns: Vec<Column>,
    /// What it asks.
    pub test: Test,
    /// Whether it is the condition of an outer join, which keeps the rows of one side all the same.
    pub outer: bool,
}

/// What a condition asks.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// `left operator right` with `=`, `<`, `<=`, `>`, `>=` or `<>`.
    Compare {
        /// Left side.
        left: Side,
        /// Operator.
        operator: &'static str,
        /// Right side.
        right: Side,
        /// All of it as text, where a side is wrapped.
        text: String,
    },
    /// `left IN (…)`, `left = ANY (…)`.
    In(Side),
    /// `column BETWEEN low AND high`.
    Between {
        /// What is tested.
        left: Side,
        /// Upper bound.
        high: Side,
    },
    /// LIKE, ILIKE, `~`, SIMILAR TO.
    Pattern(Pattern),
    /// An OR: its arms, each with the columns that it tests.
    Or(Vec<Vec<Condition>>),
    /// `$1 IS NULL OR column = $1`, or `column = coalesce($1, column)`, as text.
    CatchAll(Column, String),
    /// Anything else.
    Other,
}

/// A text pattern.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// What is searched.
    pub left: Side,
    /// `LIKE`, `ILIKE`, `~`, `~*` or `SIMILAR TO`.
    pub operator: &'static str,
    /// The constant that it begins with, as far as the text tells it: of `'%' || $1` that is `%`.
    pub begins: Option<String>,
    /// Whether that is all of it.
    pub whole: bool,
}
