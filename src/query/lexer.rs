//! Text → tokens by PostgreSQL's own lexical rules, lossless and total.
//!
//! Every byte of the text belongs to exactly one token, so that a rewrite can copy what it does not understand, and string
//! literals, quoted identifiers and comments are never touched by accident. Assumes `standard_conforming_strings = on`.

use std::borrow::Cow;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// White space.
    Space,
    /// `-- …` or `/* … */`, nested ones included.
    Comment,
    /// Key word or unquoted identifier.
    Word,
    /// `"identifier"`, also `U&"…"`.
    Quoted,
    /// Any string constant: `'…'`, `E'…'`, `B'…'`, `X'…'`, `N'…'`, `U&'…'`, `$tag$…$tag$`.
    String,
    /// A number.
    Number,
    /// `$n`.
    Parameter,
    /// A run of operator characters.
    Operator,
    /// One of `( ) [ ] , ; .`, or `:`, `::`, `:=`, `..`, `=>`.
    Mark,
    /// A character that PostgreSQL has no token for.
    Stray,
}

/// Bytes of the longest key word (`current_timestamp`), or more.
pub(crate) const LONGEST_KEY_WORD: usize = 20;

/// A token: its kind and its text. A rewrite may put other text in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    /// What it is.
    pub(crate) kind: Kind,
    /// Byte offset of its begin in the original text.
    pub(crate) start: usize,
    /// Its text as written, or what takes its place.
    pub(crate) text: Cow<'a, str>,
}

impl<'a> Token<'a> {
    /// A token that a rewrite inserts at the place of `start`.
    pub(crate) fn new(kind: Kind, start: usize, text: impl Into<Cow<'a, str>>) -> Self {
        Self {
            kind,
            start,
            text: text.into(),
        }
    }

    /// Whether it is this key word (given in lower case), unquoted.
    #[inline]
    pub(crate) fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    /// Whether it is one of these key words (given in lower case), unquoted.
    #[inline]
    pub(crate) fn is_any(&self, words: &[&str]) -> bool {
        self.kind == Kind::Word && words.iter().any(|w| self.text.eq_ignore_ascii_case(w))
    }

    /// The word in lower case if it may be a key word, else nothing; for a match over many of them.
    #[inline]
    pub(crate) fn key_word<'b>(&self, buffer: &'b mut [u8; LONGEST_KEY_WORD]) -> &'b str {
        let text = self.text.as_bytes();
        let Some(lower) = buffer.get_mut(..text.len()) else {
            return "";
        };
        if self.kind != Kind::Word {
            return "";
        }
        lower.copy_from_slice(text);
        lower.make_ascii_lowercase();
        std::str::from_utf8(lower).unwrap_or_default()
    }

    /// Whether it is this mark or operator.
    #[inline]
    pub(crate) fn is(&self, mark: &str) -> bool {
        matches!(self.kind, Kind::Mark | Kind::Operator) && self.text == mark
    }

    /// Whether it means something to the grammar.
    #[inline]
    pub(crate) fn is_code(&self) -> bool {
        !matches!(self.kind, Kind::Space | Kind::Comment)
    }

    /// Whether it names something: identifier or key word.
    #[inline]
    pub(crate) fn is_name(&self) -> bool {
        matches!(self.kind, Kind::Word | Kind::Quoted)
    }

    /// Whether it is a constant or a parameter.
    #[inline]
    pub(crate) fn is_value(&self) -> bool {
        matches!(self.kind, Kind::String | Kind::Number | Kind::Parameter)
    }

    /// The name as PostgreSQL folds it: quoted as it is, else with ASCII letters in lower case.
    pub(crate) fn name(&self) -> String {
        match self.kind {
            Kind::Quoted => {
                let inner = self.text.trim_start_matches(['U', 'u', '&']);
                let inner = inner.strip_prefix('"').unwrap_or(inner);
                let inner = inner.strip_suffix('"').unwrap_or(inner);
                inner.replace("\"\"", "\"")
            }
            _ => self.text.to_ascii_lowercase(),
        }
    }
}

/// Tokens of a text, and what stays open at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lexed<'a> {
    /// All tokens in order; joined they are the text.
    pub(crate) tokens: Vec<Token<'a>>,
    /// Where a string, quoted identifier or comment begins that never ends, and what it is.
    pub(crate) open: Option<(usize, &'static str)>,
}

/// Cuts a text into tokens.
pub(crate) fn lex(text: &str) -> Lexed<'_> {
    let mut tokens = Vec::with_capacity(text.len() / 4);
    let mut open = None;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let (kind, length, closed) = next(rest);
        let length = length.min(rest.len()).max(1);
        tokens.push(Token::new(kind, at, &rest[..length]));
        if let Err(what) = closed {
            open = Some((at, what));
        }
        at += length;
    }
    Lexed { tokens, open }
}

