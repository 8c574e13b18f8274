//! Server logs → what they say of statements: which ran, when, for how long, with which values.
//!
//! A [`LogReader`] takes the bytes of a log as they come and gives an [`Entry`] for each message about a statement. It reads
//! jsonlog, csvlog and the plain log of stderr with its `log_line_prefix`. What it cannot read it counts and steps over: a log
//! begins and ends anywhere, and rotation cuts it in the middle. It keeps no more than one message in memory.

mod csv;
mod guess;
mod json;
mod message;
mod parameters;
mod prefix;
mod stderr;
#[cfg(test)]
mod tests;
mod time;

use std::borrow::Cow;

use crate::query::bytes;

pub use parameters::parameters;
pub use prefix::Prefix;

/// Longest message that is read, in bytes. A longer one is counted and stepped over.
const LONGEST: usize = 16 << 20;

/// What the log of a server says of one statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<'a> {
    /// When it was written, ms since 1970. A zone given by name (other than UTC) is not known: the time is then that of its clock.
    pub time: Option<f64>,
    /// The session: `session_id`, else the process id.
    pub session: Cow<'a, str>,
    /// Process id.
    pub pid: Option<u32>,
    /// Role.
    pub user: Cow<'a, str>,
    /// Database.
    pub database: Cow<'a, str>,
    /// `application_name`.
    pub application_name: Cow<'a, str>,
    /// Virtual transaction id, `4/1234`; `4/0` outside of a transaction.
    pub vxid: Cow<'a, str>,
    /// Transaction id; 0 = none was assigned.
    pub txid: u64,
    /// The `queryid` of `pg_stat_statements`, where the server computed it.
    pub query_id: Option<i64>,
    /// How long it took, ms.
    pub duration: Option<f64>,
    /// What happened.
    pub event: Event<'a>,
    /// Values of the parameters as the server wrote them; [`parameters`] reads them.
    pub parameters: Option<Cow<'a, str>>,
}

/// What happened to a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    /// It was run by the simple protocol: its text, with literals.
    Statement(Cow<'a, str>),
    /// It was executed as a prepared statement.
    Execute {
        /// Name of the prepared statement, `<unnamed>` if it has none.
        name: Cow<'a, str>,
        /// Its text, with `$n`.
        text: Cow<'a, str>,
        /// Whether more rows of the same execution were fetched.
        fetch: bool,
    },
    /// It was parsed or bound: part of an execution that has an entry of its own.
    Prepare,
    /// A duration alone: it belongs to the statement that the session logged before.
    Duration,
    /// `auto_explain` wrote its plan, in whatever format.
    Plan(Cow<'a, str>),
}

impl Event<'_> {
    /// Text of the statement.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Statement(text) | Self::Execute { text, .. } => Some(text),
            _ => None,
        }
    }
}

/// How a log is written.
#[derive(Debug, Clone, PartialEq)]
pub enum Format {
    /// `log_destination = jsonlog` (15+).
    Json,
    /// `log_destination = csvlog`.
    Csv,
    /// `log_destination = stderr`, each line with this prefix.
    Stderr(Prefix),
}

impl Format {
    /// Tells the format by how a log begins; what is neither JSON nor CSV is taken to have that `log_line_prefix`.
    #[must_use]
    pub fn detect(begin: &[u8], prefix: &Prefix) -> Self {
        let line = bytes::lines(begin).find(|line| !line.trim_ascii().is_empty());
        let line = line.unwrap_or_default();
        let csv = bytes::lines(begin).any(csv::begins);
        if line.starts_with(b"{") {
            Self::Json
        } else if csv {
            Self::Csv
        } else {
            Self::Stderr(prefix.clone())
        }
    }

    /// Its name in PostgreSQL's settings.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Json => "jsonlog",
            Self::Csv => "csvlog",
            Self::Stderr(_) => "stderr",
        }
    }
}

/// An account of what was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Bytes.
    pub bytes: u64,
    /// Entries about statements.
    pub entries: u64,
    /// Other messages: connections, checkpoints, errors.
    pub others: u64,
    /// Places that could not be read: cut messages, lines without the prefix.
    pub malformed: u64,
    /// Messages that were too long.
    pub too_long: u64,
}

