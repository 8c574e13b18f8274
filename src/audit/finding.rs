//! Findings: what a rule saw, where, why it matters, what to do.

use serde::Serialize;

use crate::model::change::Change;
use crate::query::fingerprint::of_words;

/// How much it matters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    #[default]
    Info,
    /// Costs little.
    Low,
    /// Costs something that is noticed.
    Medium,
    /// Costs much, or data is in danger.
    High,
}

impl Severity {
    /// As it is named in options and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// What a rule saw.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// The rule's identifier: `seq-scan-selective`.
    pub rule: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// One sentence without figures that says what it is.
    pub title: String,
    /// What it is about: a table, an index, a node of a plan, a setting.
    pub object: String,
    /// Position of the node of the plan, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<usize>,
    /// The figures it rests on, a sentence each.
    pub evidence: Vec<String>,
    /// What to do.
    pub fix: Fix,
    /// Share of the time (the cost, where nothing was measured) that is at stake, 0 to 1; 0 = cannot be said.
    pub share: f64,
}

impl Finding {
    /// What it is known by in another run, hexadecimal: the rule, what it is about, and the fingerprint of the statement that it
    /// was found in (empty for one about the database).
    #[must_use]
    pub fn fingerprint(&self, statement: &str) -> String {
        format!(
            "{:016x}",
            of_words([self.rule, self.object.as_str(), statement])
        )
    }
}

/// What to do about it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Fix {
    /// In words, one sentence or two.
    pub advice: String,
    /// Statements that do it, where they are known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// The statement written otherwise, where that is the cure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewrite: Option<String>,
}

impl From<&str> for Fix {
    fn from(advice: &str) -> Self {
        Self {
            advice: advice.to_owned(),
            ..Self::default()
        }
    }
}

impl From<String> for Fix {
    fn from(advice: String) -> Self {
        Self {
            advice,
            ..Self::default()
        }
    }
}

/// How much a share of the time (or cost) of a statement matters.
#[must_use]
pub fn severity(share: f64) -> Severity {
    match share {
        s if s >= 0.5 => Severity::High,
        s if s >= 0.2 => Severity::Medium,
        s if s >= 0.05 => Severity::Low,
        _ => Severity::Info,
    }
}
