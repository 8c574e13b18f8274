//! The text of a message → what it says of a statement.

use std::borrow::Cow;

use crate::query::log::Event;

/// A part of a text from there on.
fn tail(text: Cow<'_, str>, from: usize) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[from..]),
        Cow::Owned(mut text) => {
            text.drain(..from);
            Cow::Owned(text)
        }
    }
}

/// Whether a message can be about a statement, by how it begins.
pub(super) fn is_of_statement(message: &[u8]) -> bool {
    [&b"duration: "[..], b"statement: ", b"execute "]
        .iter()
        .any(|begin| message.starts_with(begin))
}

/// What a message says: the duration, and what happened.
pub(super) fn event(message: Cow<'_, str>) -> Option<(Option<f64>, Event<'_>)> {
    let Some(rest) = message.strip_prefix("duration: ") else {
        return Some((None, what(message)?));
    };
    let rest = rest.trim_start();
    let (number, rest) = rest.split_at(rest.find(' ')?);
    let duration = number.parse::<f64>().ok().filter(|d| d.is_finite())?;
    let rest = rest.strip_prefix(" ms")?.trim_start();
    if rest.is_empty() {
        return Some((Some(duration), Event::Duration));
    }
    let from = message.len() - rest.len();
    Some((Some(duration), what(tail(message, from))?))
}

/// `statement: …`, `execute name: …`, `parse name: …`, `plan:…`.
fn what(text: Cow<'_, str>) -> Option<Event<'_>> {
    if text.starts_with("statement: ") {
        return Some(Event::Statement(tail(text, "statement: ".len())));
    }
    if let Some(plan) = text.strip_prefix("plan:") {
        let from = text.len() - plan.trim_start().len();
        return Some(Event::Plan(tail(text, from)));
    }
    if text.starts_with("parse ") || text.starts_with("bind ") {
        return Some(Event::Prepare);
    }
    let rest = text.strip_prefix("execute ")?;
    let (rest, fetch) = match rest.strip_prefix("fetch from ") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let (name, statement) = split_name(rest)?;
    let from = text.len() - statement.len();
    let named = text.len() - rest.len();
    // `name/portal`
    let end = name.find('/').unwrap_or(name.len());
    let name = match &text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[named..named + end]),
        Cow::Owned(_) => Cow::Owned(name[..end].to_owned()),
    };
    Some(Event::Execute {
        name,
        text: tail(text, from),
        fetch,
    })
}

/// A name and what follows the colon behind it; a plain search is set up faster than one for two bytes.
fn split_name(text: &str) -> Option<(&str, &str)> {
    let mut colons = text.match_indices(':').map(|(at, _)| at);
    let colon = colons.find(|at| text[at + 1..].starts_with(' '))?;
    Some((&text[..colon], &text[colon + 2..]))
}

/// The values in DETAIL: `parameters: …`, since 17 `Parameters: …`.
pub(super) fn values(detail: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let begin = ["Parameters: ", "parameters: "];
    let length = begin.iter().find(|b| detail.starts_with(**b))?.len();
    Some(tail(detail, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn execute<'a>(name: &'a str, text: &'a str, fetch: bool) -> Event<'a> {
        Event::Execute {
            name: name.into(),
            text: text.into(),
            fetch,
        }
    }

    #[test]
    fn messages_say_what_happened() {
        let statement = |text: &'static str| Event::Statement(text.into());
        for (message, duration, expected) in [
            ("duration: 0.058 ms", Some(0.058), Event::Duration),
            (
                "duration: 1.5 ms  statement: select 'duration: 3 ms'",
                Some(1.5),
                statement("select 'duration: 3 ms'"),
            ),
            ("statement: select 1", None, statement("select 1")),
            (
                "duration: 12.000 ms  execute <unnamed>: select $1: x",
                Some(12.0),
                execute("<unnamed>", "select $1: x", false),
            ),
            (
                "execute S_1/C_2: fetch\nme",
                None,
                execute("S_1", "fetch\nme", false),
            ),
            (
                "duration: 2 ms  execute fetch from S_1/C_2: select 1",
                Some(2.0),
                execute("S_1", "select 1", true),
            ),
            (
                "duration: 0.1 ms  parse a: select 1",
                Some(0.1),
                Event::Prepare,
            ),
            (
                "duration: 0.1 ms  bind a/b: select 1",
                Some(0.1),
                Event::Prepare,
            ),
            (
                "duration: 5.0 ms  plan:\n{\n  \"Query Text\": \"x\"}",
                Some(5.0),
                Event::Plan("{\n  \"Query Text\": \"x\"}".into()),
            ),
        ] {
            let borrowed = event(message.into());
            assert_eq!(borrowed, Some((duration, expected.clone())), "{message}");
            let owned = event(message.to_owned().into());
            assert_eq!(owned, Some((duration, expected)), "{message}");
        }
        for message in [
            "checkpoint starting: time",
            "duration: x ms  statement: select 1",
            "duration: NaN ms",
            "duration: 5 s",
            "execute nothing",
            "duration: 1 ms  fastpath function call: \"lo_read\"",
            "",
        ] {
            assert_eq!(event(message.into()), None, "{message}");
        }
    }

    #[test]
    fn values_are_those_of_both_spellings() {
        assert_eq!(
            values("parameters: $1 = '7'".into()).as_deref(),
            Some("$1 = '7'")
        );
        assert_eq!(
            values("Parameters: $1 = '7'".into()).as_deref(),
            Some("$1 = '7'")
        );
        assert_eq!(values("prepare: select 1".into()), None);
    }
}
