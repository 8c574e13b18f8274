//! Everything that is shown: the last sample, what was counted, the screen and what lies above it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::model::sample::{Sample, StatementKey, Wants};
use crate::tui::column::{Column, Row, RowKey, Rows};
use crate::tui::filter::Filter;
use crate::tui::message::{Advice, Explanation};
use crate::tui::screens::{SCREENS, Screen};
use crate::tui::theme::Theme;
use crate::tui::tracks::{Mode, Tracks};

/// The intervals between samples that can be chosen, seconds.
pub const INTERVALS: &[f64] = &[0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0];

/// What is chosen on the command line.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Options {
    /// Where we are connected to, for the title.
    pub target: String,
    /// Seconds between samples.
    pub interval: f64,
    /// No lines and dots but ASCII.
    pub ascii: bool,
    /// Colours.
    pub theme: Theme,
    /// Whether statements may be executed, behind the gate.
    pub allow_analyze: bool,
    /// Whether sessions may not be cancelled or terminated.
    pub read_only: bool,
    /// Whether samples come from a file.
    pub is_replay: bool,
    /// Whether the mouse is ours.
    pub mouse: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            target: String::new(),
            interval: 2.0,
            ascii: false,
            theme: Theme::Default,
            allow_analyze: false,
            read_only: false,
            is_replay: false,
            mouse: false,
        }
    }
}

/// The connection.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Link {
    /// The first sample is under way.
    #[default]
    Connecting,
    /// It is there.
    Live,
    /// It is lost, why, and when it is tried again (our clock).
    Lost(String, f64),
}

/// How a screen is looked at.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// The column that is sorted by.
    pub sort: Option<usize>,
    /// Whether the largest come first.
    pub descending: bool,
    /// The row of the cursor.
    pub selected: Option<RowKey>,
    /// Where it stood last.
    pub cursor: usize,
    /// Whether it was moved: until then it stays at the top, then it stays with its row.
    pub moved: bool,
    /// The first row that is shown.
    pub top: usize,
    /// Columns scrolled out at the left.
    pub sideways: usize,
    /// Columns that are left out.
    pub hidden: BTreeSet<&'static str>,
}

/// What lies above the screen, the last one on top.
#[derive(Debug, Clone, PartialEq)]
pub enum Layer {
    /// The keys.
    Help(usize),
    /// What happened, and what could not be read.
    Messages(usize),
    /// A filter is being typed.
    Input(String),
    /// Columns are being chosen.
    Columns(usize),
    /// All about one row, scrolled so far.
    Detail(RowKey, usize),
    /// Whether to signal a session.
    Confirm {
        /// Its process.
        pid: i32,
        /// Since when it is connected, as the server writes it.
        backend_start: String,
        /// Whether it is to be terminated.
        terminate: bool,
        /// Who it is, and what it does.
        who: String,
    },
}

/// What is known of a statement's plan.
#[derive(Debug, Clone, PartialEq)]
pub enum Explained {
    /// It is being asked for.
    Waiting,
    /// The page, or why there is none.
    Done(Result<Explanation, String>),
}

/// The index advice for the load.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Advised {
    /// Nobody has asked for it.
    #[default]
    Unasked,
    /// It is being worked out.
    Waiting,
    /// What came of it.
    Done(Result<Vec<Advice>, String>),
}

/// The rows of a screen, sorted and filtered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Grid {
    /// The rows.
    pub rows: Vec<Row>,
    /// How many there were before the filter.
    pub all: usize,
    /// Why there are none.
    pub empty: Option<String>,
}

