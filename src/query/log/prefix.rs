//! `log_line_prefix`: what each line of the plain log begins with.

use crate::query::log::bytes::find;
use crate::query::log::time::{digits, stamp};

/// Longest name (of an application, a role, a host) that a prefix may hold; the server cuts its own at 63 bytes.
const LONGEST_NAME: usize = 256;

/// Most ways that a line is tried to be read in.
const TRIES: u32 = 200;

/// A `log_line_prefix`, read once.
#[derive(Debug, Clone, PartialEq)]
pub struct Prefix {
    parts: Vec<Part>,
    /// How many parts a process that is no session writes (`%q`).
    outside: Option<usize>,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Literal(Vec<u8>),
    /// An escape, and whether it is filled up with spaces.
    Escape(u8, bool),
}

/// What the word after the prefix says that a line is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Tag {
    Log,
    #[default]
    OtherLevel,
    Detail,
    /// HINT, CONTEXT, STATEMENT: more about the message before.
    More,
}

impl Tag {
    /// Whether it belongs to the message before.
    pub(super) fn continues(self) -> bool {
        matches!(self, Self::Detail | Self::More)
    }
}

/// The words in front of messages. In another `lc_messages` they are others, and nothing is found.
const TAGS: &[(&[u8], Tag)] = &[
    (b"LOG:  ", Tag::Log),
    (b"DETAIL:  ", Tag::Detail),
    (b"STATEMENT:  ", Tag::More),
    (b"CONTEXT:  ", Tag::More),
    (b"HINT:  ", Tag::More),
    (b"QUERY:  ", Tag::More),
    (b"LOCATION:  ", Tag::More),
    (b"BACKTRACE:  ", Tag::More),
    (b"ERROR:  ", Tag::OtherLevel),
    (b"WARNING:  ", Tag::OtherLevel),
    (b"FATAL:  ", Tag::OtherLevel),
    (b"PANIC:  ", Tag::OtherLevel),
    (b"NOTICE:  ", Tag::OtherLevel),
    (b"INFO:  ", Tag::OtherLevel),
    (b"DEBUG:  ", Tag::OtherLevel),
];

/// What the prefix of a line says.
#[derive(Debug, Clone, Default)]
pub(super) struct Head<'a> {
    pub(super) time: Option<f64>,
    pub(super) session: &'a [u8],
    pub(super) pid: Option<u32>,
    pub(super) user: &'a [u8],
    pub(super) database: &'a [u8],
    pub(super) application_name: &'a [u8],
    pub(super) vxid: &'a [u8],
    pub(super) txid: u64,
    pub(super) query_id: Option<i64>,
    pub(super) tag: Tag,
    /// Length of prefix and tag.
    pub(super) length: usize,
}

impl Prefix {
    /// Reads a `log_line_prefix`.
    #[must_use]
    pub fn new(setting: &str) -> Self {
        let mut parts: Vec<Part> = Vec::new();
        let mut outside = None;
        let mut literal = Vec::new();
        let mut bytes = setting.bytes().peekable();
        while let Some(byte) = bytes.next() {
            if byte != b'%' {
                literal.push(byte);
                continue;
            }
            let mut padded = false;
            while let Some(digit) = bytes.next_if(|b| *b == b'-' || b.is_ascii_digit()) {
                padded |= digit != b'-';
            }
            let Some(escape) = bytes.next() else { break };
            if escape == b'%' {
                literal.push(b'%');
                continue;
            }
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            if escape == b'q' {
                outside = Some(parts.len());
            } else {
                parts.push(Part::Escape(escape, padded));
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Self { parts, outside }
    }

    /// Whether it says when, and to which session a line belongs: without both, no line can be told from another.
    #[must_use]
    pub fn tells_sessions(&self) -> bool {
        let has = |wanted: &[u8]| {
            (self.parts.iter())
                .any(|p| matches!(p, Part::Escape(escape, _) if wanted.contains(escape)))
        };
        has(b"mtn") && has(b"pc")
    }

    /// Smallest difference in time that it shows, ms.
    #[must_use]
    pub fn resolution(&self) -> f64 {
        let shows = |wanted: u8| {
            (self.parts.iter()).any(|p| matches!(p, Part::Escape(escape, _) if *escape == wanted))
        };
        if shows(b'm') || shows(b'n') {
            1.0
        } else {
            1000.0
        }
    }

    /// Reads the beginning of a line; `None` if the line does not begin so.
    pub(super) fn read<'a>(&self, line: &'a [u8]) -> Option<Head<'a>> {
        let outside = self.outside.map(|parts| &self.parts[..parts]);
        [Some(self.parts.as_slice()), outside]
            .into_iter()
            .flatten()
            .find_map(|parts| {
                let mut tries = TRIES;
                matched(parts, line, 0, &mut tries)
            })
    }
}

