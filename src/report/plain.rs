//! Text that came from a database, made harmless: it cannot move the cursor, end a comment or run over the line.
//!
//! Statement texts are flattened for reading; DDL keeps its meaning. Widths are terminal columns, not characters.

use std::fmt::Write as _;

use tabled::grid::util::string::get_string_width;

/// Columns that a text takes in a terminal.
pub(super) fn width(text: &str) -> usize {
    get_string_width(text)
}

/// Whether a character can do something to a terminal or to the order in which a line is read: C0, DEL and C1 controls,
/// line and paragraph separators, the bidirectional controls ("Trojan Source", CVE-2021-42574) and invisible spaces.
fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A text on one line for reading: white space collapsed, active characters shown as `\x1b` or `\u{202e}`.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.trim().chars() {
        if c.is_whitespace() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{85}') {
            if !line.ends_with(' ') {
                line.push(' ');
            }
        } else if is_active(c) {
            let code = u32::from(c);
            let _ = if code < 0x100 {
                write!(line, "\\x{code:02x}")
            } else {
                write!(line, "\\u{{{code:x}}}")
            };
        } else {
            line.push(c);
        }
    }
    line
}

/// SQL on one line that means the same: a quoted name or string with active characters is written with escapes
/// (`U&"…"`, `E'…'`), so that the line can be pasted as well as looked at.
pub(crate) fn sql_line(sql: &str) -> String {
    if !sql.chars().any(is_active) {
        return sql.to_owned();
    }
    let mut line = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(at) = rest.find(['"', '\'']) {
        let quote = if rest[at..].starts_with('"') {
            '"'
        } else {
            '\''
        };
        line.push_str(&one_line_keeping_ends(&rest[..at]));
        let end = quoted_end(&rest[at..], quote);
        push_quoted(&mut line, &rest[at..at + end], quote);
        rest = &rest[at + end..];
    }
    line.push_str(&one_line_keeping_ends(rest));
    line
}

/// As [`one_line`], for a piece from the middle of a line.
fn one_line_keeping_ends(piece: &str) -> String {
    let line = one_line(&format!("|{piece}|"));
    line[1..line.len() - 1].to_owned()
}

/// Length of the quoted text that `text` starts with, quotes included; all of it when the quote is not closed.
fn quoted_end(text: &str, quote: char) -> usize {
    let mut at = 1;
    while let Some(next) = text[at..].find(quote) {
        at += next + 1;
        if !text[at..].starts_with(quote) {
            return at;
        }
        at += 1;
    }
    text.len()
}

fn push_quoted(line: &mut String, quoted: &str, quote: char) {
    if !quoted.chars().any(is_active) {
        line.push_str(quoted);
        return;
    }
    let prefixed = line.ends_with("U&") || (quote == '\'' && line.ends_with(" E"));
    if !prefixed {
        line.push_str(if quote == '"' { "U&" } else { " E" });
    }
    for c in quoted.chars() {
        let code = u32::from(c);
        let _ = match (c, quote) {
            ('\\', _) if !prefixed => write!(line, "\\\\"),
            _ if !is_active(c) => write!(line, "{c}"),
            (_, '"') => write!(line, "\\{code:04X}"),
            _ => write!(line, "\\u{code:04X}"),
        };
    }
}

/// JSON text with the active characters that JSON allows to stand for themselves escaped too; they only occur in strings.
pub(super) fn json_escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && is_active(c) {
            let _ = write!(text, "\\u{:04x}", u32::from(c));
        } else {
            text.push(c);
        }
    }
    text
}

/// Cuts a line to so many columns; what is cut off shows as `…`.
pub(super) fn truncate(line: &str, columns: usize) -> String {
    // Marks that take no column of their own could make a short line endless, so characters are limited too.
    let limit = columns.saturating_mul(4);
    if line.chars().nth(limit).is_none() && width(line) <= columns {
        return line.to_owned();
    }
    let mut cut = String::new();
    for c in line.chars().take(limit) {
        cut.push(c);
        if width(&cut) + 1 > columns {
            cut.pop();
            break;
        }
    }
    format!("{}…", cut.trim_end())
}

