//! Log entries → loops: which statements were repeated within one unit of work, after which other.
//!
//! A unit of work is a transaction, or what a session does without a pause outside of one. A unit ends, too, when the statement
//! that it began with comes again: many programs begin each request by looking up the session. Memory is bounded: so many
//! statements, sessions and values are followed, and no more.

use std::collections::HashMap;

use crate::model::redact::without_literals;
use crate::query::log::{Entry, Event};
use crate::query::n_plus_one::again::Again;
use crate::query::n_plus_one::key::{ByKey, keys, of_values};
use crate::query::n_plus_one::repeats::Loop;
use crate::query::n_plus_one::unit::{Execution, Unit};
use crate::query::n_plus_one::vectors::Vectors;

/// A session that does nothing for so long works on something else, ms.
const PAUSE: f64 = 50.0;

/// Fewest repetitions of a loop.
pub(super) const FEWEST: u32 = 5;

/// Most statements that are told apart, and bytes of their texts that are kept.
const MOST_STATEMENTS: usize = 20_000;
const MOST_BYTES: usize = 32 << 20;
const LONGEST_TEXT: usize = 64 << 10;

/// Most sessions that are followed at the same time.
const MOST_SESSIONS: usize = 5_000;

/// What kind of statement it is, by its first words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    /// SELECT.
    Read,
    /// INSERT, UPDATE, DELETE, and whatever else may change what a SELECT gives.
    Write,
    /// It begins a transaction.
    Begin,
    /// It ends one, or shows that the connection goes to another user.
    Boundary,
    /// SET, SAVEPOINT: nothing.
    Other,
}

/// A statement of the log.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// Its text, with parameters for constants; empty if it is too long to be kept.
    pub(super) text: String,
    pub(super) query_id: Option<i64>,
    pub(super) calls: u64,
    /// Time that its executions took, all and the longest, ms.
    ms: f64,
    longest: f64,
    /// Executions whose values were not logged.
    pub(super) blind: u64,
    vectors: Vectors,
    word: Word,
}

/// A statement and what it cost as far as the log tells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ran<'l> {
    /// Its text, with parameters for constants; empty if it is too long to be kept.
    pub text: &'l str,
    /// How often it ran.
    pub calls: u64,
    /// How long in all, ms.
    pub total_ms: f64,
    /// How long at most, ms.
    pub longest_ms: f64,
}

/// What is known of a session.
#[derive(Debug, Default)]
struct Session {
    unit: Unit,
    application: String,
    /// The transaction of the last statement, and how many ran in it.
    transaction: String,
    in_it: u32,
    /// Inside of BEGIN and COMMIT, both seen.
    in_block: bool,
    /// A statement whose duration comes by a message of its own.
    waiting: Option<(usize, u64)>,
}

/// Follows the statements of a log.
#[derive(Debug)]
pub struct Loops {
    pub(super) known: Vec<Known>,
    numbers: ByKey<(u64, bool), usize>,
    /// Keys of statements by those of whole texts, for texts that are sent again and again with values apart.
    texts: ByKey<u64, u64>,
    bytes: usize,
    /// By the key of their names.
    sessions: ByKey<u64, Session>,
    pub(super) found: HashMap<usize, Loop>,
    pub(super) again: HashMap<usize, Again>,
    /// Executions of queries, and the time that they took, ms.
    pub(super) executions: f64,
    pub(super) ms: f64,
    pause: f64,
    /// Smallest duration seen, ms.
    shortest: f64,
    /// Executions whose values are not known: each has a number of its own in their place.
    blind: u64,
}

impl Loops {
    /// Follows a log whose times differ by no less than `resolution` ms.
    #[must_use]
    pub fn new(resolution: f64) -> Self {
        Self {
            known: Vec::new(),
            numbers: ByKey::default(),
            texts: ByKey::default(),
            bytes: 0,
            sessions: ByKey::default(),
            found: HashMap::new(),
            again: HashMap::new(),
            executions: 0.0,
            ms: 0.0,
            pause: PAUSE.max(resolution),
            shortest: f64::INFINITY,
            blind: 0,
        }
    }

    /// From now on times differ by no less than `resolution` ms.
    pub fn resolution(&mut self, resolution: f64) {
        self.pause = PAUSE.max(resolution);
    }

    /// Executions of queries, and the time that they took, ms.
    #[must_use]
    pub fn load(&self) -> (f64, f64) {
        (self.executions, self.ms)
    }

    /// The smallest duration that was logged, ms: a log of slow statements only shows no loops of fast ones.
    #[must_use]
    pub fn shortest(&self) -> Option<f64> {
        self.shortest.is_finite().then_some(self.shortest)
    }

    /// How many different statements were seen.
    #[must_use]
    pub fn statements(&self) -> usize {
        self.known.len()
    }

