//! What happens to the application, and what it wants to be done.

use std::collections::{BTreeMap, HashMap};

use crate::model::sample::{Sample, StatementKey};
use crate::tui::keys::Key;

/// Something that happened.
#[derive(Debug)]
pub enum Message {
    /// A key.
    Key(Key),
    /// The mouse was pressed there.
    Click(u16, u16),
    /// The wheel was turned: down, or up if negative.
    Wheel(i32),
    /// Text was pasted.
    Paste(String),
    /// The terminal has another size.
    Resize(u16, u16),
    /// Time passed: our own clock, Unix seconds.
    Clock(f64),
    /// The collector read a sample.
    Sample(Box<Sample>),
    /// The collector reads less often than it was told, because the server is slow; seconds.
    Slowed(f64),
    /// Texts of statements.
    Texts(HashMap<i64, String>),
    /// Texts could not be read.
    NoTexts(String),
    /// Names of roles.
    Roles(BTreeMap<u32, String>),
    /// The connection is lost: why, and in how many seconds it is tried again.
    Lost(String, f64),
    /// What came of explaining a statement.
    Explained(StatementKey, Result<Explanation, String>),
    /// The index advice for the load.
    Advised(Result<Vec<Advice>, String>),
    /// What came of an action, for the line at the bottom.
    Told(String),
}

/// Something to be done outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// End.
    Quit,
    /// Stop the program until `fg`.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// Take the mouse, or leave it to the terminal.
    Mouse(bool),
    /// Read this from now on, so often (seconds).
    Collect(crate::model::sample::Wants, f64),
    /// Read the texts of these statements.
    Texts(Vec<i64>),
    /// Plan a statement, or execute it.
    Explain {
        /// Which.
        key: StatementKey,
        /// Its text.
        text: String,
        /// Whether to execute it, behind the gate.
        analyze: bool,
        /// Characters of a line of the page.
        width: usize,
    },
    /// Advise indexes for the load.
    Advise,
    /// Cancel a session's statement, or terminate it.
    Signal {
        /// Its process.
        pid: i32,
        /// Since when it is connected, as the server writes it.
        backend_start: String,
        /// Whether to terminate it.
        terminate: bool,
    },
    /// Put it into the clipboard.
    Copy(String),
    /// Write it to a file of that kind (`sql`, `txt`).
    Save(&'static str, String),
}

/// A statement's plan, findings and advice.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Explanation {
    /// The page, as `pgperf explain` writes it.
    pub page: String,
    /// The DDL that is advised.
    pub ddl: Vec<String>,
}

/// One recommendation for the load, or something that is wrong with the database.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Advice {
    /// `create`, `drop`, …; `look` where a rule found something.
    pub action: String,
    /// What it is about: `schema.table`, a setting, a sequence.
    pub object: String,
    /// How urgent: `P0` to `P3`, or how much it matters: `high`, `medium`, `low`, `info`.
    pub priority: String,
    /// What it is, in one line.
    pub what: String,
    /// Milliseconds a day that it saves.
    pub saves_ms_per_day: Option<f64>,
    /// What share of the load's cost it saves, 0 to 1.
    pub saves_share: Option<f64>,
    /// Bytes that it takes; negative where it gives some back.
    pub size_bytes: Option<f64>,
    /// How sure: `high`, `medium`, `low`.
    pub confidence: String,
    /// The DDL; empty where none is known.
    pub ddl: String,
    /// Why, and what to do, a sentence each.
    pub reasons: Vec<String>,
}

impl Advice {
    /// What it is known by on the screen.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {} {}", self.action, self.object, self.what)
    }
}
