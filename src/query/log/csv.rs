//! csvlog: comma-separated values, strings in quotes and over several lines.
//!
//! Columns: 23 up to 12, 24 in 13 (`backend_type`), 26 since 14 (`leader_pid`, `query_id`).

use std::borrow::Cow;

use crate::query::bytes::{self, find, find_either, line};
use crate::query::log::message::{event, is_of_statement, values};
use crate::query::log::time::stamp;
use crate::query::log::{Entry, Next, NoEntry, Searched};

const USER: usize = 1;
const DATABASE: usize = 2;
const PID: usize = 3;
const SESSION: usize = 5;
const VXID: usize = 9;
const TXID: usize = 10;
const SEVERITY: usize = 11;
const MESSAGE: usize = 13;
const DETAIL: usize = 14;
const APPLICATION: usize = 22;
const QUERY_ID: usize = 25;

/// Fewest and most columns of a message.
const COLUMNS: std::ops::RangeInclusive<usize> = 23..=40;

/// Whether a line begins a message: a time stamp, a comma, and what a role's name begins with.
pub(super) fn begins(line: &[u8]) -> bool {
    let Some((_, length)) = stamp(line) else {
        return false;
    };
    length > 19 && matches!(line.get(length..length + 2), Some(b",\"" | b",,"))
}

/// A message ends with the line that leaves no quote open.
pub(super) fn next(bytes: &[u8], searched: &mut Searched, last: bool) -> Next {
    if searched.at == 0 {
        let Some(length) = line(bytes) else {
            return Next::More;
        };
        if !begins(&bytes[..length]) {
            return Next::Stray(length);
        }
    }
    while let Some(found) = find_either(&bytes[searched.at..], b'"', b'\n') {
        let at = searched.at + found;
        searched.at = at + 1;
        match bytes[at] {
            b'"' => searched.quoted = !searched.quoted,
            _ if !searched.quoted => return Next::Message(at + 1),
            _ => {}
        }
    }
    searched.at = bytes.len();
    if last {
        Next::Message(bytes.len())
    } else {
        Next::More
    }
}

/// Where in a message that could not be read another one begins.
pub(super) fn resume(message: &[u8]) -> Option<usize> {
    let mut at = line(message)?;
    while at < message.len() {
        if begins(&message[at..]) {
            return Some(at);
        }
        at += line(&message[at..])?;
    }
    None
}

/// What a message says.
pub(super) fn entry(message: &[u8]) -> Result<Entry<'_>, NoEntry> {
    let mut columns: [&[u8]; QUERY_ID + 1] = [b""; QUERY_ID + 1];
    let count = split(message.trim_ascii_end(), &mut columns).ok_or(NoEntry::Malformed)?;
    if !COLUMNS.contains(&count) {
        return Err(NoEntry::Malformed);
    }
    if columns[SEVERITY] != b"LOG" || !is_of_statement(inner(columns[MESSAGE])) {
        return Err(NoEntry::Other);
    }
    let (duration, event) = event(text(columns[MESSAGE])).ok_or(NoEntry::Other)?;
    let number = |at: usize| std::str::from_utf8(columns[at]).ok()?.parse::<i64>().ok();
    Ok(Entry {
        time: stamp(columns[0]).map(|(time, _)| time),
        session: text(columns[SESSION]),
        pid: number(PID).and_then(|pid| u32::try_from(pid).ok()),
        user: text(columns[USER]),
        database: text(columns[DATABASE]),
        application_name: text(columns[APPLICATION]),
        vxid: text(columns[VXID]),
        txid: number(TXID)
            .and_then(|txid| u64::try_from(txid).ok())
            .unwrap_or(0),
        query_id: number(QUERY_ID).filter(|id| *id != 0),
        duration,
        event,
        parameters: values(text(columns[DETAIL])),
    })
}

/// Cuts a message at its commas; gives how many columns it has, and the first ones as they stand.
fn split<'a>(message: &'a [u8], columns: &mut [&'a [u8]]) -> Option<usize> {
    let mut rest = message;
    let mut count = 0;
    loop {
        let end = if rest.starts_with(b"\"") {
            quoted(rest)?
        } else {
            find(rest, b',').unwrap_or(rest.len())
        };
        if let Some(column) = columns.get_mut(count) {
            *column = &rest[..end];
        }
        count += 1;
        match rest[end..].split_first() {
            None => return Some(count),
            Some((b',', after)) => rest = after,
            Some(_) => return None,
        }
    }
}

/// Length of the string in quotes that the bytes begin with.
fn quoted(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += find(bytes.get(at..)?, b'"')? + 1;
        if bytes.get(at) != Some(&b'"') {
            return Some(at);
        }
        at += 1;
    }
}

/// A column without the quotes around it.
fn inner(column: &[u8]) -> &[u8] {
    let inner = column.strip_prefix(b"\"").unwrap_or(column);
    inner.strip_suffix(b"\"").unwrap_or(inner)
}

/// A column as text.
fn text(column: &[u8]) -> Cow<'_, str> {
    let inner = inner(column);
    let Some(mut quote) = find(inner, b'"') else {
        return bytes::text(inner);
    };
    // Quotes are doubled: the first of two is kept.
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    loop {
        out.extend_from_slice(&rest[..=quote]);
        rest = &rest[quote + 1..];
        rest = rest.strip_prefix(b"\"").unwrap_or(rest);
        match find(rest, b'"') {
            Some(next) => quote = next,
            None => break,
        }
    }
    out.extend_from_slice(rest);
    Cow::Owned(bytes::owned_text(out))
}
