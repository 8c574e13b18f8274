//! The plain log: lines with a prefix, continued by lines that begin with a tab.

use std::borrow::Cow;

use crate::query::log::bytes::line;
use crate::query::log::message::{event, is_of_statement, values};
use crate::query::log::prefix::{Head, Prefix, Tag};
use crate::query::log::{Entry, Next, NoEntry, Searched};

/// A message ends before the next line that begins one.
pub(super) fn next(bytes: &[u8], prefix: &Prefix, searched: &mut Searched, last: bool) -> Next {
    if searched.at == 0 {
        let Some(length) = line(bytes) else {
            return Next::More;
        };
        match prefix.read(&bytes[..length]) {
            Some(head) if !head.tag.continues() => searched.at = length,
            _ => return Next::Stray(length),
        }
    }
    while let Some(length) = line(&bytes[searched.at..]) {
        let rest = &bytes[searched.at..searched.at + length];
        let more =
            rest.starts_with(b"\t") || prefix.read(rest).is_some_and(|head| head.tag.continues());
        if !more {
            return Next::Message(searched.at);
        }
        searched.at += length;
    }
    if last {
        Next::Message(searched.at)
    } else {
        Next::More
    }
}

/// What a message says.
pub(super) fn entry<'a>(message: &'a [u8], prefix: &Prefix) -> Result<Entry<'a>, NoEntry> {
    let (head, body, mut rest) = part(message, prefix).ok_or(NoEntry::Malformed)?;
    if head.tag != Tag::Log || !is_of_statement(body) {
        return Err(NoEntry::Other);
    }
    let (duration, event) = event(text(body)).ok_or(NoEntry::Other)?;
    let mut parameters = None;
    while let Some((head, body, after)) = part(rest, prefix) {
        if head.tag == Tag::Detail {
            parameters = values(text(body));
        }
        rest = after;
    }
    let name = |bytes: &'a [u8]| match String::from_utf8_lossy(bytes) {
        Cow::Borrowed("[unknown]") => Cow::Borrowed(""),
        name => name,
    };
    Ok(Entry {
        time: head.time,
        session: match (head.session, head.pid) {
            (b"", Some(pid)) => Cow::Owned(pid.to_string()),
            (session, _) => String::from_utf8_lossy(session),
        },
        pid: head.pid,
        user: name(head.user),
        database: name(head.database),
        application_name: name(head.application_name),
        vxid: String::from_utf8_lossy(head.vxid),
        txid: head.txid,
        query_id: head.query_id,
        duration,
        event,
        parameters,
    })
}

/// A line with a prefix and those that continue it: its head, its text, and what follows.
fn part<'a>(bytes: &'a [u8], prefix: &Prefix) -> Option<(Head<'a>, &'a [u8], &'a [u8])> {
    let mut end = line(bytes)?;
    let head = prefix.read(&bytes[..end])?;
    while bytes.get(end) == Some(&b'\t') {
        end += line(&bytes[end..])?;
    }
    let body = bytes[..end].get(head.length..)?.trim_ascii_end();
    Some((head, body, &bytes[end..]))
}

/// The text without the tabs that continue it.
fn text(body: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(body);
    if text.contains("\n\t") {
        return Cow::Owned(text.replace("\r\n\t", "\n").replace("\n\t", "\n"));
    }
    text
}
