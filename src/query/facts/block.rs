//! Blocks of a statement, what they give, and what they read from.

use crate::query::facts::{Column, Side, Value};

/// A query, or an UPDATE or DELETE.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and every combination can be"
)]
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Block {
    /// The block that it stands in.
    pub parent: Option<usize>,
    /// Where it stands there.
    pub place: Place,
    /// What it does.
    pub form: Form,
    /// LIMIT or FETCH FIRST.
    pub limit: Option<Value>,
    /// OFFSET.
    pub offset: Option<Value>,
    /// ORDER BY keys.
    pub order: Vec<Key>,
    /// SELECT DISTINCT (not DISTINCT ON).
    pub distinct: bool,
    /// DISTINCT ON.
    pub distinct_on: bool,
    /// GROUP BY keys as text; `None` where one is none that can be compared (grouping sets, ordinals).
    pub group: Option<Vec<String>>,
    /// Whether it has a GROUP BY.
    pub grouped: bool,
    /// Whether the outputs have aggregates.
    pub aggregates: bool,
    /// Whether the outputs have window functions.
    pub windows: bool,
    /// HAVING.
    pub having: bool,
    /// Whether it has a WHERE.
    pub filtered: bool,
    /// Outputs.
    pub outputs: Vec<Output>,
    /// Whether it names columns of a block around it.
    pub correlated: bool,
    /// Whether columns are named without a table, so that nobody can tell whose they are without a catalog.
    pub unqualified: bool,
}

/// Where a block stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Place {
    /// The statement itself.
    #[default]
    Top,
    /// An arm of the UNION (INTERSECT, EXCEPT) that is its parent.
    Arm,
    /// In FROM.
    From,
    /// In WITH.
    With,
    /// In EXISTS or IN.
    Test,
    /// For a value among the outputs.
    Output,
    /// For a value elsewhere.
    Scalar,
    /// What an INSERT writes.
    Source,
}

/// What a block does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Form {
    /// SELECT.
    #[default]
    Select,
    /// UNION, INTERSECT or EXCEPT over its arms.
    Set,
    /// VALUES with so many rows.
    Values(usize),
    /// UPDATE.
    Update,
    /// DELETE.
    Delete,
}

impl Block {
    /// Whether it gives one row at most, whatever the tables hold.
    #[must_use]
    pub fn is_one_row(&self) -> bool {
        let limit_one =
            matches!(&self.limit, Some(Value::Literal(rows)) if rows == "1" || rows == "0");
        let aggregate = self.form == Form::Select && self.aggregates && !self.grouped;
        limit_one || aggregate || self.form == Form::Values(1)
    }
}

/// An ORDER BY key.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// What it sorts by.
    pub by: Side,
    /// DESC.
    pub descending: bool,
    /// NULLS FIRST or LAST as written.
    pub nulls_first: Option<bool>,
}

/// An output of a block.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// A column, and the name that it gets if that is another.
    Column(Column, Option<String>),
    /// `*`
    All,
    /// `t.*`, by the name of the table there.
    AllOf(String),
    /// A constant.
    Value(Value),
    /// Anything else, as text.
    Other(String),
}

/// Something in FROM, or the table that is written to.
#[derive(Debug, Clone, PartialEq)]
pub struct Relation {
    /// The block that reads it.
    pub block: usize,
    /// What it is.
    pub source: Source,
    /// Its name in the block: the alias, or its own.
    pub name: String,
    /// How it is joined to those before it.
    pub join: Join,
}

/// What is read from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// A table or view, by the parts of its name.
    Table(Vec<String>),
    /// A query in FROM, or one of WITH that is named; whether it gives one row at most, which is also taken for true where a
    /// limit is not known.
    Query {
        /// One row at most.
        one_row: bool,
    },
    /// A function, VALUES, or anything else whose rows are made by the statement itself.
    Made,
}

/// How a relation is joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// The first, or behind a comma.
    Comma,
    /// JOIN with a condition.
    Inner,
    /// LEFT JOIN: its own columns may be NULL.
    Left,
    /// RIGHT or FULL JOIN: columns of those before it may be NULL too.
    Outer,
    /// CROSS JOIN, or JOIN … ON true.
    Cross,
    /// USING or NATURAL: joined by names that both have.
    Using,
    /// LATERAL: it may name those before it.
    Lateral,
    /// The table that UPDATE or DELETE writes.
    Target,
}
