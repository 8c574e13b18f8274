//! Gaps: what was not seen, why, and the command that closes it. A Gap is how "could not look" differs from "nothing found".

use serde::{Deserialize, Serialize};

/// A part of the world that a Snapshot can hold; a Gap names one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// `pg_stat_statements`: figures and texts.
    Statements,
    /// `pg_stat_activity`: other sessions and their statements.
    Activity,
    /// Tables, columns, constraints, partitions, views.
    Catalog,
    /// Indexes with their definitions.
    Indexes,
    /// `pg_stats`: column statistics.
    ColumnStats,
    /// `pg_stat_all_tables` and `pg_stat_all_indexes`.
    TableStats,
    /// `pg_statistic_ext`.
    ExtendedStats,
    /// `pg_settings`.
    Settings,
    /// Costs of hypothetical indexes.
    Planner,
    /// Statements that could not be analysed.
    Workload,
    /// Server logs given by the user.
    Logs,
    /// Anything else about the server.
    Server,
}

/// A part that was not (or not wholly) seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gap {
    /// What is missing.
    pub part: Part,
    /// What happened, one sentence without trailing period: `pg_stat_statements is not installed in database shop`.
    pub what: String,
    /// What the advice loses by it, one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
    /// Exact commands that close it, in order; empty when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub close: Vec<String>,
    /// How many objects or statements it touches, when counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

impl Gap {
    /// A gap with only its sentence.
    pub fn new(part: Part, what: impl Into<String>) -> Self {
        Self {
            part,
            what: what.into(),
            effect: None,
            close: Vec::new(),
            count: None,
        }
    }

    /// Adds what is lost.
    #[must_use]
    pub fn effect(mut self, effect: impl Into<String>) -> Self {
        self.effect = Some(effect.into());
        self
    }

    /// Adds one command that closes the gap.
    #[must_use]
    pub fn close(mut self, command: impl Into<String>) -> Self {
        self.close.push(command.into());
        self
    }

    /// Adds how many objects it touches.
    #[must_use]
    pub fn count(mut self, count: usize) -> Self {
        self.count = Some(count as u64);
        self
    }
}
