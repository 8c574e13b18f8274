//! All counters that are followed from sample to sample, and the sessions by what they wait for.

use std::collections::{HashMap, VecDeque};

use crate::model::counters::Counters;
use crate::model::delta::{Counted, Delta, Origin, Track};
use crate::model::sample::{
    CheckpointCounters, DatabaseTicks, IndexCounters, IoCounters, IoKey, Panel, Sample,
    StatementCounters, StatementKey, TableCounters, WalCounters,
};
use crate::tui::text;

/// Which amounts are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// Of the last interval.
    #[default]
    Interval,
    /// Since the start, or since counting began anew.
    SinceStart,
    /// All that the server has counted.
    Cumulative,
}

impl Mode {
    /// The next one.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Interval => Self::SinceStart,
            Self::SinceStart => Self::Cumulative,
            Self::Cumulative => Self::Interval,
        }
    }
}

/// What an active session is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// It waits for nothing that the server knows of.
    Cpu,
    /// Reading or writing.
    Io,
    /// A lock.
    Lock,
    /// Anything else but the client.
    Other,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Cpu, Self::Io, Self::Other, Self::Lock];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Io => "io",
            Self::Lock => "lock",
            Self::Other => "other",
        }
    }

    /// Of a session's `wait_event_type`.
    #[must_use]
    pub fn of(wait_event_type: Option<&str>) -> Self {
        match wait_event_type {
            None => Self::Cpu,
            Some("IO") => Self::Io,
            Some("Lock" | "LWLock") => Self::Lock,
            Some(_) => Self::Other,
        }
    }
}

/// Sessions of clients at one instant, by what they do: active ones are load, of which the CPU has what waits for nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Waits {
    /// Waiting for nothing that the server knows of.
    pub cpu: u32,
    /// Reading or writing.
    pub io: u32,
    /// Waiting for a lock.
    pub lock: u32,
    /// Waiting for anything else but the client.
    pub other: u32,
}

impl Waits {
    /// All of them.
    #[must_use]
    pub fn active(&self) -> u32 {
        self.cpu + self.io + self.lock + self.other
    }

    /// Those of a class.
    #[must_use]
    pub fn count(&self, class: Class) -> u32 {
        match class {
            Class::Cpu => self.cpu,
            Class::Io => self.io,
            Class::Lock => self.lock,
            Class::Other => self.other,
        }
    }

    fn of(sample: &Sample) -> Self {
        let mut waits = Self::default();
        for session in sample.activity.read().into_iter().flatten() {
            if !session.is_active() {
                continue;
            }
            match Class::of(session.wait_event_type.as_deref()) {
                Class::Cpu => waits.cpu += 1,
                Class::Io => waits.io += 1,
                Class::Lock => waits.lock += 1,
                Class::Other => waits.other += 1,
            }
        }
        waits
    }
}

/// What a statement did in one interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When it ended, the server's clock.
    pub at: f64,
    /// Calls a second.
    pub calls: f32,
    /// Mean time, ms.
    pub mean: f32,
}

/// So long a history is kept, seconds.
const HISTORY_S: f64 = 600.0;

/// Most intervals of it.
const HISTORY: usize = 600;

/// Everything that is followed.
#[derive(Debug, Clone, Default)]
pub struct Tracks {
    /// Statements.
    pub statements: Track<StatementKey, StatementCounters>,
    /// Databases.
    pub databases: Track<u32, DatabaseTicks>,
    /// Tables.
    pub tables: Track<u32, TableCounters>,
    /// Indexes.
    pub indexes: Track<u32, IndexCounters>,
    /// I/O.
    pub io: Track<IoKey, IoCounters>,
    /// WAL.
    pub wal: Track<(), WalCounters>,
    /// Checkpoints.
    pub checkpoints: Track<(), CheckpointCounters>,
    /// What sessions waited for, one a sample, newest last.
    pub waits: VecDeque<Waits>,
    /// What statements did, for those that did something.
    pub history: HashMap<StatementKey, VecDeque<Point>>,
    /// WAL bytes a second in the last interval.
    pub wal_rate: Option<f64>,
    /// Entries of `pg_stat_statements` evicted in the last interval.
    pub evicted: i64,
}

impl Tracks {
    /// Takes a sample; gives what is to be told of it.
    pub fn advance(&mut self, before: Option<&Sample>, sample: &Sample) -> Vec<String> {
        let (at, mut told) = (sample.pulse.at, Vec::new());
        let is_other = before.is_some_and(|before| {
            before.pulse.sees_all != sample.pulse.sees_all
                || before.pulse.database != sample.pulse.database
        });
        if is_other {
            self.forget();
        }
        let before = before.filter(|_| !is_other);
        let restarted = before.is_some_and(|b| {
            (b.pulse.postmaster_start - sample.pulse.postmaster_start).abs() > 1e-3
        });
        if restarted {
            let when = text::clock(sample.pulse.postmaster_start);
            told.push(format!("the server was started at {when}"));
        }
        self.wal_rate = before.and_then(|before| {
            let seconds = at - before.pulse.at;
            let written = sample.pulse.wal_position? - before.pulse.wal_position?;
            (seconds > 0.0 && written >= 0.0).then(|| written / seconds)
        });
        told.extend(self.statements(before, sample));
        let counted = sample.databases.iter();
        let counted = counted.map(|d| (d.oid, Counted::one(d.counters)));
        self.databases.advance(at, counted, false);
        advance(&mut self.tables, at, &sample.tables, |t| {
            (t.oid, t.counters)
        });
        advance(&mut self.indexes, at, &sample.indexes, |i| {
            (i.oid, i.counters)
        });
        advance(&mut self.io, at, &sample.io, |i| {
            (i.key.clone(), i.counters)
        });
        if let Some(wal) = sample.wal.read() {
            self.wal.advance(at, [((), Counted::one(*wal))], false);
        }
        if let Some(checkpoints) = sample.checkpoints.read() {
            let counted = [((), Counted::one(*checkpoints))];
            self.checkpoints.advance(at, counted, false);
        }
        self.waits.push_back(Waits::of(sample));
        if self.waits.len() > HISTORY {
            self.waits.pop_front();
        }
        told
    }