/// Tokens joined to text again.
pub(crate) fn join(tokens: &[Token<'_>]) -> String {
    tokens.iter().map(|t| t.text.as_ref()).collect()
}

type Closed = Result<(), &'static str>;

/// Kind and length of the token that the (never empty) rest begins with.
fn next(rest: &str) -> (Kind, usize, Closed) {
    let bytes = rest.as_bytes();
    let second = bytes.get(1).copied().unwrap_or(0);
    match bytes[0] {
        b if b.is_ascii_whitespace() || b == 0x0b => {
            let end = rest.find(|c: char| !(c.is_ascii_whitespace() || c == '\x0b'));
            (Kind::Space, end.unwrap_or(rest.len()), Ok(()))
        }
        b'-' if second == b'-' => (
            Kind::Comment,
            rest.find(['\n', '\r']).unwrap_or(rest.len()),
            Ok(()),
        ),
        b'/' if second == b'*' => block_comment(bytes),
        b'\'' => quoted(bytes, 0, b'\'', false, Kind::String),
        b'"' => quoted(bytes, 0, b'"', false, Kind::Quoted),
        b'e' | b'E' if second == b'\'' => quoted(bytes, 1, b'\'', true, Kind::String),
        b'b' | b'B' | b'x' | b'X' | b'n' | b'N' if second == b'\'' => {
            quoted(bytes, 1, b'\'', false, Kind::String)
        }
        b'u' | b'U' if second == b'&' && bytes.get(2) == Some(&b'\'') => {
            quoted(bytes, 2, b'\'', false, Kind::String)
        }
        b'u' | b'U' if second == b'&' && bytes.get(2) == Some(&b'"') => {
            quoted(bytes, 2, b'"', false, Kind::Quoted)
        }
        b'$' if second.is_ascii_digit() => {
            let digits = bytes[1..].iter().take_while(|b| b.is_ascii_digit()).count();
            (Kind::Parameter, 1 + digits, Ok(()))
        }
        b'$' => dollar_quoted(rest),
        b'0'..=b'9' => (Kind::Number, number(bytes), Ok(())),
        b'.' if second.is_ascii_digit() => (Kind::Number, number(bytes), Ok(())),
        b'.' if second == b'.' => (Kind::Mark, 2, Ok(())),
        b':' if matches!(second, b':' | b'=') => (Kind::Mark, 2, Ok(())),
        b'(' | b')' | b'[' | b']' | b',' | b';' | b'.' | b':' => (Kind::Mark, 1, Ok(())),
        b if is_operator(b) => operator(bytes),
        b if is_word_start(b) => {
            let end = bytes.iter().position(|&b| !is_word_part(b));
            (Kind::Word, end.unwrap_or(rest.len()), Ok(()))
        }
        _ => {
            let length = rest.chars().next().map_or(1, char::len_utf8);
            (Kind::Stray, length, Ok(()))
        }
    }
}

fn is_word_start(b: u8) -> bool {
    b.is_ascii_alphabetic() || b == b'_' || b >= 0x80
}

fn is_word_part(b: u8) -> bool {
    is_word_start(b) || b.is_ascii_digit() || b == b'$'
}

fn is_operator(b: u8) -> bool {
    b"+-*/<>=~!@#%^&|`?".contains(&b)
}

/// Block comments nest.
fn block_comment(bytes: &[u8]) -> (Kind, usize, Closed) {
    let (mut depth, mut at) = (0_usize, 0);
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return (Kind::Comment, at, Ok(()));
            }
        } else {
            at += 1;
        }
    }
    (Kind::Comment, bytes.len(), Err("comment"))
}

/// From the quote at `from` to its end; a doubled quote is part of it, and so is an escaped one in `E'…'`.
fn quoted(
    bytes: &[u8],
    from: usize,
    quote: u8,
    escapes: bool,
    kind: Kind,
) -> (Kind, usize, Closed) {
    let mut at = from + 1;
    while at < bytes.len() {
        if escapes && bytes[at] == b'\\' {
            at += 2;
        } else if bytes[at] == quote {
            if bytes.get(at + 1) != Some(&quote) {
                return (kind, at + 1, Ok(()));
            }
            at += 2;
        } else {
            at += 1;
        }
    }
    let what = if kind == Kind::Quoted {
        "quoted identifier"
    } else {
        "string"
    };
    (kind, bytes.len(), Err(what))
}

