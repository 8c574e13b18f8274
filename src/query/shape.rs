//! Shapes: what one statement asks of each table, stripped of everything an index does not care about.
//!
//! A Shape is a list of *relations* (each use of a base table; views, subqueries and CTEs are resolved down to base tables),
//! grouped in *blocks* (one per SELECT, UPDATE or DELETE), with the *joins* between them.

mod display;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// What a statement asks of the tables. Relation and block numbers are positions in these lists.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    /// Every use of a base table, in order of appearance.
    pub relations: Vec<Relation>,
    /// Query blocks; block 0 is the outermost.
    pub blocks: Vec<Block>,
    /// Column comparisons between two relations.
    pub joins: Vec<Join>,
    /// Relation that the statement writes to (INSERT, UPDATE, DELETE, MERGE), as table oid.
    pub target: Option<u32>,
    /// Columns that UPDATE (or MERGE, ON CONFLICT DO UPDATE) sets in the target: indexing them costs HOT updates.
    pub written: BTreeSet<String>,
}

/// One use of a base table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Relation {
    /// Oid of the table (the partitioned parent if the statement names the parent).
    pub table_oid: u32,
    /// Name in the statement: alias or table name.
    pub alias: String,
    /// Block that it belongs to.
    pub block: usize,
    /// Conditions on its columns alone, all AND-ed.
    pub predicates: Vec<Predicate>,
    /// ORs whose every arm restricts this relation: AND of (OR of (AND of predicates)). An arm that does not restrict the
    /// relation makes the OR useless to it, so such ORs are left out.
    pub disjunctions: Vec<Vec<Vec<Predicate>>>,
    /// Every column that the statement reads from it, for index-only scans; `None` = all of them (`SELECT *`, whole row).
    pub columns: Option<BTreeSet<String>>,
}

/// One SELECT, UPDATE, DELETE … of the statement.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and every combination can be"
)]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Block {
    /// Block that contains it; `None` for the outermost.
    pub parent: Option<usize>,
    /// How it hangs in its parent.
    pub role: Role,
    /// ORDER BY keys up to the first that is not a plain column of a base table.
    pub order: Vec<OrderKey>,
    /// Whether `order` holds all ORDER BY keys.
    pub order_complete: bool,
    /// First ORDER BY key, if it is the distance of a column from something that does not depend on the block's tables; such a
    /// key is none of `order`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<Nearest>,
    /// LIMIT (or FETCH FIRST): rows wanted, OFFSET included when it is a constant.
    pub limit: Option<Limit>,
    /// GROUP BY columns that are plain columns.
    pub group: Vec<ColumnRef>,
    /// Whether `group` holds all GROUP BY keys.
    pub group_complete: bool,
    /// SELECT DISTINCT (or UNION that removes duplicates) over exactly these plain columns, else empty.
    pub distinct: Vec<ColumnRef>,
    /// `min(col)` / `max(col)` as the only outputs of a block without GROUP BY: an index end answers it.
    pub min_max: Vec<ColumnRef>,
    /// Whether the block aggregates (GROUP BY or aggregate functions) or uses window functions: LIMIT then stops no scan early.
    pub aggregates: bool,
    /// Whether how many rows it gives does not follow from relations, predicates and joins alone: a condition that is not among
    /// them (`f(x)`, an OR), or something in FROM that is no table.
    pub inexact: bool,
}

/// How a block hangs in its parent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The statement itself, or an arm of its UNION.
    #[default]
    Top,
    /// Subquery in FROM, a view, or a CTE that `PostgreSQL` inlines.
    Derived,
    /// CTE that is computed once and kept: MATERIALIZED, recursive, used twice, or writing.
    MaterializedCte,
    /// EXISTS / IN / = ANY: stops at the first match.
    Semi,
    /// NOT EXISTS / NOT IN.
    Anti,
    /// Scalar subquery, run per outer row when correlated.
    Scalar,
    /// LATERAL subquery.
    Lateral,
}

/// A column of a relation of the shape.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ColumnRef {
    /// Position in `Shape::relations`.
    pub relation: usize,
    /// Column name, unquoted.
    pub column: String,
}

/// An ORDER BY key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderKey {
    /// The column.
    #[serde(flatten)]
    pub column: ColumnRef,
    /// DESC.
    pub descending: bool,
    /// NULLS FIRST as it takes effect (the default of DESC).
    pub nulls_first: bool,
}