/// The application.
#[derive(Debug, Default)]
pub struct App {
    /// What was chosen on the command line, and with keys since.
    pub options: Options,
    /// Our own clock, Unix seconds.
    pub now: f64,
    /// The terminal's size.
    pub size: (u16, u16),
    /// The connection.
    pub link: Link,
    /// What is counted.
    pub tracks: Tracks,
    /// The last sample.
    pub sample: Option<Sample>,
    /// Texts of statements, by query id.
    pub texts: HashMap<i64, Arc<str>>,
    /// Why texts could not be read.
    pub no_texts: Option<String>,
    /// Names of roles.
    pub roles: BTreeMap<u32, String>,
    /// Position of the screen in [`SCREENS`].
    pub screen: usize,
    /// How each is looked at.
    pub looks: Vec<Look>,
    /// Which rows are shown.
    pub filter: Filter,
    /// Which amounts.
    pub mode: Mode,
    /// Since when the picture stands still (our clock).
    pub paused: Option<f64>,
    /// Idle sessions and background processes too.
    pub show_idle: bool,
    /// What lies above the screen.
    pub layers: Vec<Layer>,
    /// The rows of the screen.
    pub grid: Grid,
    /// Plans of statements.
    pub explained: HashMap<StatementKey, Explained>,
    /// Advice for the load.
    pub advised: Advised,
    /// The interval that the collector keeps, where the server is too slow for ours.
    pub slowed: Option<f64>,
    /// The line at the bottom, and until when.
    pub told: Option<(String, f64)>,
    /// What happened, newest last, with the time of our clock.
    pub events: Vec<(f64, String)>,
}

impl App {
    /// Before anything is known.
    #[must_use]
    pub fn new(options: Options, now: f64, size: (u16, u16)) -> Self {
        let look = |screen: &Screen| Look {
            sort: screen
                .sort
                .and_then(|(name, _)| screen.columns.iter().position(|column| column.name == name)),
            descending: screen.sort.is_some_and(|(_, descending)| descending),
            ..Look::default()
        };
        Self {
            options,
            now,
            size,
            looks: SCREENS.iter().map(look).collect(),
            ..Self::default()
        }
    }