/// Breaks a line at spaces into lines of at most so many columns; a longer word is broken where it must.
pub(crate) fn wrap(line: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = vec![String::new()];
    for word in line.split(' ').filter(|w| !w.is_empty()) {
        let last = lines.last_mut().expect("it starts with one line");
        if last.is_empty() {
            last.push_str(word);
        } else if width(last) + 1 + width(word) <= columns {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
        while let Some(tail) = lines.last_mut().and_then(|l| split_at_column(l, columns)) {
            lines.push(tail);
        }
    }
    lines
}

/// Cuts a line after so many columns and gives what was cut off, if it is longer than that.
fn split_at_column(line: &mut String, columns: usize) -> Option<String> {
    if width(line) <= columns {
        return None;
    }
    let mut end = 0;
    for (at, c) in line.char_indices() {
        let next = at + c.len_utf8();
        if end > 0 && width(&line[..next]) > columns {
            break;
        }
        end = next;
    }
    let tail = line.split_off(end);
    (!tail.is_empty()).then_some(tail)
}

/// As [`wrap`], but at most so many lines; the last one ends in `…` when there was more.
pub(super) fn wrap_at_most(line: &str, columns: usize, lines: usize) -> Vec<String> {
    let mut wrapped = wrap(line, columns);
    if wrapped.len() > lines {
        let rest = wrapped.split_off(lines.max(1) - 1).join(" ");
        wrapped.push(truncate(&rest, columns));
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statement_texts_lose_their_power() {
        for (text, line) in [
            ("SELECT 1", "SELECT 1"),
            ("  SELECT\r\n\t 1 ", "SELECT 1"),
            ("a\u{1b}[31mb\u{9b}c\u{7f}\u{0}", r"a\x1b[31mb\x9bc\x7f\x00"),
            ("a\u{202e}b\u{2028}c", r"a\u{202e}b\u{2028}c"),
            ("größe 😀 'x'", "größe 😀 'x'"),
        ] {
            assert_eq!(one_line(text), line);
        }
    }

    #[test]
    fn ddl_keeps_its_meaning_on_one_line() {
        for (sql, line) in [
            (r#"ON "a b" ("c")"#, r#"ON "a b" ("c")"#),
            ("ON \"a\nb\\\"\"\" (c)", r#"ON U&"a\000Ab\\""" (c)"#),
            (
                "WHERE x = 'a\u{1b}''\\b'::text",
                r"WHERE x =  E'a\u001B''\\b'::text",
            ),
            ("WHERE x = E'a\n\\\\b'", r"WHERE x = E'a\u000A\\b'"),
            ("(a,\n b)", "(a, b)"),
            ("\"open\n", r#"U&"open\000A"#),
        ] {
            assert_eq!(sql_line(sql), line);
        }
    }

    #[test]
    fn columns_are_counted_not_characters() {
        assert_eq!(truncate("abcdef", 6), "abcdef");
        assert_eq!(truncate("abcdefg", 6), "abcde…");
        assert_eq!(truncate("日本語", 5), "日本…");
        assert_eq!(truncate("日本語", 6), "日本語");
        assert_eq!(width(&truncate("👩‍👩‍👧 family", 5)), 5);
        assert!(truncate(&"a\u{301}".repeat(100), 10).chars().count() <= 41);
    }

    #[test]
    fn lines_break_at_spaces_and_long_words_where_they_must() {
        assert_eq!(wrap("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrap("abcdefgh i", 3), ["abc", "def", "gh", "i"]);
        assert_eq!(wrap("日本語", 1), ["日", "本", "語"]);
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap_at_most("aa bb cc dd", 5, 2), ["aa bb", "cc dd"]);
        assert_eq!(wrap_at_most("aa bb cc dd ee", 5, 2), ["aa bb", "cc d…"]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd(text in "\\PC*|[\u{0}-\u{2ff}'\"\\\\ ]*|\\p{Any}*", columns in 1..30_usize) {
            for line in [one_line(&text), sql_line(&text)] {
                assert!(!line.contains(is_active), "{line:?}");
                assert!(width(&truncate(&line, columns)) <= columns.max(1));
                for piece in wrap_at_most(&line, columns, 3) {
                    assert!(width(&piece) <= columns.max(2), "{piece:?}");
                }
            }
        }
    }
}