    /// What ran, in the order of first appearance.
    pub fn ran(&self) -> impl Iterator<Item = Ran<'_>> {
        self.known.iter().map(|known| Ran {
            text: &known.text,
            calls: known.calls,
            total_ms: known.ms,
            longest_ms: known.longest,
        })
    }

    /// The statements: `queryid` and text of each.
    pub(in crate::query) fn texts(&self) -> impl Iterator<Item = (Option<i64>, &str)> {
        self.known.iter().map(|k| (k.query_id, k.text.as_str()))
    }

    /// The values of one of them, and how often it was run.
    pub(in crate::query) fn vectors(&self, statement: usize) -> Option<(&Vectors, u64)> {
        self.known.get(statement).map(|k| (&k.vectors, k.calls))
    }

    /// Takes the next entry.
    pub fn observe(&mut self, entry: &Entry<'_>) {
        let text = match &entry.event {
            Event::Statement(text)
            | Event::Execute {
                text, fetch: false, ..
            } => text,
            Event::Duration => {
                if let Some(duration) = entry.duration
                    && let Some(session) = self.sessions.get_mut(&of_values(&entry.session))
                    && let Some((statement, values)) = session.waiting.take()
                {
                    if let Some(id) = entry.query_id {
                        self.known[statement].query_id.get_or_insert(id);
                    }
                    self.execution(entry, statement, values, duration);
                }
                return;
            }
            _ => return,
        };
        let Some((statement, mut values)) = self.number(entry, text) else {
            return;
        };
        if are_hidden(entry, text) {
            self.blind += 1;
            self.known[statement].blind += 1;
            values = self.blind;
        } else if self.bytes < MOST_BYTES {
            self.bytes += self.known[statement].vectors.note(values, entry);
        }
        if let Some(duration) = entry.duration {
            self.shortest = self.shortest.min(duration);
            self.execution(entry, statement, values, duration);
            return;
        }
        // Durations come later, or never (`log_statement` alone).
        let session = self.session(entry);
        let unfinished = session.waiting.replace((statement, values));
        if let Some((statement, values)) = unfinished {
            self.execution(entry, statement, values, 0.0);
        }
    }

    /// No more entries: closes what is open.
    pub fn finish(&mut self) {
        let sessions: Vec<Session> = self.sessions.drain().map(|(_, s)| s).collect();
        for session in sessions {
            self.close(&session.unit);
        }
    }

    fn session(&mut self, entry: &Entry<'_>) -> &mut Session {
        let key = of_values(&entry.session);
        if self.sessions.len() >= MOST_SESSIONS && !self.sessions.contains_key(&key) {
            self.forget();
        }
        self.sessions.entry(key).or_insert_with(|| Session {
            application: entry.application_name.as_ref().to_owned(),
            ..Session::default()
        })
    }

    /// Closes the half of the sessions that have been quiet for longest.
    fn forget(&mut self) {
        let mut ends: Vec<f64> = self.sessions.values().map(|s| s.unit.end()).collect();
        ends.sort_by(f64::total_cmp);
        let middle = ends[ends.len() / 2];
        let mut closed = Vec::new();
        self.sessions.retain(|_, session| {
            let keep = session.unit.end() > middle;
            if !keep {
                closed.push(std::mem::take(&mut session.unit));
            }
            keep
        });
        for unit in closed {
            self.close(&unit);
        }
    }

    /// The number of a statement and the key of its values; `None` when there are too many.
    fn number(&mut self, entry: &Entry<'_>, text: &str) -> Option<(usize, u64)> {
        let apart = entry.parameters.as_deref().map(of_values);
        // With an id and values apart the text need not be read.
        let (key, values) = match (entry.query_id, apart) {
            (Some(id), Some(values)) => ((id.cast_unsigned(), true), values),
            (Some(id), None) => ((id.cast_unsigned(), true), keys(text).values),
            (None, Some(values)) => ((self.key(text), false), values),
            (None, None) => {
                let keys = keys(text);
                ((keys.statement, false), keys.values)
            }
        };
        if let Some(&number) = self.numbers.get(&key) {
            self.known[number].calls += 1;
            return Some((number, values));
        }
        if self.known.len() >= MOST_STATEMENTS {
            return None;
        }
        let mut text = if text.len() <= LONGEST_TEXT {
            without_literals(text.trim_end().trim_end_matches(';'))
        } else {
            String::new()
        };
        if self.bytes + text.len() > MOST_BYTES {
            text = String::new();
        }
        self.bytes += text.len();
        self.known.push(Known {
            word: word(&text),
            text,
            query_id: entry.query_id,
            calls: 1,
            ms: 0.0,
            longest: 0.0,
            blind: 0,
            vectors: Vectors::default(),
        });
        self.numbers.insert(key, self.known.len() - 1);
        Some((self.known.len() - 1, values))
    }

    /// The key of a statement whose values came apart from its text.
    fn key(&mut self, text: &str) -> u64 {
        let whole = of_values(text);
        if let Some(&key) = self.texts.get(&whole) {
            return key;
        }
        let key = keys(text).statement;
        if self.texts.len() < MOST_STATEMENTS {
            self.texts.insert(whole, key);
        }
        key
    }

    fn execution(&mut self, entry: &Entry<'_>, statement: usize, values: u64, duration: f64) {
        let known = &mut self.known[statement];
        known.ms += duration;
        known.longest = known.longest.max(duration);
        let word = known.word;
        let longest_pause = self.pause;
        let end = entry.time.unwrap_or(0.0);
        if word.is_query() {
            self.executions += 1.0;
            self.ms += duration;
        }
        let session = self.session(entry);
        let other_application = session.application != entry.application_name.as_ref();
        let same_transaction =
            is_transaction(&entry.vxid) && session.transaction == entry.vxid.as_ref();
        let execution = Execution {
            statement,
            values,
            start: end - duration,
            end,
            writes: word == Word::Write,
            inside: session.in_block || same_transaction,
        };
        let paused =
            !session.unit.is_empty() && execution.start - session.unit.end() > longest_pause;
        let other_transaction = is_transaction(&entry.vxid)
            && session.transaction != entry.vxid.as_ref()
            && session.in_it > 1;
        let again = !session.in_block && session.unit.begins_again(statement);
        let ends = paused
            || other_application
            || other_transaction
            || again
            || matches!(word, Word::Begin | Word::Boundary);
        let done = ends.then(|| std::mem::take(&mut session.unit));
        if other_application {
            entry
                .application_name
                .as_ref()
                .clone_into(&mut session.application);
        }
        if session.transaction == entry.vxid.as_ref() {
            session.in_it += 1;
        } else {
            session.transaction.clear();
            session.transaction.push_str(&entry.vxid);
            session.in_it = 1;
        }
        match word {
            Word::Begin => session.in_block = true,
            Word::Boundary => session.in_block = false,
            Word::Read | Word::Write => session.unit.add(&execution),
            Word::Other => {}
        }
        if let Some(unit) = done {
            self.close(&unit);
        }
    }

    /// Notes the loops of a unit, and what was asked again in it.
    fn close(&mut self, unit: &Unit) {
        for seen in &unit.seen {
            let known = &self.known[seen.statement];
            if known.text.is_empty() {
                continue;
            }
            if seen.count >= FEWEST {
                let entry = self.found.entry(seen.statement).or_default();
                entry.add(seen, unit.parents(seen));
            }
            if known.word == Word::Read {
                let entry = self.again.entry(seen.statement).or_default();
                entry.add(seen);
            }
        }
    }
}

