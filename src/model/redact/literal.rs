//! A scanner that finds the literals of a PostgreSQL text without understanding it: strings of every notation, numbers,
//! comments. It follows the lexical rules of the server's `scan.l`, works on cut-off texts too, and never fails.

/// How literals are written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Literals {
    /// `standard_conforming_strings` is off: a backslash escapes in plain strings too.
    pub backslashes: bool,
}

/// Types whose parentheses hold a length or precision, which is no data.
const SIZED: &[&str] = &[
    "bit",
    "bpchar",
    "char",
    "character",
    "dec",
    "decimal",
    "float",
    "interval",
    "nchar",
    "numeric",
    "second",
    "time",
    "timestamp",
    "timestamptz",
    "timetz",
    "varbit",
    "varchar",
    "varying",
];

/// Words after which a list of ORDER BY or GROUP BY is over.
const AFTER_BY: &[&str] = &[
    "except",
    "fetch",
    "for",
    "from",
    "having",
    "intersect",
    "limit",
    "offset",
    "range",
    "rows",
    "select",
    "union",
    "values",
    "where",
    "window",
];

/// The text with parameters instead of its literals, for the usual notation of strings; see [`Literals::to_parameters`].
#[must_use]
pub fn without_literals(text: &str) -> String {
    Literals::default().to_parameters(text)
}

impl Literals {
    /// Each literal becomes the next parameter after those that the text has, as in `pg_stat_statements`; comments go.
    #[must_use]
    pub fn to_parameters(self, text: &str) -> String {
        let mut last = highest_parameter(text);
        self.replaced(text, |out| {
            last += 1;
            out.push('$');
            out.push_str(&last.to_string());
        })
    }

    /// The text with what `put` writes instead of each literal, and without comments.
    pub(super) fn replaced(self, text: &str, put: impl FnMut(&mut String)) -> String {
        let mut scan = Scan {
            rest: text,
            out: String::with_capacity(text.len()),
            put,
            backslashes: self.backslashes,
            depth: 0,
            by: None,
            before: Before::Nothing,
        };
        while !scan.rest.is_empty() {
            scan.token();
        }
        scan.out
    }
}

/// The highest `$n` anywhere in the text; those inside of strings do no harm.
fn highest_parameter(text: &str) -> u64 {
    text.split('$')
        .skip(1)
        .filter_map(|after| {
            let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            after[..digits].parse().ok()
        })
        .filter(|&n: &u64| n <= 65_535)
        .max()
        .unwrap_or(0)
}

/// The last token that was not space.
#[derive(PartialEq)]
enum Before {
    Nothing,
    Comma,
    Word(String),
    Literal,
    Other,
}

struct Scan<'a, F> {
    rest: &'a str,
    out: String,
    put: F,
    backslashes: bool,
    /// Open parentheses and brackets.
    depth: usize,
    /// Depth of the list of ORDER BY or GROUP BY that we are in: a bare integer of one or two digits there is a column's
    /// position.
    by: Option<usize>,
    before: Before,
}

