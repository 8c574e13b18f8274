//! REPORT → TEXT. Every format is a view of one `Report` value, so that all of them say the same.

use serde::Serialize;

use crate::advisor::recommendation::Recommendation;
use crate::model::gap::Gap;
use crate::model::whatif::Source;
use crate::query::workload::Coverage;

/// Version of the JSON form: raised when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// Everything a command has to say.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
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
    /// Candidates that were considered.
    pub candidates: usize,
}

/// A statement without advice.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Unhelped {
    /// `queryid`s.
    pub queryids: Vec<i64>,
    /// Its text.
    pub query: String,
    /// Line in the user's file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Planner cost per execution.
    pub cost: Option<f64>,
    /// Share of the analysed load.
    pub load_share: f64,
    /// Why nothing is advised: "no index lowers its cost", "only tables of fewer than 16 pages", …
    pub reason: String,
}
