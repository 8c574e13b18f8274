//! One statement for each row of another: the N+1 problem, told from counters alone or from logs alone.
//!
//! A program reads a list, and then asks for something of each row by a statement of its own. Each of these is fast, so no list
//! of slow statements shows them. In `pg_stat_statements` such a pair rises together: as often as the one was called, as many
//! rows the other gave ([`from_samples`]). A log shows the loop itself ([`Loops`], judged by [`from_loops`]). What only looks
//! like it is told apart: a page that always asks three questions, a session that is looked up for each request, jobs that each
//! do their own work. A log also shows what is asked again with the same values ([`Kind::Again`]).

mod access;
mod again;
mod both;
mod deltas;
mod fix;
mod from_logs;
mod from_samples;
mod key;
mod link;
mod orm;
mod repeats;
mod runs;
#[cfg(test)]
mod tests;
mod unit;
mod vectors;
mod watched;

use serde::Serialize;

pub use both::both;
pub use deltas::Sample;
pub use from_logs::from_loops;
pub use from_samples::from_samples;
pub use orm::Orm;
pub use runs::{Loops, Ran};
pub use watched::{Watched, watched};

/// Score from which a case is likely.
const LIKELY: f64 = 0.65;

/// Score from which a case is worth mentioning.
const POSSIBLE: f64 = 0.45;

/// What is done for each row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The one row that it refers to is read.
    BelongsTo,
    /// The rows that refer to it are read.
    HasMany,
    /// The first few of those.
    FirstOfMany,
    /// They are counted or summed up.
    Aggregate,
    /// A row is inserted.
    Insert,
    /// A row is updated.
    Update,
    /// A row is deleted.
    Delete,
    /// The same is read again, with the same values and no write in between: not a loop over rows, but as needless.
    Again,
}

impl Kind {
    /// Whether it writes.
    #[must_use]
    pub fn writes(self) -> bool {
        matches!(self, Self::Insert | Self::Update | Self::Delete)
    }
}

/// How sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// It may be something else.
    Possible,
    /// It is hard to think of something else.
    Likely,
}

/// Where a case was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The counters of `pg_stat_statements`.
    Counters,
    /// Server logs.
    Logs,
}

/// What would be spared, as shares of all that was looked at, 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Spared {
    /// Of the executions.
    pub calls: f64,
    /// Of the time that the server spent on statements; no more than that.
    pub time: f64,
}

impl Spared {
    fn new(calls: f64, of_calls: f64, ms: f64, of_ms: f64) -> Self {
        let share = |part: f64, whole: f64| {
            if whole > 0.0 {
                (part / whole).clamp(0.0, 1.0)
            } else {
                0.0
            }
        };
        Self {
            calls: share(calls, of_calls),
            time: share(ms, of_ms),
        }
    }
}

/// One of the two statements.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Side {
    /// Its text, with parameters for constants.
    pub text: String,
    /// `queryid`, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queryid: Option<i64>,
    /// Our own fingerprint; 0 for a text that is not understood.
    pub fingerprint: u64,
    /// Executions in what was looked at.
    pub calls: f64,
}

/// What to do about it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Fix {
    /// The statement that does for all rows what was done for each; its array parameter takes the keys of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
    /// What joins it to the parent instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub join: Option<String>,
    /// Who wrote the statement, by its style.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orm: Option<Orm>,
    /// What to write there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A statement that is run for each row of another, or again and again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NPlusOne {
    /// What is done for each row.
    pub kind: Kind,
    /// The table that it is done to.
    pub table: String,
    /// The column by which it is found; for INSERT the one that refers to the parent, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The statement that is repeated.
    pub child: Side,
    /// The one whose rows it is repeated for; none for writes of what came from outside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<Side>,
    /// How sure it is, 0 to 1.
    pub score: f64,
    /// The same in a word.
    pub certainty: Certainty,
    /// Why, a sentence each.
    pub reasons: Vec<String>,
    /// How often it is run for each execution of the parent (for each transaction, without a parent), on average.
    pub per_parent: f64,
    /// Executions that one statement for all would save.
    pub round_trips: f64,
    /// Time that they took at the server, ms; from logs with the pauses between them. No more than that can be saved.
    pub saved_ms: f64,
    /// The same as shares of all.
    pub spared: Spared,
    /// Where it was seen.
    pub origins: Vec<Origin>,
    /// What to do.
    pub fix: Fix,
}

/// The certainty of a score; `None` if it is not worth mentioning.
fn certainty(score: f64) -> Option<Certainty> {
    // The sum of weights may miss its mark by a rounding error.
    let reaches = |mark: f64| score + 1e-9 >= mark;
    if reaches(LIKELY) {
        Some(Certainty::Likely)
    } else {
        reaches(POSSIBLE).then_some(Certainty::Possible)
    }
}

/// Each told once, what matters most first; in a fixed order.
fn sort(found: &mut Vec<NPlusOne>) {
    let all = std::mem::take(found);
    *found = both::once(all);
    found.sort_by(|a, b| {
        (b.certainty.cmp(&a.certainty))
            .then(b.saved_ms.total_cmp(&a.saved_ms))
            .then(a.child.text.cmp(&b.child.text))
    });
}