impl<F: FnMut(&mut String)> Scan<'_, F> {
    fn token(&mut self) {
        let mut chars = self.rest.chars();
        let (first, second) = (chars.next().unwrap_or(' '), chars.next());
        match (first, second) {
            ('-', Some('-')) => {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                self.skip(end);
            }
            ('/', Some('*')) => self.comment(),
            ('\'', _) => self.string(0, self.backslashes),
            ('"', _) => {
                let end = closing(self.rest, 1, '"', false);
                self.copy(end);
                self.before = Before::Other;
            }
            ('$', Some(c)) if c == '$' || is_word_start(c) => self.dollar_string(),
            ('$', _) => {
                let end = 1 + digits(&self.rest[1..]);
                self.copy(end);
                self.before = Before::Other;
            }
            ('0'..='9', _) | ('.', Some('0'..='9')) => self.number(),
            (c, _) if is_word_start(c) => self.word(),
            (c, _) => {
                self.copy(c.len_utf8());
                self.symbol(c);
            }
        }
    }

    fn symbol(&mut self, c: char) {
        match c {
            c if c.is_whitespace() => return,
            '(' | '[' => {
                self.depth += 1;
                if let Before::Word(word) = &self.before
                    && SIZED.contains(&word.as_str())
                    && let Some(end) = size(self.rest)
                {
                    self.copy(end);
                }
            }
            ')' | ']' => {
                if self.by == Some(self.depth) {
                    self.by = None;
                }
                self.depth = self.depth.saturating_sub(1);
            }
            ';' => self.by = None,
            _ => {}
        }
        self.before = if c == ',' {
            Before::Comma
        } else {
            Before::Other
        };
    }

    fn word(&mut self) {
        let end = word(self.rest);
        let lower = self.rest[..end].to_ascii_lowercase();
        let after = &self.rest[end..];
        if after.starts_with('\'') && matches!(lower.as_str(), "e" | "b" | "x" | "n") {
            return self.string(end, self.backslashes || lower == "e");
        }
        if after.starts_with("&'") && lower == "u" {
            return self.string(end + 1, self.backslashes);
        }
        self.copy(end);
        let preceded = |by: &str| matches!(&self.before, Before::Word(word) if word == by);
        if lower == "by" && (preceded("order") || preceded("group")) {
            self.by = Some(self.depth);
        } else if AFTER_BY.contains(&lower.as_str()) && self.by == Some(self.depth) {
            self.by = None;
        }
        self.before = Before::Word(lower);
    }

    fn comment(&mut self) {
        // So writes PostgreSQL 18 that a list had more elements: no comment of anybody's.
        const MORE: &str = "/*, ... */";
        if self.rest.starts_with(MORE) {
            return self.copy(MORE.len());
        }
        let mut depth = 0;
        let mut end = 0;
        let bytes = self.rest.as_bytes();
        while end < bytes.len() {
            match bytes.get(end..end + 2) {
                Some(b"/*") => {
                    depth += 1;
                    end += 2;
                }
                Some(b"*/") => {
                    depth -= 1;
                    end += 2;
                    if depth == 0 {
                        break;
                    }
                }
                _ => end += 1,
            }
        }
        self.skip(end.min(bytes.len()));
        self.out.push(' ');
    }

    /// A string that begins with a quote at `start`, and those that continue it after a line break.
    fn string(&mut self, start: usize, backslashes: bool) {
        let mut end = closing(self.rest, start + 1, '\'', backslashes);
        loop {
            let after = &self.rest[end..];
            let space = after.len() - after.trim_start().len();
            if !(after[..space].contains(['\n', '\r']) && after[space..].starts_with('\'')) {
                break;
            }
            end = closing(self.rest, end + space + 1, '\'', backslashes);
        }
        self.literal(end);
    }

    fn dollar_string(&mut self) {
        let tag = 1 + word_without_dollar(&self.rest[1..]);
        if !self.rest[tag..].starts_with('$') {
            // A lone dollar sign, which is no SQL.
            self.copy(1);
            self.before = Before::Other;
            return;
        }
        let tag = &self.rest[..=tag];
        let body = &self.rest[tag.len()..];
        let end = body
            .find(tag)
            .map_or(self.rest.len(), |at| tag.len() + at + tag.len());
        self.literal(end);
    }

    fn number(&mut self) {
        let end = number(self.rest);
        let is_position = self.by == Some(self.depth)
            && end <= 2
            && self.rest[..end].bytes().all(|b| b.is_ascii_digit())
            && match &self.before {
                Before::Comma => true,
                Before::Word(word) => word == "by",
                _ => false,
            };
        if is_position {
            self.copy(end);
            self.before = Before::Other;
        } else {
            self.literal(end);
        }
    }

    fn literal(&mut self, end: usize) {
        // Two literals in a row are no SQL, but must not run into each other or into a word.
        if self
            .out
            .ends_with(|c: char| is_word_start(c) || c.is_ascii_digit())
        {
            self.out.push(' ');
        }
        (self.put)(&mut self.out);
        self.skip(end);
        if self
            .rest
            .starts_with(|c: char| is_word_start(c) || c.is_ascii_digit())
        {
            self.out.push(' ');
        }
        self.before = Before::Literal;
    }

    fn copy(&mut self, end: usize) {
        self.out.push_str(&self.rest[..end]);
        self.skip(end);
    }

    fn skip(&mut self, end: usize) {
        self.rest = &self.rest[end..];
    }
}

/// Byte after the quote that closes what was opened before `from`; the length if none does. A doubled quote stays inside.
fn closing(text: &str, from: usize, quote: char, backslashes: bool) -> usize {
    let mut chars = text[from..].char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' && backslashes {
            chars.next();
        } else if c == quote && chars.next_if(|&(_, next)| next == quote).is_none() {
            return from + at + c.len_utf8();
        }
    }
    text.len()
}

fn is_word_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii() && !c.is_whitespace()
}

/// Length of the word at the beginning.
fn word(text: &str) -> usize {
    let ends = |c: char| !(is_word_start(c) || c.is_ascii_digit() || c == '$');
    text.find(ends).unwrap_or(text.len())
}

fn word_without_dollar(text: &str) -> usize {
    word(text).min(text.find('$').unwrap_or(text.len()))
}

fn digits(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len())
}

/// Length of the number at the beginning: decimal, with fraction or exponent, `0x1F`, `1_000`; with whatever letters follow.
fn number(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut end = 0;
    while let Some(&b) = bytes.get(end) {
        let exponent = end > 0 && matches!(bytes[end - 1], b'e' | b'E');
        let goes_on = match b {
            b'.' => bytes.get(end + 1) != Some(&b'.'),
            b'+' | b'-' => exponent && bytes.get(end + 1).is_some_and(u8::is_ascii_digit),
            b => b.is_ascii_alphanumeric() || b == b'_',
        };
        if !goes_on {
            break;
        }
        end += 1;
    }
    end
}