impl Counts {
    /// Adds those of another log.
    pub fn add(&mut self, other: &Self) {
        self.bytes += other.bytes;
        self.entries += other.entries;
        self.others += other.others;
        self.malformed += other.malformed;
        self.too_long += other.too_long;
    }
}

/// Where the next message ends.
enum Next {
    /// After so many bytes.
    Message(usize),
    /// So many bytes belong to no message.
    Stray(usize),
    /// Not before more bytes come.
    More,
}

/// How far the message at the front has been searched for its end, so that no byte is searched twice.
#[derive(Debug, Default, Clone, Copy)]
struct Searched {
    at: usize,
    quoted: bool,
    lines: stderr::Lines,
}

/// Why a message gives no entry.
#[derive(Debug, PartialEq, Eq)]
enum NoEntry {
    /// It is about something else.
    Other,
    /// It cannot be read.
    Malformed,
}

/// Reads a log piece by piece.
#[derive(Debug)]
pub struct LogReader {
    format: Format,
    pending: Vec<u8>,
    searched: Searched,
    /// Inside something that belongs to no message, which was counted.
    stray: bool,
    counts: Counts,
}

impl LogReader {
    /// A reader of a log in that format.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self {
            format,
            pending: Vec::new(),
            searched: Searched::default(),
            stray: false,
            counts: Counts::default(),
        }
    }

    /// Takes the next bytes, and gives the entries that are complete.
    pub fn feed(&mut self, bytes: &[u8], sink: &mut dyn FnMut(&Entry<'_>)) {
        self.counts.bytes += bytes.len() as u64;
        self.pending.extend_from_slice(bytes);
        self.read(false, sink);
    }

    /// There are no more bytes: gives what is left, and the account.
    pub fn finish(mut self, sink: &mut dyn FnMut(&Entry<'_>)) -> Counts {
        if !self.pending.is_empty() && !self.pending.ends_with(b"\n") {
            self.pending.push(b'\n');
        }
        self.read(true, sink);
        self.counts
    }

    /// The account so far.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    fn read(&mut self, last: bool, sink: &mut dyn FnMut(&Entry<'_>)) {
        let mut at = 0;
        while at < self.pending.len() {
            let rest = &self.pending[at..];
            let next = match &self.format {
                Format::Json => json::next(rest, &mut self.searched),
                Format::Csv => csv::next(rest, &mut self.searched, last),
                Format::Stderr(prefix) => stderr::next(rest, prefix, &mut self.searched, last),
            };
            let length = match next {
                Next::More => break,
                Next::Stray(length) => {
                    // A blank line is nothing.
                    let blank = rest[..length].trim_ascii().is_empty();
                    self.counts.malformed += u64::from(!self.stray && !blank);
                    self.stray |= !blank;
                    length
                }
                Next::Message(length) => {
                    self.stray = false;
                    let message = &rest[..length];
                    take(
                        &self.format,
                        message,
                        &self.searched,
                        &mut self.counts,
                        sink,
                    )
                }
            };
            self.searched = Searched {
                lines: self.searched.lines.following(),
                ..Searched::default()
            };
            at += length;
        }
        self.pending.drain(..at);
        if last && !self.pending.is_empty() {
            self.counts.malformed += u64::from(!self.stray);
            self.pending.clear();
        }
        if self.pending.len() > LONGEST {
            self.counts.too_long += 1;
            self.pending = Vec::new();
            self.searched = Searched::default();
            self.stray = true;
        }
    }
}

/// Reads one message; gives how many bytes it was.
fn take(
    format: &Format,
    message: &[u8],
    searched: &Searched,
    counts: &mut Counts,
    sink: &mut dyn FnMut(&Entry<'_>),
) -> usize {
    let read = match format {
        Format::Json => json::entry(message),
        Format::Csv => csv::entry(message),
        Format::Stderr(_) => stderr::entry(message, &searched.lines),
    };
    match read {
        Ok(entry) => {
            counts.entries += 1;
            sink(&entry);
        }
        Err(NoEntry::Other) => counts.others += 1,
        Err(NoEntry::Malformed) => {
            counts.malformed += u64::from(!message.trim_ascii().is_empty());
            // A quote that was never closed has swallowed what came after it.
            if matches!(format, Format::Csv)
                && let Some(resume) = csv::resume(message)
            {
                return resume;
            }
        }
    }
    message.len()
}
