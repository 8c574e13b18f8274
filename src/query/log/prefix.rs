//! `log_line_prefix`: what each line of the plain log begins with.

use crate::query::bytes::find;
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

/// Where something stands in a line.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    from: usize,
    to: usize,
}

impl Span {
    /// What stands there.
    pub(super) fn of(self, line: &[u8]) -> &[u8] {
        line.get(self.from..self.to).unwrap_or_default()
    }
}

/// What the prefix of a line says. Names are places, so that it can be kept while more of the log comes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Head {
    pub(super) time: Option<f64>,
    pub(super) session: Span,
    pub(super) pid: Option<u32>,
    /// `pid` as it is written.
    pub(super) process: Span,
    pub(super) user: Span,
    pub(super) database: Span,
    pub(super) application_name: Span,
    pub(super) vxid: Span,
    pub(super) txid: u64,
    pub(super) query_id: Option<i64>,
    pub(super) tag: Tag,
    /// Length of the prefix.
    pub(super) prefix: usize,
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
    pub(super) fn read(&self, line: &[u8]) -> Option<Head> {
        let outside = self.outside.map(|parts| &self.parts[..parts]);
        [Some(self.parts.as_slice()), outside]
            .into_iter()
            .flatten()
            .find_map(|parts| {
                let (mut head, mut tries) = (Head::default(), TRIES);
                matched(parts, line, 0, &mut tries, &mut head).then_some(head)
            })
    }

    /// Reads the beginning of a line that follows one with that head; most often both begin with the same bytes.
    pub(super) fn read_after(&self, head: &Head, before: &[u8], line: &[u8]) -> Option<Head> {
        let same = before.get(..head.prefix).filter(|p| line.starts_with(p));
        let tag = same.and_then(|_| tag(line, head.prefix));
        match tag {
            Some((tag, length)) => Some(Head {
                tag,
                length,
                ..*head
            }),
            None => self.read(line),
        }
    }
}

/// The tag that stands there, and where it ends.
fn tag(line: &[u8], at: usize) -> Option<(Tag, usize)> {
    let rest = line.get(at..)?;
    let (word, tag) = TAGS.iter().find(|(word, _)| rest.starts_with(word))?;
    Some((*tag, at + word.len()))
}

/// Reads the parts from `at` on, and the tag behind them; whether the line has them. A name may hold what follows it in the
/// prefix; then the next place is tried.
fn matched(parts: &[Part], line: &[u8], mut at: usize, tries: &mut u32, head: &mut Head) -> bool {
    let mut parts = parts;
    while let Some((part, following)) = parts.split_first() {
        parts = following;
        let Some(rest) = line.get(at..) else {
            return false;
        };
        match part {
            Part::Literal(literal) => {
                if !rest.starts_with(literal) {
                    return false;
                }
                at += literal.len();
            }
            Part::Escape(escape, padded) => {
                let from = at + if *padded { spaces(rest) } else { 0 };
                let value = &line[from..];
                let after = |length: usize| {
                    let end = from + length;
                    end + if *padded {
                        fill(&line[end..], parts)
                    } else {
                        0
                    }
                };
                if let Some(length) = head.exact(*escape, value, from) {
                    at = after(length);
                    continue;
                }
                for length in ends(parts, value) {
                    let Some(fewer) = tries.checked_sub(1) else {
                        return false;
                    };
                    *tries = fewer;
                    if matched(parts, line, after(length), tries, head) {
                        head.name(*escape, from, value[..length].trim_ascii_end().len());
                        return true;
                    }
                }
                return false;
            }
        }
    }
    let Some((tag, length)) = tag(line, at) else {
        return false;
    };
    (head.tag, head.prefix, head.length) = (tag, at, length);
    true
}

/// How many spaces the bytes begin with.
fn spaces(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|b| **b == b' ').count()
}

/// How many spaces fill up the value before them; the last may belong to the prefix.
fn fill(bytes: &[u8], following: &[Part]) -> usize {
    let own = match following.first() {
        Some(Part::Literal(literal)) => spaces(literal),
        _ => 0,
    };
    spaces(bytes).saturating_sub(own)
}

/// Where a name may end: before what follows it in the prefix.
fn ends<'v>(parts: &[Part], value: &'v [u8]) -> impl Iterator<Item = usize> + use<'v> {
    let value = &value[..value.len().min(LONGEST_NAME)];
    let first = match parts.first() {
        Some(Part::Literal(literal)) => literal.first().copied(),
        _ => None,
    };
    let mut from = 0;
    std::iter::from_fn(move || {
        let rest = value.get(from..)?;
        let found = match first {
            Some(first) => find(rest, first)?,
            None if rest.is_empty() => return None,
            None => 0,
        };
        from += found + 1;
        Some(from - 1)
    })
}

impl Head {
    /// Reads an escape whose form tells where it ends; its length, or `None` for names.
    fn exact(&mut self, escape: u8, value: &[u8], from: usize) -> Option<usize> {
        let run = |wanted: fn(&u8) -> bool| value.iter().take_while(|b| wanted(b)).count();
        let span = |length: usize| Span {
            from,
            to: from + length,
        };
        let text = |length: usize| std::str::from_utf8(&value[..length]).unwrap_or_default();
        Some(match escape {
            b'm' | b't' | b's' => {
                let (time, length) =
                    stamp(value).map_or((None, 0), |(time, length)| (Some(time), length));
                if escape != b's' {
                    self.time = time;
                }
                length
            }
            b'n' => {
                let length = run(|b| b.is_ascii_digit() || *b == b'.');
                let seconds = text(length).parse::<f64>().ok();
                self.time = seconds.filter(|s| s.is_finite()).map(|s| s * 1000.0);
                length
            }
            b'p' => {
                let length = digits(value);
                self.process = span(length);
                self.pid = text(length).parse().ok();
                length
            }
            b'x' => {
                let length = digits(value);
                self.txid = text(length).parse().unwrap_or(0);
                length
            }
            b'l' | b'P' => digits(value),
            b'Q' => {
                let length = run(|b| b.is_ascii_digit() || *b == b'-');
                self.query_id = text(length).parse().ok().filter(|id| *id != 0);
                length
            }
            b'v' => {
                let length = run(|b| b.is_ascii_digit() || *b == b'/');
                self.vxid = span(length);
                length
            }
            b'c' => {
                let length = run(|b| b.is_ascii_hexdigit() || *b == b'.');
                self.session = span(length);
                length
            }
            b'e' => run(u8::is_ascii_alphanumeric).min(5),
            _ => return None,
        })
    }

    /// Notes a name.
    fn name(&mut self, escape: u8, from: usize, length: usize) {
        let place = match escape {
            b'u' => &mut self.user,
            b'd' => &mut self.database,
            b'a' => &mut self.application_name,
            _ => return,
        };
        *place = Span {
            from,
            to: from + length,
        };
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
            shown(head.session.of(line)),
            head.pid.unwrap_or(0),
            shown(head.user.of(line)),
            shown(head.database.of(line)),
            shown(head.application_name.of(line)),
            shown(head.vxid.of(line)),
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
            (
                "%-8p %-8u %a ",
                "42       bob      psql LOG:  x",
                Some("Log -1||42|bob||psql||None|x".to_owned()),
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
