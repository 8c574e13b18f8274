//! What-if questions and their answers: what would this statement cost if these indexes existed?

use serde::{Deserialize, Serialize};

use crate::model::index::IndexDefinition;
use crate::model::plan::Plan;

/// An index that does not exist, with the size it would have by our own model (`advisor::size`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hypothetical {
    /// What it would be.
    pub definition: IndexDefinition,
    /// 8 kB pages it would take.
    pub pages: f64,
    /// Levels above the leaves: 0 for a single page. The planner charges a descent by it, HypoPG does not know it.
    pub tree_height: f64,
}

impl Hypothetical {
    /// Size in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> f64 {
        self.pages * 8192.0
    }
}

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// `HypoPG` on the target: the real planner, costs corrected for tree height.
    Hypopg,
    /// A statistics clone: the real planner on a local server.
    Clone,
    /// Arithmetic over the statistics: no planner was asked.
    Estimate,
}

impl Source {
    /// As it is named in options and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hypopg => "hypopg",
            Self::Clone => "clone",
            Self::Estimate => "estimate",
        }
    }
}

/// The answer: planner units, comparable only with answers of the same source for the same statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Total cost of the statement.
    pub total: f64,
    /// Positions, in the asked list of indexes, of those that the plan uses; sorted.
    pub used: Vec<usize>,
    /// The plan behind it; an estimate gives a sketch of one.
    pub plan: Plan,
}