    /// The screen that is shown.
    #[must_use]
    pub fn screen(&self) -> &'static Screen {
        &SCREENS[self.screen]
    }

    /// How it is looked at.
    #[must_use]
    pub fn look(&self) -> &Look {
        &self.looks[self.screen]
    }

    /// How it is looked at.
    pub fn look_mut(&mut self) -> &mut Look {
        &mut self.looks[self.screen]
    }

    /// What has to be read for it, and for what lies above it.
    #[must_use]
    pub fn wants(&self) -> Wants {
        let mut wants = self.screen().wants;
        // A page of a table has its indexes, whether it is open or lies below.
        wants.indexes |= wants.tables && crate::tui::view::shows_page(self);
        for layer in &self.layers {
            if let Layer::Detail(key, _) = layer {
                // Any page has statements: its own, the session's, or the table's.
                wants.statements = true;
                wants.indexes |= matches!(key, RowKey::Table(_));
            }
        }
        wants
    }

    /// How long the last interval of what the screen shows was, seconds; 0 before there is one.
    #[must_use]
    pub fn interval(&self) -> f64 {
        let (wants, tracks) = (self.screen().wants, &self.tracks);
        match wants {
            Wants {
                statements: true, ..
            } => tracks.statements.seconds,
            Wants { tables: true, .. } => tracks.tables.seconds,
            Wants { indexes: true, .. } => tracks.indexes.seconds,
            // Before 16 there is only the latter.
            Wants { io: true, .. } => tracks.io.seconds.max(tracks.checkpoints.seconds),
            _ => tracks.databases.seconds,
        }
    }

    /// The row of the cursor.
    #[must_use]
    pub fn selected(&self) -> Option<&Row> {
        let key = self.look().selected.as_ref()?;
        self.grid.rows.iter().find(|row| row.key == *key)
    }

    /// A role's name.
    #[must_use]
    pub fn role(&self, oid: u32) -> String {
        let name = self.roles.get(&oid).cloned();
        name.unwrap_or_else(|| oid.to_string())
    }

    /// A database's name.
    #[must_use]
    pub fn database(&self, oid: u32) -> String {
        let databases = self.sample.iter().flat_map(|sample| &sample.databases);
        let name = databases.into_iter().find(|d| d.oid == oid);
        name.map_or_else(|| oid.to_string(), |database| database.name.clone())
    }

    /// The rows of the screen, made anew. The cursor stays with its row, and where that is gone, where it was.
    pub fn regrid(&mut self) {
        let screen = self.screen();
        let (rows, empty) = match (screen.rows)(self) {
            Rows::Some(rows) => (rows, None),
            Rows::Nothing(why) | Rows::Unseen(why) => (Vec::new(), Some(why)),
        };
        let all = rows.len();
        let mut rows: Vec<Row> = rows
            .into_iter()
            .filter(|row| self.filter.passes(screen.columns, row))
            .collect();
        if let Some(sort) = self.look().sort {
            let descending = self.look().descending;
            rows.sort_by(|a, b| {
                let order = a.values[sort].order(&b.values[sort]);
                let order = if descending { order.reverse() } else { order };
                order.then_with(|| a.key.cmp(&b.key))
            });
        }
        self.grid = Grid { rows, all, empty };
        self.settle();
    }

    /// Puts the cursor where its row is.
    pub fn settle(&mut self) {
        let height = self.height();
        let (rows, look) = (&self.grid.rows, &mut self.looks[self.screen]);
        let place = look.selected.as_ref().filter(|_| look.moved);
        let place = place.and_then(|key| rows.iter().position(|row| row.key == *key));
        let last = rows.len().saturating_sub(1);
        let cursor = place.unwrap_or(if look.moved { look.cursor.min(last) } else { 0 });
        look.cursor = cursor;
        look.selected = rows.get(cursor).map(|row| row.key.clone());
        if cursor < look.top {
            look.top = cursor;
        }
        if cursor >= look.top + height {
            look.top = cursor + 1 - height;
        }
        look.top = look.top.min((last + 1).saturating_sub(height));
    }

    /// How many rows of the table fit.
    #[must_use]
    pub fn height(&self) -> usize {
        crate::tui::view::table_height(self).max(1)
    }

    /// The columns that are not left out, with their positions.
    #[must_use]
    pub fn columns(&self) -> Vec<(usize, &'static Column)> {
        let hidden = &self.look().hidden;
        let columns = self.screen().columns.iter().enumerate();
        columns
            .filter(|(_, column)| !hidden.contains(column.name))
            .collect()
    }

    /// Tells something in the line at the bottom, for some seconds.
    pub fn tell(&mut self, what: impl Into<String>) {
        const SECONDS: f64 = 6.0;
        self.told = Some((what.into(), self.now + SECONDS));
    }

    /// Notes what happened.
    pub fn note(&mut self, what: String) {
        const MOST: usize = 200;
        self.events.push((self.now, what));
        if self.events.len() > MOST {
            self.events.remove(0);
        }
    }

    /// What could not be read, and why, as of the last sample.
    #[must_use]
    pub fn troubles(&self) -> Vec<String> {
        let Some(sample) = &self.sample else {
            return Vec::new();
        };
        let parts = [
            ("statements", sample.statements.trouble()),
            ("sessions", sample.activity.trouble()),
            ("locks", sample.locks.trouble()),
            ("tables", sample.tables.trouble()),
            ("indexes", sample.indexes.trouble()),
            ("I/O", sample.io.trouble()),
            ("WAL", sample.wal.trouble()),
            ("checkpoints", sample.checkpoints.trouble()),
            ("progress", sample.progress.trouble()),
            ("replication", sample.replication.trouble()),
        ];
        let failed = parts
            .into_iter()
            .filter_map(|(part, why)| Some(format!("{part}: {}", why?)));
        let mut all: Vec<String> = failed.collect();
        all.extend(
            self.no_texts
                .iter()
                .map(|why| format!("texts of statements: {why}")),
        );
        if !sample.pulse.sees_all {
            all.push(format!(
                "other roles' sessions and statements are hidden: GRANT pg_read_all_stats TO {}",
                sample.pulse.user
            ));
        }
        all
    }
}
