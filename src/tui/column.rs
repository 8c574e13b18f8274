//! A table before it is drawn: columns that say how their values are written and what they mean, and rows of values.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::model::delta::Origin;
use crate::model::sample::{IoKey, StatementKey};
use crate::tui::text;

/// A cell's value: what is sorted and filtered by.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Not known, or not to be had for an interval.
    Missing,
    /// An amount.
    Number(f64),
    /// A text, as the server has it.
    Text(Arc<str>),
}

impl Value {
    /// A text.
    #[must_use]
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::Text(text.as_ref().into())
    }

    /// A text that may be missing.
    #[must_use]
    pub fn some(text: Option<&String>) -> Self {
        text.map_or(Self::Missing, Self::text)
    }

    /// An amount that may be missing.
    #[must_use]
    pub fn number(amount: Option<f64>) -> Self {
        amount
            .filter(|a| a.is_finite())
            .map_or(Self::Missing, Self::Number)
    }

    /// A quotient; missing where there is nothing to divide by.
    #[must_use]
    pub fn ratio(amount: f64, of: f64) -> Self {
        if of > 0.0 {
            Self::Number(amount / of)
        } else {
            Self::Missing
        }
    }

    /// An amount a second; missing where it is not known in what time it was counted.
    #[must_use]
    pub fn rate(amount: f64, seconds: Option<f64>) -> Self {
        seconds.map_or(Self::Missing, |seconds| Self::Number(amount / seconds))
    }

    /// For sorting: missing ones are less than any.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Missing => 0,
            Self::Number(_) => 1,
            Self::Text(_) => 2,
        }
    }
}

/// How an amount is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// As it is.
    Text,
    /// A number with as many digits as fit.
    Number,
    /// A whole number.
    Count,
    /// Bytes.
    Bytes,
    /// A share of 1, in percent.
    Percent,
    /// Seconds that have passed.
    Age,
}

/// How much a value asks for attention. It is never shown by colour alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing.
    #[default]
    Calm,
    /// Something to look at.
    Warn,
    /// Something to act upon.
    Alarm,
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// What `--sort`, a filter and CSV call it.
    pub name: &'static str,
    /// Its head.
    pub title: &'static str,
    /// Columns of the terminal that it takes; the one that takes the rest has its least.
    pub width: u16,
    /// How its values are written.
    pub format: Format,
    /// Which columns go first when there is no room: the highest.
    pub priority: u8,
    /// What it means, for the help.
    pub help: &'static str,
    /// How much a value asks for attention.
    pub level: Option<fn(f64) -> Level>,
}

impl Column {
    /// A column of amounts.
    #[must_use]
    pub const fn new(
        name: &'static str,
        title: &'static str,
        width: u16,
        format: Format,
        priority: u8,
        help: &'static str,
    ) -> Self {
        Self {
            name,
            title,
            width,
            format,
            priority,
            help,
            level: None,
        }
    }

    /// With thresholds.
    #[must_use]
    pub const fn level(mut self, level: fn(f64) -> Level) -> Self {
        self.level = Some(level);
        self
    }

    /// A value as it stands in the table.
    #[must_use]
    pub fn written(&self, value: &Value) -> String {
        match value {
            Value::Missing => "-".to_owned(),
            Value::Text(text) => text::clean(text),
            Value::Number(amount) => match self.format {
                Format::Text | Format::Number => text::number(*amount),
                Format::Count => text::count(*amount),
                Format::Bytes => text::bytes(*amount),
                Format::Percent => text::percent(*amount),
                Format::Age => text::age(*amount),
            },
        }
    }

    /// Whether its values stand at the right.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.format != Format::Text
    }

    /// How much a value asks for attention.
    #[must_use]
    pub fn level_of(&self, value: &Value) -> Level {
        match (self.level, value) {
            (Some(level), Value::Number(amount)) => level(*amount),
            _ => Level::Calm,
        }
    }
}

/// What a row is about: the selection stays with it when rows move.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowKey {
    /// A statement.
    Statement(StatementKey),
    /// A session: its process, and since when (microseconds as the server writes them), for pids are used again.
    Session(i32, String),
    /// A table.
    Table(u32),
    /// An index.
    Index(u32),
    /// A kind of I/O.
    Io(IoKey),
    /// Something with a name.
    Name(String),
}

/// A row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What it is about.
    pub key: RowKey,
    /// Its values, one a column of the screen.
    pub values: Vec<Value>,
    /// How its amounts were had; what is not exact is marked.
    pub origin: Origin,
}

/// The rows of a screen, or why there are none.
#[derive(Debug, Clone, PartialEq)]
pub enum Rows {
    /// Rows, in the order that they were made.
    Some(Vec<Row>),
    /// It was looked, and there is nothing.
    Nothing(String),
    /// It could not be looked, or not yet.
    Unseen(String),
}
