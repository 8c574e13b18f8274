//! The Workload: the statements worth attention, with shapes, weights and an account of what was left out.

mod build;
mod plans;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::model::snapshot::Snapshot;
use crate::query::shape::Shape;

pub use build::{WorkloadOptions, workload};
pub use plans::with_plans;

/// What kind of statement it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueryKind {
    /// SELECT, VALUES, TABLE, WITH … SELECT.
    Select,
    /// INSERT.
    Insert,
    /// UPDATE.
    Update,
    /// DELETE.
    Delete,
    /// MERGE.
    Merge,
}

/// One distinct statement: all rows of `pg_stat_statements` with the same fingerprint and search path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// Text that the server can EXPLAIN: repaired, one statement, no trailing semicolon, parameters `$1 … $n`.
    pub text: String,
    /// Highest `$n` in it, 0 = none.
    pub parameters: usize,
    /// Our own fingerprint, stable across servers and versions.
    pub fingerprint: u64,
    /// Kind.
    pub kind: QueryKind,
    /// Positions in `Snapshot::statements` of the rows it stands for.
    pub members: Vec<usize>,
    /// Executions of all members.
    pub calls: f64,
    /// Total execution time of all members, ms; `None` when the source has no times.
    pub total_ms: Option<f64>,
    /// Mean rows returned per execution.
    pub rows_per_call: f64,
    /// What LIMIT `$n` is taken for: the rows returned, or more where it was seen to cut nothing off.
    pub page: f64,
    /// Schemas that unqualified names were resolved in.
    pub search_path: Vec<String>,
    /// What it asks of the tables.
    pub shape: Shape,
    /// The other texts that it was sent with: the same but for constants.
    #[serde(default)]
    pub variants: Vec<Variant>,
    /// What planners are asked instead of `text`.
    pub usual: Usual,
    /// Where it is asked with values that behave unlike each other: what planners are asked instead of `usual`, a question for
    /// each class of values; empty = it is not.
    #[serde(default)]
    pub classes: Vec<ValueClass>,
    /// Why the text could not be read, if so: `shape` is then what its plan shows, and exact in nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
}

impl Query {
    /// The ways in which it runs, each with its share of the executions; the shares sum to 1.
    pub fn ways(&self) -> impl Iterator<Item = (f64, &Usual, &Shape)> {
        let classes = self.classes.iter().map(|c| (c.share, &c.usual, &c.shape));
        let one = (self.classes.is_empty()).then_some((1.0, &self.usual, &self.shape));
        one.into_iter().chain(classes)
    }

    /// Known `queryid`s of its members, sorted.
    #[must_use]
    pub fn queryids(&self, snapshot: &Snapshot) -> Vec<i64> {
        let members = self.members.iter();
        let mut ids: Vec<i64> = members
            .filter_map(|&m| snapshot.statements[m].queryid)
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// What was taken for its parameters.
    pub fn assumed(&self) -> impl Iterator<Item = &Assumed> {
        self.ways().flat_map(|(_, usual, _)| &usual.assumed)
    }
}

/// A statement as it was sent with other constants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// Its text, like `Query::text`.
    pub text: String,
    /// Executions.
    pub calls: f64,
    /// What it asks of the tables.
    pub shape: Shape,
}

/// Executions whose parameters have values of about the same frequency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValueClass {
    /// Their share of all executions.
    pub share: f64,
    /// The statement with one of the values.
    pub usual: Usual,
    /// What it then asks of the tables.
    pub shape: Shape,
}

impl Query {
    /// What it weighs: its total time in ms, or its calls where the workload has no times (`timed` is false).
    #[must_use]
    pub fn load(&self, timed: bool) -> f64 {
        if timed {
            self.total_ms.unwrap_or(0.0)
        } else {
            self.calls
        }
    }
}

/// A statement as it usually runs: its text with constants for the parameters whose values are known or can be told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Usual {
    /// The text; its parameters are `$1 … $n` again.
    pub text: String,
    /// Highest `$n` left in it.
    pub parameters: usize,
    /// What was taken for parameters that the text does not tell, column by column.
    pub assumed: Vec<Assumed>,
}