    fn statements(&mut self, before: Option<&Sample>, sample: &Sample) -> Vec<String> {
        self.evicted = 0;
        let Some(now) = sample.statements.read() else {
            return Vec::new();
        };
        let before = before.and_then(|before| before.statements.read());
        let moved = before.is_some_and(|before| before.reset != now.reset);
        let counted = now.entries.iter().map(|entry| {
            let counted = Counted {
                counters: entry.counters,
                since: entry.since,
                is_sum: entry.key.queryid.is_none(),
            };
            (entry.key, counted)
        });
        let at = sample.pulse.at;
        self.statements.advance(at, counted, moved);
        self.remember(at);
        let mut told = Vec::new();
        if moved {
            let when = now.reset.map(text::clock).unwrap_or_default();
            told.push(format!("pg_stat_statements was reset at {when}"));
        }
        let evicted = before
            .and_then(|before| Some(now.dealloc? - before.dealloc?))
            .filter(|evicted| *evicted > 0);
        if let Some(evicted) = evicted {
            self.evicted = evicted;
            let max = now.max.unwrap_or_default();
            told.push(format!(
                "pg_stat_statements is full ({max:.0}): it evicted entries {evicted} times; raise pg_stat_statements.max"
            ));
        }
        told
    }

    fn remember(&mut self, at: f64) {
        let seconds = self.statements.seconds;
        if seconds <= 0.0 {
            return;
        }
        for (key, delta) in &self.statements.interval {
            let points = self.history.entry(*key).or_default();
            if points.back().is_some_and(|last| last.at >= at) {
                continue;
            }
            let calls = delta.counted.calls;
            #[expect(clippy::cast_possible_truncation, reason = "a point of a curve")]
            points.push_back(Point {
                at,
                calls: (calls / seconds) as f32,
                mean: (delta.counted.total_exec_time / calls.max(1.0)) as f32,
            });
        }
        self.history.retain(|_, points| {
            while points
                .front()
                .is_some_and(|first| first.at < at - HISTORY_S)
            {
                points.pop_front();
            }
            !points.is_empty()
        });
    }

    /// Counts from the last sample on.
    pub fn rebase(&mut self) {
        self.statements.rebase();
        self.databases.rebase();
        self.tables.rebase();
        self.indexes.rebase();
        self.io.rebase();
        self.wal.rebase();
        self.checkpoints.rebase();
    }

    /// Begins anew: it is another server, or another view of it.
    pub fn forget(&mut self) {
        *self = Self {
            waits: std::mem::take(&mut self.waits),
            ..Self::default()
        };
    }
}

fn advance<K: Eq + std::hash::Hash + Clone, C: Counters, S>(
    track: &mut Track<K, C>,
    at: f64,
    panel: &Panel<Vec<S>>,
    counted: impl Fn(&S) -> (K, C),
) {
    if let Some(rows) = panel.read() {
        let counted = rows.iter().map(|row| {
            let (key, counters) = counted(row);
            (key, Counted::one(counters))
        });
        track.advance(at, counted, false);
    }
}

/// What one thing counted in a mode; nothing where it counted nothing.
#[must_use]
pub fn amount<K: Eq + std::hash::Hash + Clone, C: Counters>(
    track: &Track<K, C>,
    key: &K,
    mode: Mode,
) -> Delta<C> {
    match shown(track, mode) {
        Mode::Interval => track.interval.get(key).cloned().unwrap_or_default(),
        Mode::SinceStart => track.since_start.get(key).cloned().unwrap_or_default(),
        Mode::Cumulative => Delta {
            counted: track
                .of(key)
                .map(|c| c.counters.clone())
                .unwrap_or_default(),
            origin: Origin::Exact,
        },
    }
}

/// The mode whose amounts there are: before the first interval is over, only what the server has counted.
#[must_use]
pub fn shown<K: Eq + std::hash::Hash + Clone, C: Counters>(
    track: &Track<K, C>,
    mode: Mode,
) -> Mode {
    if track.has_interval() {
        mode
    } else {
        Mode::Cumulative
    }
}

/// The time in which it was counted; `cumulative` is since when the server counts, as far as that is known.
#[must_use]
pub fn seconds<K: Eq + std::hash::Hash + Clone, C: Counters>(
    track: &Track<K, C>,
    mode: Mode,
    cumulative: Option<f64>,
) -> Option<f64> {
    let seconds = match shown(track, mode) {
        Mode::Interval => Some(track.seconds),
        Mode::SinceStart => Some(track.age()),
        Mode::Cumulative => cumulative,
    };
    seconds.filter(|seconds| *seconds > 0.0)
}