fn dollar_quoted(rest: &str) -> (Kind, usize, Closed) {
    let bytes = rest.as_bytes();
    let tag = bytes[1..]
        .iter()
        .take_while(|&&b| is_word_start(b) || b.is_ascii_digit())
        .count();
    if bytes.get(1 + tag) != Some(&b'$') {
        return (Kind::Stray, 1, Ok(()));
    }
    let delimiter = &rest[..tag + 2];
    match rest[delimiter.len()..].find(delimiter) {
        Some(end) => (Kind::String, end + 2 * delimiter.len(), Ok(())),
        None => (Kind::String, rest.len(), Err("dollar-quoted string")),
    }
}

fn number(bytes: &[u8]) -> usize {
    let digits = |from: usize| {
        let tail = bytes.get(from..).unwrap_or_default();
        from + tail
            .iter()
            .take_while(|b| b.is_ascii_digit() || **b == b'_')
            .count()
    };
    if bytes.len() > 2 && bytes[0] == b'0' && b"xXoObB".contains(&bytes[1]) {
        let hex = bytes[2..]
            .iter()
            .take_while(|b| b.is_ascii_hexdigit() || **b == b'_');
        return 2 + hex.count();
    }
    let mut end = digits(0);
    // `1..2` is a range of two integers.
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1) != Some(&b'.') {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        if bytes.get(end + 1 + sign).is_some_and(u8::is_ascii_digit) {
            end = digits(end + 1 + sign);
        }
    }
    end
}

/// The longest run that holds no comment start; it ends in `+` or `-` only if it has one of the characters that no
/// standard operator has, so that `a=-1` is `=` and `-` (manual, 4.1.3).
fn operator(bytes: &[u8]) -> (Kind, usize, Closed) {
    let mut end = 0;
    while end < bytes.len() && is_operator(bytes[end]) {
        if bytes[end..].starts_with(b"--") || bytes[end..].starts_with(b"/*") {
            break;
        }
        end += 1;
    }
    let special = bytes[..end].iter().any(|b| b"~!@#%^&|`?".contains(b));
    while end > 1 && !special && matches!(bytes[end - 1], b'+' | b'-') {
        end -= 1;
    }
    let kind = if &bytes[..end] == b"=>" {
        Kind::Mark
    } else {
        Kind::Operator
    };
    (kind, end.max(1), Ok(()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(text: &str) -> Vec<String> {
        (lex(text).tokens.iter())
            .filter(|t| t.kind != Kind::Space)
            .map(|t| t.text.to_string())
            .collect()
    }

    #[test]
    fn tokens_are_those_of_postgres() {
        for (text, tokens) in [
            ("a=-1", vec!["a", "=", "-", "1"]),
            ("a @- 1", vec!["a", "@-", "1"]),
            ("x->>'k'::text", vec!["x", "->>", "'k'", "::", "text"]),
            ("1.5e-3+.5", vec!["1.5e-3", "+", ".5"]),
            ("e'it\\'s' 'it''s'", vec!["e'it\\'s'", "'it''s'"]),
            (
                "$1$2 $tag$ $1 ' $tag$ x",
                vec!["$1", "$2", "$tag$ $1 ' $tag$", "x"],
            ),
            (
                "a/* b /* c */ d */-- e\nf",
                vec!["a", "/* b /* c */ d */", "-- e", "f"],
            ),
            (
                "\"a\"\"b\".\"c d\" U&\"x\"",
                vec!["\"a\"\"b\"", ".", "\"c d\"", "U&\"x\""],
            ),
            (
                "größe$1 x[1:2]",
                vec!["größe$1", "x", "[", "1", ":", "2", "]"],
            ),
            ("a*/*x*/b", vec!["a", "*", "/*x*/", "b"]),
            (
                "1..2 f(a=>1, b:=2)",
                vec![
                    "1", "..", "2", "f", "(", "a", "=>", "1", ",", "b", ":=", "2", ")",
                ],
            ),
            ("0x1F", vec!["0x1F"]),
        ] {
            assert_eq!(code(text), tokens, "{text}");
        }
        assert_eq!(lex("a 'b").open, Some((2, "string")));
        assert_eq!(lex("$$ x").open, Some((0, "dollar-quoted string")));
        assert_eq!(lex("a /* /* */").open, Some((2, "comment")));
        assert_eq!(lex("'a' \"b\"").open, None);
    }

    proptest! {
        #[test]
        fn no_byte_is_lost(text in any::<String>()) {
            prop_assert_eq!(join(&lex(&text).tokens), text);
        }

        #[test]
        fn no_byte_of_token_soup_is_lost(text in "[-+/*'\"$a1e.:=<>(\\\\ \n]{0,40}") {
            prop_assert_eq!(join(&lex(&text).tokens), text);
        }
    }
}