/// Length of `10, 2)`, the rest of a type's size.
fn size(text: &str) -> Option<usize> {
    let end = text.find(')')?;
    text[..end]
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b',' | b' '))
        .then_some(end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(without_literals(text), expected, "{text}");
    }

    #[test]
    fn every_notation_of_a_literal_goes() {
        check("select 'a', 'it''s', ''", "select $1, $2, $3");
        check(r"select E'it\'s', e'x'", "select $1, $2");
        check("select $$a'b$$, $t$x $$ y$t$", "select $1, $2");
        check(
            "select B'101', X'1F', N'n', U&'d\\0061'",
            "select $1, $2, $3, $4",
        );
        check(
            "select 1, 1.5, .5, 1e-10, 0x1F, 1_000, -7",
            "select $1, $2, $3, $4, $5, $6, -$7",
        );
        check("select 'a'\n  'b', c", "select $1, c");
        check("select 'cut off", "select $1");
        check("select $tag$cut off", "select $1");
        check("do $$begin perform 1; end$$", "do $1");
    }

    #[test]
    fn names_parameters_and_sizes_stay() {
        check(
            "select t1.a2$3, \"x 'y' 4\" from \"t\"\"5\"",
            "select t1.a2$3, \"x 'y' 4\" from \"t\"\"5\"",
        );
        check(
            "where a = $2 and b = 'x' or c = $1",
            "where a = $2 and b = $3 or c = $1",
        );
        check(
            "a::numeric(10, 2), b::character varying(40), f(10, 2)",
            "a::numeric(10, 2), b::character varying(40), f($1, $2)",
        );
        check("x = any ($1 /*, ... */)", "x = any ($1 /*, ... */)");
        check("größe > 5 and größe2 < 6", "größe > $1 and größe2 < $2");
        check("select E from t where e='x'", "select E from t where e=$1");
    }

    #[test]
    fn positions_in_order_by_and_group_by_stay() {
        check(
            "select a, 5 from t group by 1, 2 having max(b) > 3 order by 2 desc, f(4), 1 limit 10",
            "select a, $1 from t group by 1, 2 having max(b) > $2 order by 2 desc, f($3), 1 limit $4",
        );
        check(
            "(select a from t order by 1), 2 union select 3, 4",
            "(select a from t order by 1), $1 union select $2, $3",
        );
        check(
            "select a order by a union select 8, 9",
            "select a order by a union select $1, $2",
        );
    }

    #[test]
    fn comments_go() {
        check(
            "select /* a /* 'b' */ c */ 1 -- x 'y'\n, a",
            "select   $1 \n, a",
        );
        check("/* cut off", " ");
    }

    #[test]
    fn backslashes_escape_where_the_server_says_so() {
        let literals = Literals { backslashes: true };
        assert_eq!(
            literals.to_parameters(r"select 'it\'s secret', a"),
            "select $1, a"
        );
        check(r"select 'C:\', a", "select $1, a");
    }

    /// A text in which every literal holds `secret`, or is a number with 777 in it.
    fn texts() -> impl Strategy<Value = String> {
        let literal = prop_oneof![
            "[ a-z,()\"$-]{0,5}".prop_map(|s| format!("'{s}''secret{s}'")),
            Just(r"E'\'secret\\'".to_owned()),
            "[a-z]{0,3}".prop_map(|tag| format!("${tag}$ 'secret $ ${tag}$")),
            "[0-9]{0,4}".prop_map(|s| format!("{s}777{s}")),
            Just("1.777e-777".to_owned()),
            Just("U&'secret'".to_owned()),
            Just("'a'\n'secret'".to_owned()),
            "[ a-z']{0,4}".prop_map(|s| format!("/* {s} secret /* */ 777 */")),
            "[ a-z']{0,4}".prop_map(|s| format!("-- {s} secret 777\n")),
        ];
        let other = prop_oneof![
            "[a-z][a-z0-6_$]{0,5}".prop_map(|s| s),
            "\"[a-z '0-6]{1,5}\"".prop_map(|s| s),
            "[$][1-6]",
            Just("numeric(10, 2)".to_owned()),
            Just("order by".to_owned()),
            "[-+*/<>=(),;.|:\\[\\]]",
            Just("größe".to_owned()),
        ];
        proptest::collection::vec(prop_oneof![literal, other], 0..20)
            .prop_map(|parts| parts.join(" "))
    }

    proptest! {
        #[test]
        fn no_literal_survives(text in texts()) {
            let redacted = without_literals(&text);
            prop_assert!(!redacted.contains("secret"), "{redacted}");
            prop_assert!(!redacted.contains("777"), "{redacted}");
            prop_assert_eq!(without_literals(&redacted), redacted.clone());
        }

        #[test]
        fn any_text_is_scanned_to_its_end(text in any::<String>()) {
            let _ = without_literals(&text);
            let _ = Literals { backslashes: true }.to_parameters(&text);
        }
    }
}