/// Reads the parts from `at` on, and the tag behind them. A name may hold what follows it in the prefix; then the next place is
/// tried.
fn matched<'a>(parts: &[Part], line: &'a [u8], at: usize, tries: &mut u32) -> Option<Head<'a>> {
    let rest = line.get(at..)?;
    let Some((part, parts)) = parts.split_first() else {
        let (word, tag) = TAGS.iter().find(|(word, _)| rest.starts_with(word))?;
        return Some(Head {
            tag: *tag,
            length: at + word.len(),
            ..Head::default()
        });
    };
    match part {
        Part::Literal(literal) => {
            let begins = rest.starts_with(literal);
            matched(parts, line, at + begins.then_some(literal.len())?, tries)
        }
        Part::Escape(escape, padded) => {
            let spaces = if *padded {
                rest.iter().take_while(|b| **b == b' ').count()
            } else {
                0
            };
            let value = &rest[spaces..];
            let after = |length: usize| {
                let end = spaces + length;
                let fill = rest[end..].iter().take_while(|b| **b == b' ').count();
                at + end + if *padded { fill } else { 0 }
            };
            if let Some(length) = exact(*escape, value) {
                let mut head = matched(parts, line, after(length), tries)?;
                head.set(*escape, &value[..length]);
                return Some(head);
            }
            for length in ends(parts, value) {
                *tries = tries.checked_sub(1)?;
                if let Some(mut head) = matched(parts, line, after(length), tries) {
                    head.set(*escape, value[..length].trim_ascii_end());
                    return Some(head);
                }
            }
            None
        }
    }
}

/// Length of an escape whose form tells where it ends; `None` for names.
fn exact(escape: u8, value: &[u8]) -> Option<usize> {
    let run = |wanted: fn(&u8) -> bool| value.iter().take_while(|b| wanted(b)).count();
    match escape {
        b'm' | b't' | b's' => Some(stamp(value).map_or(0, |(_, length)| length)),
        b'n' => Some(run(|b| b.is_ascii_digit() || *b == b'.')),
        b'p' | b'l' | b'x' | b'P' => Some(digits(value)),
        b'Q' => Some(run(|b| b.is_ascii_digit() || *b == b'-')),
        b'v' => Some(run(|b| b.is_ascii_digit() || *b == b'/')),
        b'c' => Some(run(|b| b.is_ascii_hexdigit() || *b == b'.')),
        b'e' => Some(run(u8::is_ascii_alphanumeric).min(5)),
        _ => None,
    }
}

/// Where a name may end: before what follows it in the prefix.
fn ends<'v>(parts: &[Part], value: &'v [u8]) -> Box<dyn Iterator<Item = usize> + 'v> {
    let value = &value[..value.len().min(LONGEST_NAME)];
    let first = match parts.first() {
        Some(Part::Literal(literal)) => literal.first().copied(),
        _ => None,
    };
    let Some(first) = first else {
        return Box::new(0..value.len());
    };
    let mut from = 0;
    Box::new(std::iter::from_fn(move || {
        let at = from + find(value.get(from..)?, first)?;
        from = at + 1;
        Some(at)
    }))
}

