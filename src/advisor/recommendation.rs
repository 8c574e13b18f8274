//! Recommendations: a change, what it brings, what it costs, and the evidence. The field names are those of the JSON report.

use serde::Serialize;

use crate::advisor::priority::Priority;
use crate::model::catalog::Table;
use crate::model::change::Change;
use crate::model::ident::QualifiedName;
use crate::model::index::IndexDefinition;
use crate::query::workload::Assumed;

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Build an index.
    Create,
    /// Build a wider index and drop the one that it makes superfluous.
    Replace,
    /// Drop an index.
    Drop,
    /// Rebuild an invalid index.
    Reindex,
    /// Gather the statistics of a table.
    Analyze,
    /// Create extended statistics on columns of a table.
    Statistics,
    /// Change a setting of the server.
    Set,
}

impl Action {
    /// Whether it builds, rebuilds or drops an index, which has a size and takes part in writes.
    #[must_use]
    pub fn is_on_index(self) -> bool {
        match self {
            Self::Create | Self::Replace | Self::Drop | Self::Reindex => true,
            Self::Analyze | Self::Statistics | Self::Set => false,
        }
    }
}

/// How sure the advice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Arithmetic without a planner on thin statistics, or catalog evidence alone.
    Low,
    /// Arithmetic on good statistics, or a planner on generic plans of skewed columns.
    Medium,
    /// The real planner said so.
    High,
}

/// One recommendation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recommendation {
    /// What to do.
    pub action: Action,
    /// The index, or the statistics object, that it is about; empty where it is about a table.
    pub index: QualifiedName,
    /// Its definition. Of other things than indexes only table and columns are given.
    pub definition: IndexDefinition,
    /// The indexes that it replaces, which `changes` drops once it is there.
    pub replaced: Vec<Replaced>,
    /// The statements to run, in order.
    pub changes: Vec<Change>,
    /// The statements that take it back, in order.
    pub undo: Vec<Change>,
    /// Expected size (create, replace) or freed size (drop), bytes.
    pub size_bytes: f64,
    /// What it brings and costs.
    pub benefit: Benefit,
    /// Statements it helps, most time saved first. Empty for advice from the catalog alone.
    pub statements: Vec<Helped>,
    /// Statements whose rows the planner misjudges.
    pub misjudged: Vec<Misjudged>,
    /// How sure.
    pub confidence: Confidence,
    /// Why that sure: who answered, how old the statistics are, what was assumed or guessed.
    pub confidence_reason: String,
    /// Position in the order in which it is best done: 1 = first.
    pub rank: usize,
    /// How urgent.
    pub priority: Priority,
    /// Why that urgent: what it saves, how often that is felt.
    pub priority_reason: String,
    /// What has to be done: "one statement, does not block writes".
    pub effort: String,
    /// What can go wrong: "adds 1.2 % to writes on orders; loses HOT updates of …".
    pub risk: String,
    /// One sentence: why.
    pub reason: String,
}

impl Recommendation {
    /// Bytes on disk that it adds: its size less that of what it replaces.
    #[must_use]
    pub fn net_size_bytes(&self) -> f64 {
        self.size_bytes - self.replaced.iter().map(|r| r.size_bytes).sum::<f64>()
    }

    /// One about a table, not an index, with nothing said yet but what it is about.
    #[must_use]
    pub fn on_table(action: Action, table: &Table) -> Self {
        let mut about = Self::on_server(action);
        about.definition.table_oid = table.oid;
        about.definition.table = table.qualified();
        about
    }

    /// The same about the server as a whole: its table has no name.
    #[must_use]
    pub fn on_server(action: Action) -> Self {
        Self {
            action,
            index: QualifiedName::new("", ""),
            definition: IndexDefinition {
                table_oid: 0,
                table: QualifiedName::new("", ""),
                method: String::new(),
                keys: Vec::new(),
                include: Vec::new(),
                predicate: None,
                unique: false,
            },
            replaced: Vec::new(),
            changes: Vec::new(),
            undo: Vec::new(),
            size_bytes: 0.0,
            benefit: Benefit::default(),
            statements: Vec::new(),
            misjudged: Vec::new(),
            confidence: Confidence::Low,
            confidence_reason: String::new(),
            rank: 0,
            priority: Priority::default(),
            priority_reason: String::new(),
            effort: String::new(),
            risk: String::new(),
            reason: String::new(),
        }
    }
}

/// An index that a wider one replaces.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Replaced {
    /// Its name.
    pub index: QualifiedName,
    /// What dropping it frees, bytes.
    pub size_bytes: f64,
    /// What writes pay for it today; `None` when the write rate is unknown.
    pub write_ms_per_day: Option<f64>,
}

/// A statement that returned another number of rows than the planner expects.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Misjudged {
    /// `queryid`s of the statement, when known.
    pub queryids: Vec<i64>,
    /// Our fingerprint, hexadecimal.
    pub fingerprint: String,
    /// Its text.
    pub query: String,
    /// Executions.
    pub calls: f64,
    /// Rows an execution returned, on average.
    pub rows_counted: f64,
    /// Rows that the planner expects, by the statistics of each column alone.
    pub rows_expected: f64,
}

/// Gain and price. Costs are planner units summed over the statements, each weighted with its calls.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Benefit {
    /// Cost of the helped statements with the indexes that exist and those advised before this one.
    pub cost_before: f64,
    /// Cost with this one too.
    pub cost_after: f64,
    /// Execution time saved per day; `None` when the source of the statements has no times.
    pub ms_per_day_saved: Option<f64>,
    /// Price of maintaining it per day, less that of what it replaces; `None` when the write rate is unknown.
    pub write_ms_per_day: Option<f64>,
    /// Share of the analysed load that is saved, 0 to 1.
    pub load_share_saved: f64,
}

/// One statement that an index helps.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Helped {
    /// Its position in the workload.
    #[serde(skip)]
    pub position: usize,
    /// `queryid`s of the statement, when known (several: IN lists of different length, several roles).
    pub queryids: Vec<i64>,
    /// Our fingerprint, hexadecimal: stable across servers.
    pub fingerprint: String,
    /// Its text.
    pub query: String,
    /// Line in the user's file, when it came from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Executions.
    pub calls: f64,
    /// Mean execution time, ms, as measured so far.
    pub mean_ms: Option<f64>,
    /// Planner cost per execution without any of the advised indexes.
    pub cost_before: f64,
    /// Planner cost per execution with all of them.
    pub cost_after: f64,
    /// Outline of the plan before.
    pub plan_before: String,
    /// Outline of the plan after.
    pub plan_after: String,
    /// What was taken for parameters whose values nobody knows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assumed: Vec<Assumed>,
    /// The plan without values that the server may settle on where the statement is prepared, if that leaves the index aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generic: Option<Generic>,
    /// Why its SQL was not understood, if its plan was read instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
}

/// A generic plan: one that is made without the values of the parameters.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Generic {
    /// Planner cost per execution, as the planner takes it for unknown values.
    pub cost: f64,
    /// Its outline.
    pub plan: String,
}
