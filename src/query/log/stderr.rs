//! The plain log: lines with a prefix, continued by lines that begin with a tab.

use std::borrow::Cow;

use crate::query::bytes::{self, find, line};
use crate::query::log::message::{event, is_of_statement, values};
use crate::query::log::prefix::{Head, Prefix, Tag};
use crate::query::log::{Entry, Next, NoEntry, Searched};

/// What was read of the message at the front, line by line.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Lines {
    /// The head of its first line.
    head: Option<Head>,
    /// Where its text ends.
    text: usize,
    /// Where its DETAIL begins and ends.
    detail: (usize, usize),
    /// What the last line belongs to.
    part: Tag,
    /// The head of the line behind it, with which another message begins.
    following: Option<Head>,
}

impl Lines {
    /// What is known of the message behind this one.
    pub(super) fn following(&self) -> Self {
        Self {
            head: self.following,
            ..Self::default()
        }
    }

    /// A line ends there; with a head it begins a part of the message.
    fn line(&mut self, end: usize, head: Option<(Tag, usize)>) {
        if let Some((tag, from)) = head {
            self.part = tag;
            if tag == Tag::Detail {
                self.detail.0 = from;
            }
        }
        match self.part {
            Tag::Detail => self.detail.1 = end,
            Tag::More => {}
            Tag::Log | Tag::OtherLevel => self.text = end,
        }
    }
}

/// A message ends before the next line that begins one.
pub(super) fn next(bytes: &[u8], prefix: &Prefix, searched: &mut Searched, last: bool) -> Next {
    let lines = &mut searched.lines;
    if searched.at == 0 {
        let Some(length) = line(bytes) else {
            return Next::More;
        };
        let head = (lines.head).or_else(|| prefix.read(&bytes[..length]));
        match head {
            Some(head) if !head.tag.continues() => {
                lines.head = Some(head);
                lines.line(length, Some((head.tag, head.length)));
                searched.at = length;
            }
            _ => return Next::Stray(length),
        }
    }
    let first = lines.head.unwrap_or_default();
    while let Some(length) = line(&bytes[searched.at..]) {
        let rest = &bytes[searched.at..searched.at + length];
        let mut tag = None;
        if !rest.starts_with(b"\t") {
            match prefix.read_after(&first, bytes, rest) {
                Some(head) if head.tag.continues() => {
                    tag = Some((head.tag, searched.at + head.length));
                }
                other => {
                    lines.following = other;
                    return Next::Message(searched.at);
                }
            }
        }
        searched.at += length;
        lines.line(searched.at, tag);
    }
    if last {
        Next::Message(searched.at)
    } else {
        Next::More
    }
}

/// What a message says.
pub(super) fn entry<'a>(message: &'a [u8], lines: &Lines) -> Result<Entry<'a>, NoEntry> {
    let head = lines.head.as_ref().ok_or(NoEntry::Malformed)?;
    let body = message.get(head.length..lines.text).unwrap_or_default();
    if head.tag != Tag::Log || !is_of_statement(body) {
        return Err(NoEntry::Other);
    }
    let (duration, event) = event(text(body)).ok_or(NoEntry::Other)?;
    let (from, to) = lines.detail;
    let name = |name: &'a [u8]| match bytes::text(name) {
        Cow::Borrowed("[unknown]") => Cow::Borrowed(""),
        name => name,
    };
    let session = match head.session.of(message) {
        b"" => head.process.of(message),
        session => session,
    };
    Ok(Entry {
        time: head.time,
        session: bytes::text(session),
        pid: head.pid,
        user: name(head.user.of(message)),
        database: name(head.database.of(message)),
        application_name: name(head.application_name.of(message)),
        vxid: bytes::text(head.vxid.of(message)),
        txid: head.txid,
        query_id: head.query_id,
        duration,
        event,
        parameters: values(text(message.get(from..to).unwrap_or_default())),
    })
}

/// The text without the tabs that continue it.
fn text(body: &[u8]) -> Cow<'_, str> {
    let body = body.trim_ascii_end();
    let Some(mut end) = find(body, b'\n') else {
        return bytes::text(body);
    };
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    loop {
        let (line, after) = rest.split_at(end);
        if let Some(after) = after.strip_prefix(b"\n\t") {
            out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
            out.push(b'\n');
            rest = after;
        } else {
            out.extend_from_slice(&rest[..=end]);
            rest = &rest[end + 1..];
        }
        match find(rest, b'\n') {
            Some(next) => end = next,
            None => break,
        }
    }
    out.extend_from_slice(rest);
    Cow::Owned(bytes::owned_text(out))
}
