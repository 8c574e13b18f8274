//! Connection strings: `postgresql://…` URIs and `key=value …` lists, split exactly as libpq splits them.
//!
//! Only the syntax is known here; what the keywords mean is `target`'s business.

use crate::pg::Error;
use crate::pg::connect::keyword;
use crate::pg::error::Kind;

/// Keywords with their values, in the order written; of several equal ones the last counts.
pub(super) type Pairs = Vec<(&'static str, String)>;

/// Parses a connection string; `None` when the text is neither a URI nor a list, that is, a database name.
pub(super) fn parse(text: &str, from: &str) -> Result<Option<Pairs>, Error> {
    let uri = ["postgresql://", "postgres://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    if let Some(rest) = uri {
        return parse_uri(rest, from).map(Some);
    }
    if let Some(scheme) = foreign_scheme(text) {
        return Err(
            config(from, &format!("{scheme}:// is not a PostgreSQL URI"))
                .hint("use postgresql://user@host:port/dbname"),
        );
    }
    if text.contains('=') {
        return parse_list(text, from).map(Some);
    }
    Ok(None)
}

/// The scheme of a URI of something else: `mysql://`, `jdbc:postgresql://`, `postgresql+asyncpg://`.
fn foreign_scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once("://")?;
    let is_scheme = !scheme.is_empty()
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | ':'));
    is_scheme.then_some(scheme)
}

/// `key = value` pairs; values may be quoted with `'`, and `\` takes the next character literally.
fn parse_list(text: &str, from: &str) -> Result<Pairs, Error> {
    let mut pairs = Pairs::new();
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() {
        let key_end = rest.find(|c| c == '=' || is_space(c)).unwrap_or(rest.len());
        let key = &rest[..key_end];
        rest = rest[key_end..].trim_start_matches(is_space);
        rest = rest
            .strip_prefix('=')
            .ok_or_else(|| no_equals(key, pairs.last(), from))?
            .trim_start_matches(is_space);
        check(key, from)?;
        let (value, after) = match rest.strip_prefix('\'') {
            Some(quoted) => unescape(quoted, |c| c == '\''),
            None => unescape(rest, is_space),
        };
        rest = match (rest.starts_with('\''), after) {
            (true, None) => {
                return Err(config(
                    from,
                    &format!("the quote after {key}= is not closed"),
                ));
            }
            (_, after) => after.unwrap_or("").trim_start_matches(is_space),
        };
        pairs.push(stored(key, value, from)?);
    }
    Ok(pairs)
}

/// A word where `key=` should stand. After a password it may be the password's second half, so it is not quoted then.
fn no_equals(word: &str, previous: Option<&(&'static str, String)>, from: &str) -> Error {
    match previous {
        Some(("password", _)) => config(from, "something after the password is not key=value")
            .hint("quote a value with blanks: password='…'"),
        _ => config(from, &format!("no \"=\" after \"{word}\""))
            .hint("quote a value with blanks: key='…'"),
    }
}

/// What C's `isspace` says in the C locale.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

/// The value up to the terminator, with backslashes removed, and what follows it (`None` when there was no terminator).
fn unescape(text: &str, ends: impl Fn(char) -> bool) -> (String, Option<&str>) {
    let mut value = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => value.extend(chars.next()),
            c if ends(c) => return (value, Some(chars.as_str())),
            c => value.push(c),
        }
    }
    (value, None)
}

/// `[user[:password]@][host[:port][,…]][/dbname][?key=value[&…]]`, after the scheme.
fn parse_uri(text: &str, from: &str) -> Result<Pairs, Error> {
    let mut raw: Vec<(&'static str, String)> = Vec::new();
    let mut rest = text;
    // libpq looks for the `@` before the first `/` only, so a password may hold `?` and `:`.
    let authority = rest.find(['@', '/']);
    if let Some(at) = authority.filter(|at| rest.as_bytes()[*at] == b'@') {
        let (user, password) = rest[..at].split_once(':').unwrap_or((&rest[..at], ""));
        raw.push(("user", user.to_owned()));
        raw.push(("password", password.to_owned()));
        rest = &rest[at + 1..];
    }
    let (hosts, ports, after) = parse_hosts(rest, from)?;
    raw.push(("host", hosts));
    raw.push(("port", ports));
    rest = after;
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (rest, None),
    };
    // libpq would take it for the name of the database, and a password with `/` in it would be shown in messages.
    if authority.is_none_or(|at| text.as_bytes()[at] == b'/') && path.contains('@') {
        return Err(config(from, "an \"@\" after the first \"/\"")
            .hint("write a \"/\" of the password as %2F, an \"@\" of the database name as %40"));
    }
    raw.push(("dbname", path.strip_prefix('/').unwrap_or(path).to_owned()));

    let mut pairs = Pairs::new();
    for (name, value) in raw {
        if !value.is_empty() {
            pairs.push((name, decode(&value, name, from)?));
        }
    }
    for parameter in query.unwrap_or("").split('&').filter(|p| !p.is_empty()) {
        pairs.push(parse_parameter(parameter, from)?);
    }
    Ok(pairs)
}