impl<'a> Head<'a> {
    fn set(&mut self, escape: u8, value: &'a [u8]) {
        let number = || std::str::from_utf8(value).ok();
        match escape {
            b'm' | b't' => self.time = stamp(value).map(|(time, _)| time),
            b'n' => {
                let seconds = number().and_then(|n| n.parse::<f64>().ok());
                self.time = seconds.filter(|s| s.is_finite()).map(|s| s * 1000.0);
            }
            b'p' => self.pid = number().and_then(|n| n.parse().ok()),
            b'c' => self.session = value,
            b'u' => self.user = value,
            b'd' => self.database = value,
            b'a' => self.application_name = value,
            b'v' => self.vxid = value,
            b'x' => self.txid = number().and_then(|n| n.parse().ok()).unwrap_or(0),
            b'Q' => {
                let id = number().and_then(|n| n.parse().ok());
                self.query_id = id.filter(|id| *id != 0);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a prefix makes of a line: session, pid, user, database, application, and the message.
    fn read(setting: &str, line: &str) -> Option<String> {
        let line = line.as_bytes();
        let head = Prefix::new(setting).read(line)?;
        let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Some(format!(
            "{:?} {}|{}|{}|{}|{}|{}|{}|{:?}|{}",
            head.tag,
            head.time.unwrap_or(-1.0),
            shown(head.session),
            head.pid.unwrap_or(0),
            shown(head.user),
            shown(head.database),
            shown(head.application_name),
            shown(head.vxid),
            head.query_id,
            shown(&line[head.length..]),
        ))
    }

    #[test]
    fn prefixes_are_read() {
        for (setting, line, expected) in [
            (
                "%m [%p] ",
                "1970-01-01 00:00:01.500 UTC [42] LOG:  x",
                Some("Log 1500||42||||".to_owned() + "|None|x"),
            ),
            (
                "%m [%p] %q%u@%d ",
                "1970-01-01 00:00:01.500 UTC [42] bob@shop DETAIL:  x",
                Some("Detail 1500||42|bob|shop||".to_owned() + "|None|x"),
            ),
            (
                "%m [%p] %q%u@%d ",
                "1970-01-01 00:00:01.500 UTC [42] LOG:  x",
                Some("Log 1500||42||||".to_owned() + "|None|x"),
            ),
            (
                "%t:%r:%u@%d:[%p]:",
                "1970-01-01 00:00:01 UTC:10.0.0.1(5432):bob@shop:[42]:LOG:  x",
                Some("Log 1000||42|bob|shop||".to_owned() + "|None|x"),
            ),
            (
                "%n %c %l %a %v %x %e %Q ",
                "1.5 65a.2b 7 PostgreSQL JDBC Driver 3/44 0 00000 -5 LOG:  x",
                Some("Log 1500|65a.2b|0|||PostgreSQL JDBC Driver|3/44|Some(-5)|x".to_owned()),
            ),
            (
                "%m user=%u,db=%d,app=%a,client=%h pid=%p ",
                "1970-01-01 00:00:00.000 UTC user=bob,db=,app=a,b,client=[local] pid=9 LOG:  x",
                Some("Log 0||9|bob||a,b||None|x".to_owned()),
            ),
            (
                "%-8p|%8u|100%%",
                "42      |     bob|100%LOG:  x",
                Some("Log -1||42|bob||||None|x".to_owned()),
            ),
            ("%m [%p] ", "1970-01-01 00:00:01.500 UTC [x] LOG:  x", None),
            ("%m [%p] ", "\tLOG:  x", None),
            ("%m [%p] ", "1970-01-01 00:00:01.500 UTC [42] x", None),
        ] {
            assert_eq!(read(setting, line), expected, "{setting} {line}");
        }
    }

    #[test]
    fn a_prefix_that_fits_in_many_ways_takes_no_time() {
        let line = "a ".repeat(5_000);
        assert_eq!(read("%a %a %a %a %a %a %a %a ", &line), None);
    }

    #[test]
    fn what_a_prefix_tells() {
        assert!(Prefix::new("%m [%p] ").tells_sessions());
        assert!(!Prefix::new("%u@%d ").tells_sessions());
        assert!((Prefix::new("%t [%p] ").resolution() - 1000.0).abs() < 1e-9);
    }
}
