//! jsonlog: one flat JSON object a line.
//!
//! Only the fields that are wanted are decoded, and those without escapes are not copied. Whether the rest of the line is
//! valid JSON matters to nobody.

use std::borrow::Cow;

use crate::query::bytes::{self, find, find_either, line};
use crate::query::log::message::{event, is_of_statement, values};
use crate::query::log::time::stamp;
use crate::query::log::{Entry, Next, NoEntry, Searched};

/// A line is a message.
pub(super) fn next(bytes: &[u8], searched: &mut Searched) -> Next {
    if let Some(length) = line(&bytes[searched.at..]) {
        return Next::Message(searched.at + length);
    }
    searched.at = bytes.len();
    Next::More
}

/// The fields of a line, still escaped.
#[derive(Default)]
struct Fields<'a> {
    timestamp: &'a [u8],
    user: &'a [u8],
    dbname: &'a [u8],
    pid: &'a [u8],
    session_id: &'a [u8],
    vxid: &'a [u8],
    txid: &'a [u8],
    severity: &'a [u8],
    message: &'a [u8],
    detail: &'a [u8],
    application_name: &'a [u8],
    query_id: &'a [u8],
}

/// What a line says.
pub(super) fn entry(line: &[u8]) -> Result<Entry<'_>, NoEntry> {
    let fields = fields(line.trim_ascii()).ok_or(NoEntry::Malformed)?;
    if fields.severity.is_empty() && fields.message.is_empty() {
        return Err(NoEntry::Malformed);
    }
    if fields.severity != b"LOG" || !is_of_statement(fields.message) {
        return Err(NoEntry::Other);
    }
    let (duration, event) = event(text(fields.message)).ok_or(NoEntry::Other)?;
    let number = |bytes: &[u8]| std::str::from_utf8(bytes).ok()?.parse::<i64>().ok();
    let pid = number(fields.pid).and_then(|pid| u32::try_from(pid).ok());
    Ok(Entry {
        time: stamp(fields.timestamp).map(|(time, _)| time),
        session: if fields.session_id.is_empty() {
            text(fields.pid)
        } else {
            text(fields.session_id)
        },
        pid,
        user: text(fields.user),
        database: text(fields.dbname),
        application_name: text(fields.application_name),
        vxid: text(fields.vxid),
        txid: number(fields.txid)
            .and_then(|txid| u64::try_from(txid).ok())
            .unwrap_or(0),
        query_id: number(fields.query_id).filter(|id| *id != 0),
        duration,
        event,
        parameters: values(text(fields.detail)),
    })
}

fn fields(line: &[u8]) -> Option<Fields<'_>> {
    let mut fields = Fields::default();
    let mut rest = line.strip_prefix(b"{")?;
    loop {
        let (key, after) = string(rest.trim_ascii_start())?;
        let after = after
            .trim_ascii_start()
            .strip_prefix(b":")?
            .trim_ascii_start();
        let (value, after) = value(after)?;
        let place = match key {
            b"timestamp" => Some(&mut fields.timestamp),
            b"user" => Some(&mut fields.user),
            b"dbname" => Some(&mut fields.dbname),
            b"pid" => Some(&mut fields.pid),
            b"session_id" => Some(&mut fields.session_id),
            b"vxid" => Some(&mut fields.vxid),
            b"txid" => Some(&mut fields.txid),
            b"error_severity" => Some(&mut fields.severity),
            b"message" => Some(&mut fields.message),
            b"detail" => Some(&mut fields.detail),
            b"application_name" => Some(&mut fields.application_name),
            b"query_id" => Some(&mut fields.query_id),
            _ => None,
        };
        if let Some(place) = place {
            *place = value;
        }
        match after.trim_ascii_start().split_first()? {
            (b',', after) => rest = after,
            (b'}', []) => return Some(fields),
            _ => return None,
        }
    }
}

/// A string at the beginning, without its quotes, and what follows.
fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = bytes.strip_prefix(b"\"")?;
    let mut at = 0;
    loop {
        at += find_either(&inner[at..], b'"', b'\\')?;
        if inner[at] == b'"' {
            return Some((&inner[..at], &inner[at + 1..]));
        }
        // The byte after a backslash is part of the string, whatever it is.
        at += 2;
        if at > inner.len() {
            return None;
        }
    }
}

/// A string, or a number or word as it stands.
fn value(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    if bytes.starts_with(b"\"") {
        return string(bytes);
    }
    let end = find_either(bytes, b',', b'}')?;
    Some((bytes[..end].trim_ascii(), &bytes[end..]))
}

/// A string without its escapes.
fn text(escaped: &[u8]) -> Cow<'_, str> {
    let Some(first) = find(escaped, b'\\') else {
        return bytes::text(escaped);
    };
    let mut out = Vec::with_capacity(escaped.len());
    let mut rest = escaped;
    let mut at = first;
    loop {
        out.extend_from_slice(&rest[..at]);
        let escape = rest.get(at + 1).copied().unwrap_or(b'\\');
        rest = rest.get(at + 2..).unwrap_or_default();
        match escape {
            b'n' => out.push(b'\n'),
            b't' => out.push(b'\t'),
            b'r' => out.push(b'\r'),
            b'b' => out.push(0x08),
            b'f' => out.push(0x0c),
            b'u' => rest = unicode(rest, &mut out),
            other => out.push(other),
        }
        match find(rest, b'\\') {
            Some(next) => at = next,
            None => break,
        }
    }
    out.extend_from_slice(rest);
    Cow::Owned(bytes::owned_text(out))
}

/// The character of four hexadecimal digits; the server writes them for control characters only, so that there are no pairs.
fn unicode<'a>(bytes: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let digits = bytes.get(..4).and_then(|d| std::str::from_utf8(d).ok());
    let code = digits.and_then(|d| u32::from_str_radix(d, 16).ok());
    let character = code.and_then(char::from_u32).unwrap_or('\u{fffd}');
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    bytes.get(4..).unwrap_or_default()
}