/// A value was taken for the parameters that a column is compared with, so that the conditions keep as many rows as the
/// statement returned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assumed {
    /// The column.
    pub column: String,
    /// Share of the table's rows that the conditions on it keep with these values.
    pub share: f64,
    /// The share that a generic plan takes for them.
    pub generic: f64,
    /// Share of the executions with such values; `None` = all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<f64>,
    /// Whether the rows returned say so; else how often which value is asked for is a guess.
    pub counted: bool,
}

/// Why a statement is not in the workload.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Reads or writes no user table: `SELECT 1`, catalog queries.
    NoTables,
    /// Not a SELECT, INSERT, UPDATE, DELETE or MERGE: `COMMIT`, `VACUUM`, DDL, `EXPLAIN`, `CALL`.
    Utility,
    /// pgperf's own.
    Own,
    /// Ran in another database.
    OtherDatabase,
    /// Inside a function (`toplevel` false), with variables as bare names.
    Nested,
    /// Text not visible to the role, or purged.
    NoText,
    /// Text cut off (`pg_stat_activity`, `track_activity_query_size`).
    Truncated,
    /// Our parser does not understand it; the message says where.
    Unparsed(String),
    /// Nor would the planner show a plan to read instead.
    Unplanned {
        /// What the parser said.
        unparsed: String,
        /// What the planner said.
        refused: String,
    },
    /// Names a table that is not in this database (dropped, temporary, other search path).
    UnknownTable(String),
    /// Only foreign tables.
    ForeignTable,
    /// A plain INSERT … VALUES: it reads no table (it counts as write load).
    OnlyWrites,
    /// Internal foreign-key check of the server.
    ForeignKeyCheck,
    /// Below the cut (`--min-calls`, `--min-time`, share of total time).
    BelowCut,
}

impl Reason {
    /// A short phrase for people: "utility statement", "text not visible".
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::NoTables => "reads no user table".into(),
            Self::Utility => "utility statement".into(),
            Self::Own => "pgperf's own".into(),
            Self::OtherDatabase => "of another database".into(),
            Self::Nested => "inside a function".into(),
            Self::NoText => "text not visible".into(),
            Self::Truncated => "text cut off".into(),
            Self::Unparsed(why) => format!("not understood: {why}"),
            Self::Unplanned { unparsed, refused } => {
                format!("not understood: {unparsed}; and not planned: {refused}")
            }
            Self::UnknownTable(name) => format!("table {name} not found"),
            Self::ForeignTable => "only foreign tables".into(),
            Self::OnlyWrites => "only inserts".into(),
            Self::ForeignKeyCheck => "foreign-key check".into(),
            Self::BelowCut => "below the cut".into(),
        }
    }

    /// Whether an index advisor has nothing to say about such a statement anyway, so that leaving it out loses nothing.
    #[must_use]
    pub fn is_harmless(&self) -> bool {
        matches!(
            self,
            Self::NoTables
                | Self::Utility
                | Self::Own
                | Self::OtherDatabase
                | Self::OnlyWrites
                | Self::ForeignKeyCheck
        )
    }
}

/// A statement that was left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Skipped {
    /// Position in `Snapshot::statements`.
    pub statement: usize,
    /// Why.
    pub reason: Reason,
}

/// How much of the load was analysed. Harmless reasons count neither way.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// Statements with user tables seen.
    pub statements: usize,
    /// Of them analysed.
    pub analysed: usize,
    /// Of those by their plans, because their texts could not be read.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub by_plan: usize,
    /// Their total execution time, ms (calls, when there are no times).
    pub total: f64,
    /// Of it analysed.
    pub analysed_total: f64,
    /// Whether the totals are times (else calls).
    pub timed: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Coverage {
    /// Analysed share of the load, 0 to 1; 1 when there is no load.
    #[must_use]
    pub fn share(&self) -> f64 {
        if self.total > 0.0 {
            self.analysed_total / self.total
        } else {
            1.0
        }
    }
}

/// The statements worth attention, most expensive first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Workload {
    /// What will be analysed.
    pub queries: Vec<Query>,
    /// Statements whose texts could not be read, and whose load is worth the question how they are planned: see [`with_plans`].
    /// They are among `skipped`, and their shapes are empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Query>,
    /// What will not, and why.
    pub skipped: Vec<Skipped>,
    /// The account.
    pub coverage: Coverage,
}