/// The comma-separated hosts and ports, each list joined by commas as in `host=` and `port=`, and what follows.
fn parse_hosts<'a>(text: &'a str, from: &str) -> Result<(String, String, &'a str), Error> {
    let (mut hosts, mut ports) = (String::new(), String::new());
    let mut rest = text;
    loop {
        if let Some(bracketed) = rest.strip_prefix('[') {
            let (address, after) = bracketed
                .split_once(']')
                .ok_or_else(|| config(from, "no \"]\" after the \"[\" of an IPv6 address"))?;
            if address.is_empty() {
                return Err(config(from, "the IPv6 address in brackets is empty"));
            }
            if !(after.is_empty() || after.starts_with([':', '/', '?', ','])) {
                return Err(config(from, "only \":port\" may follow \"]\""));
            }
            hosts.push_str(address);
            rest = after;
        } else {
            let end = rest.find([':', '/', '?', ',']).unwrap_or(rest.len());
            hosts.push_str(&rest[..end]);
            rest = &rest[end..];
        }
        if let Some(after) = rest.strip_prefix(':') {
            let end = after.find(['/', '?', ',']).unwrap_or(after.len());
            ports.push_str(&after[..end]);
            rest = &after[end..];
        }
        let Some(after) = rest.strip_prefix(',') else {
            break;
        };
        hosts.push(',');
        ports.push(',');
        rest = after;
    }
    if hosts.contains('@') {
        return Err(config(from, "a second \"@\" before the host")
            .hint("write an \"@\" of the password as %40"));
    }
    Ok((hosts, ports, rest))
}

/// One `key=value` of the query part.
fn parse_parameter(parameter: &str, from: &str) -> Result<(&'static str, String), Error> {
    let (key, value) = parameter
        .split_once('=')
        .ok_or_else(|| config(from, "a parameter after \"?\" is not key=value"))?;
    let key = decode(key, "a keyword", from)?;
    if value.contains('=') {
        return Err(
            config(from, &format!("more than one \"=\" after \"{key}\""))
                .hint("write \"=\" as %3D inside a value"),
        );
    }
    let value = decode(value, &key, from)?;
    // JDBC's spelling, which libpq accepts too.
    if key == "ssl" && value == "true" {
        return Ok(("sslmode", "require".to_owned()));
    }
    stored(&key, value, from)
}

/// Percent-decoding.
fn decode(text: &str, what: &str, from: &str) -> Result<String, Error> {
    let invalid = |why: &str| {
        config(from, &format!("{why} in the value of {what}"))
            .hint("write a literal \"%\" as %25, \"@\" as %40, \":\" as %3A, \"/\" as %2F")
    };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(invalid("a \"%\" without two hexadecimal digits"));
        };
        match u8::try_from(high * 16 + low) {
            Ok(0) | Err(_) => return Err(invalid("the forbidden %00")),
            Ok(byte) => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| invalid("something that is not UTF-8"))
}

/// The pair as it counts: `requiressl`, gone from libpq's table, is still rewritten by it.
fn stored(key: &str, value: String, from: &str) -> Result<(&'static str, String), Error> {
    if key == "requiressl" {
        let mode = if value.starts_with('1') {
            "require"
        } else {
            "prefer"
        };
        return Ok(("sslmode", mode.to_owned()));
    }
    Ok((check(key, from)?, value))
}

/// The keyword's own spelling.
pub(super) fn check(key: &str, from: &str) -> Result<&'static str, Error> {
    match keyword::find(key) {
        Some(keyword) => Ok(keyword.name),
        None if key == "requiressl" => Ok("sslmode"),
        None => {
            Err(config(from, &format!("unknown keyword \"{key}\"")).hint(keyword::suggestion(key)))
        }
    }
}

/// An error of the string that came `from` there. Never quotes a value: it could be a password.
fn config(from: &str, what: &str) -> Error {
    Error::new(Kind::Config, format!("{from}: {what}"))
}