/// Whether it was executed with values that the log does not show, or not to their ends.
fn are_hidden(entry: &Entry<'_>, text: &str) -> bool {
    let is_parameter = |at: usize| text.as_bytes().get(at + 1).is_some_and(u8::is_ascii_digit);
    match &entry.parameters {
        Some(values) => values.contains("...'"),
        None => {
            matches!(entry.event, Event::Execute { .. })
                && text.match_indices('$').any(|(at, _)| is_parameter(at))
        }
    }
}

/// Whether it is a virtual transaction id within a transaction: outside of one its second number is 0.
fn is_transaction(vxid: &str) -> bool {
    !vxid.is_empty() && !vxid.ends_with("/0")
}

impl Word {
    fn is_query(self) -> bool {
        matches!(self, Self::Read | Self::Write)
    }
}

/// Whether a WITH may write: one of the words is in it.
fn writes_in_with(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    (["insert", "update", "delete", "merge"].iter()).any(|word| lower.contains(word))
}

fn word(text: &str) -> Word {
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let first = words
        .find(|w| !w.is_empty())
        .unwrap_or_default()
        .to_ascii_lowercase();
    match first.as_str() {
        "select" if !text.to_ascii_lowercase().contains("from") => Word::Boundary,
        "select" | "values" | "table" => Word::Read,
        "with" if !writes_in_with(text) => Word::Read,
        "insert" | "update" | "delete" | "with" | "merge" | "copy" | "truncate" | "call" => {
            Word::Write
        }
        "begin" | "start" => Word::Begin,
        "commit" | "end" | "rollback" | "abort" | "discard" | "reset" => {
            let savepoint = text.to_ascii_lowercase().contains(" to ");
            if savepoint {
                Word::Other
            } else {
                Word::Boundary
            }
        }
        _ => Word::Other,
    }
}