/// An ORDER BY key that sorts by distance, the nearest first: `spot <-> $1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nearest {
    /// The column.
    #[serde(flatten)]
    pub column: ColumnRef,
    /// The expression that it stands in, as in [`Predicate::expression`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// The operator, with the column on its left side.
    pub operator: String,
}

/// Rows asked for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// A number in the text.
    Rows(f64),
    /// `$n`: see `Query::page` for what it is taken for.
    Parameter,
}

/// A condition on one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Predicate {
    /// The column.
    pub column: String,
    /// When the column stands inside an expression (`lower(email)`, `data->>'k'`, `created_at::date`): that expression, so
    /// that an index on the bare column is of no use. In the spelling of [`crate::query::expression::canonical`]; it can be
    /// indexed only if it holds no `$n`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// The comparison.
    pub operator: Operator,
    /// The other side.
    pub operand: Operand,
}

/// How a column is compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// `=`, `IS NOT DISTINCT FROM`, a bare boolean column or its NOT.
    Eq,
    /// `IN (…)`, `= ANY (…)`, with the number of elements when known.
    In(Option<usize>),
    /// `IS NULL`.
    IsNull,
    /// `IS NOT NULL`.
    IsNotNull,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `BETWEEN`: both bounds.
    Between,
    /// `LIKE 'abc%'` with a literal prefix, or `^@` / `starts_with`: a range under C collation or pattern operators.
    LikePrefix,
    /// `LIKE` whose pattern is unknown (`$1`) or starts with a wildcard; also ILIKE, `~`, SIMILAR TO.
    Like,
    /// `<>`, `NOT IN`, `NOT LIKE`: no btree serves it.
    NotEq,
    /// Any other operator, by its text: `@>`, `&&`, `?`, `@@`, `<->`.
    Other(String),
}

impl Operator {
    /// Equality: it leaves the following index columns sorted (for `In` only when there is one value).
    #[must_use]
    pub fn is_equality(&self) -> bool {
        matches!(self, Self::Eq | Self::In(_) | Self::IsNull)
    }

    /// A range that a btree can serve as the last used key.
    #[must_use]
    pub fn is_range(&self) -> bool {
        matches!(
            self,
            Self::Lt
                | Self::Le
                | Self::Gt
                | Self::Ge
                | Self::Between
                | Self::IsNotNull
                | Self::LikePrefix
        )
    }
}

/// The other side of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operand {
    /// A literal, in the text form that `pg_stats` uses (unquoted).
    Literal(String),
    /// Several literals (IN list; BETWEEN: low and high).
    Literals(Vec<String>),
    /// `$n` alone, by its number; several for an IN list and BETWEEN.
    Parameters(Vec<usize>),
    /// `now() - $n::interval`, by the parameter's number.
    Ago(usize),
    /// `ARRAY[$n]`, by the parameter's number.
    Element(usize),
    /// A value that is only known when the statement runs (`$1 + 1`, `current_date - 7`, a scalar subquery).
    Unknown,
    /// No operand (IS NULL).
    None,
}

impl Operand {
    /// Whether the planner cannot see the value either.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(
            self,
            Self::Unknown | Self::Parameters(_) | Self::Ago(_) | Self::Element(_)
        )
    }
}

/// A comparison between columns of two relations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// One side.
    pub left: ColumnRef,
    /// The other side.
    pub right: ColumnRef,
    /// `=`; other comparisons (`<`, …) are kept because an index can serve them in a nested loop.
    pub equality: bool,
    /// How the *right* relation is joined to the left one.
    pub kind: JoinKind,
}

/// Kinds of join, as far as access paths care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JoinKind {
    /// Either side may be the outer one.
    Inner,
    /// Right side is optional, or the left one cannot be looked up by value (a column behind aggregation, LIMIT or a
    /// materialized CTE, or one inside an expression): left must be the outer one.
    Left,
    /// Both sides optional.
    Full,
    /// EXISTS, IN: right side only tests.
    Semi,
    /// NOT EXISTS, NOT IN.
    Anti,
    /// Correlation of a subquery that cannot be pulled up: right runs once per left row.
    Correlated,
}
