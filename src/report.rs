//! REPORT → TEXT. Every format is a view of one `Report` value, so that all of them say the same.
//!
//! A format is one file `report/x.rs` with `render(&Report, Style) -> String`, one variant of [`Format`] and one arm in
//! [`render`]. Sentences that several formats share are in `phrase`, what makes database text harmless is in `plain`.

pub mod audit;
pub mod explain;
mod json;
mod page;
mod phrase;
mod plain;
mod sql;
mod text;

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::advisor::frontier::Step;
use crate::advisor::recommendation::Recommendation;
use crate::advisor::rejections::{Rejection, Unhelped};
use crate::advisor::time_model::Calibration;
use crate::model::gap::{Gap, Part};
use crate::model::whatif::Source;
use crate::query::workload::Coverage;

pub(crate) use plain::{one_line, sql_line, wrap};

/// Version of the JSON form: raised when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 2;

/// How a report is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// For people, in a terminal.
    #[default]
    Text,
    /// For programs: see `report/json.rs` for the contract.
    Json,
    /// A script for psql, with the evidence as comments.
    Sql,
}

impl Format {
    /// Every format, as options and help list them.
    pub const ALL: [Self; 3] = [Self::Text, Self::Json, Self::Sql];

    /// As options name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Sql => "sql",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|f| f.name() == name)
            .ok_or_else(|| {
                let known = Self::ALL.map(Self::name).join(", ");
                format!("unknown format {name:?}: choose one of {known}")
            })
    }
}

/// How text is laid out. Data formats ignore it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Columns of the terminal; less than 60 counts as 60. Only DDL may run over it, so that it can be pasted.
    pub width: usize,
    /// Whether ANSI colours are wanted.
    pub colour: bool,
}

impl Default for Style {
    /// 80 columns without colour: what a pipe or a file gets.
    fn default() -> Self {
        Self {
            width: 80,
            colour: false,
        }
    }
}

/// Writes a report. The same report and style give the same bytes.
#[must_use]
pub fn render(report: &Report, format: Format, style: Style) -> String {
    match format {
        Format::Text => text::render(report, style),
        Format::Json => json::render(report),
        Format::Sql => sql::render(report),
    }
}

/// Everything a command has to say. Its JSON form is made by `report/json.rs`.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// `SCHEMA_VERSION`.
    pub schema_version: u32,
    /// Who wrote it.
    pub tool: Tool,
    /// What was looked at.
    pub target: TargetSummary,
    /// Who answered the what-if questions; `None` when none were asked.
    pub planner: Option<PlannerSummary>,
    /// How much of the load was analysed.
    pub coverage: Coverage,
    /// Statements left out, by reason, most first.
    pub skipped: Vec<SkippedGroup>,
    /// What was not seen, and how to see it.
    pub gaps: Vec<Gap>,
    /// The advice, best first.
    pub recommendations: Vec<Recommendation>,
    /// All recommendations together.
    pub summary: Summary,
    /// Statements looked at in detail for which nothing is advised, with the reason, most expensive first.
    pub unhelped: Vec<Unhelped>,
    /// Candidates that were not chosen, by table; `None` = nobody wanted to know.
    pub rejections: Option<Vec<Rejection>>,
}

/// What a report amounts to. Without it "nothing found" and "could not look" would both be an empty list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// There are recommendations.
    Advice,
    /// All was seen and analysed, and no index is worth its price.
    NothingToAdvise,
    /// No index is worth its price for what was seen, but not all was seen.
    NothingToAdviseInPart,
    /// All was seen, and there was no statement on a user table.
    NoStatements,
    /// Nothing could be analysed.
    CouldNotLook,
}

impl Report {
    /// What it amounts to.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let blind = |gap: &Gap| {
            matches!(
                gap.part,
                Part::Statements
                    | Part::Catalog
                    | Part::Indexes
                    | Part::ColumnStats
                    | Part::Planner
                    | Part::Workload
            )
        };
        let incomplete = self.gaps.iter().any(blind);
        let coverage = &self.coverage;
        if !self.recommendations.is_empty() {
            Outcome::Advice
        } else if coverage.statements == 0 {
            if incomplete {
                Outcome::CouldNotLook
            } else {
                Outcome::NoStatements
            }
        } else if coverage.analysed == 0 || (self.planner.is_none() && self.summary.candidates > 0)
        {
            Outcome::CouldNotLook
        } else if incomplete || coverage.analysed < coverage.statements {
            Outcome::NothingToAdviseInPart
        } else {
            Outcome::NothingToAdvise
        }
    }
}

/// The program.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tool {
    /// `pgperf`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The server or the file that was looked at.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TargetSummary {
    /// Database name.
    pub database: String,
    /// Server version text.
    pub server_version: String,
    /// When it was seen, Unix seconds.
    pub taken_at: f64,
    /// Snapshot file, when it was read from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// Seconds over which the statement figures were gathered; `None` = unknown.
    pub statements_window_s: Option<f64>,
}

/// Who answered, and how often it was asked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannerSummary {
    /// The source.
    pub source: Source,
    /// Why this one and not a better one, one sentence; empty when there is none better.
    pub why: String,
    /// What-if questions answered.
    pub probes: usize,
    /// What the times of the server's statements say of its speed; `None` = too few of them tell.
    pub calibration: Option<Calibration>,
}

/// Statements left out for one reason.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SkippedGroup {
    /// The reason, for people.
    pub reason: String,
    /// How many.
    pub statements: usize,
    /// Their execution time, ms, when known.
    pub total_ms: Option<f64>,
    /// Whether an index advisor has nothing to say about such statements anyway.
    pub harmless: bool,
    /// One of them, shortened.
    pub example: Option<String>,
}

/// All recommendations together. Costs are weighted sums over the analysed workload.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// Workload cost now.
    pub cost_before: f64,
    /// Workload cost with all advised indexes.
    pub cost_after: f64,
    /// Execution time saved per day, ms, when known.
    pub ms_per_day_saved: Option<f64>,
    /// Size of all indexes to create, bytes.
    pub size_bytes: f64,
    /// The given budget, bytes.
    pub budget_bytes: Option<f64>,
    /// Most new indexes that were wanted, of all and on one table.
    pub max_indexes: Option<usize>,
    /// See `max_indexes`.
    pub max_indexes_per_table: Option<usize>,
    /// Indexes for foreign keys for which those limits left no room.
    pub beyond_limits: usize,
    /// Candidates that were considered.
    pub candidates: usize,
    /// How far the choice is at most from the best set by all plans that were asked for, as a share of the load with it.
    pub gap: Option<f64>,
    /// The best set at each budget, largest first; empty unless asked for.
    pub frontier: Vec<Step>,
}
