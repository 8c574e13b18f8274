//! Which texts are the same statement: a 64-bit fingerprint that is equal on every server and in every version of pgperf.
//!
//! It is taken from the tokens, not from the parser's tree, so that it needs no parser and does not change with one.
//! Constants and parameters are alike (`NULL`, `true` and signs included, as `pg_stat_statements` replaces them too), lists
//! and VALUES rows of any length are alike, and so are letter case, white space, comments, needless quotes, `AS`, `INNER`,
//! `OUTER`, `ASC`, and names of output columns that nothing else refers to.

use std::borrow::Cow;

use crate::model::ident::quote_ident;
use crate::query::lexer::{Kind, Token};
use crate::query::repair::{cast, is_unary_after, type_before};

/// Changes whenever equal texts may get another fingerprint than before.
const VERSION: &[u8] = b"pgperf-1";

/// The fingerprint of a repaired statement.
pub(crate) fn fingerprint(tokens: &[Token<'_>]) -> u64 {
    let mut hash = Fnv::new();
    hash.write(VERSION);
    for item in normalize(tokens) {
        hash.write(&[0x1f]);
        hash.write(item.as_bytes());
    }
    hash.finish()
}

/// The hash of some words, which is the same everywhere and for ever.
#[must_use]
pub(crate) fn of_words<'a>(words: impl IntoIterator<Item = &'a str>) -> u64 {
    let mut hash = Fnv::new();
    for word in words {
        hash.write(&[0x1f]);
        hash.write(word.as_bytes());
    }
    hash.finish()
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo), with the finalizer of `MurmurHash3` so that every bit of the result depends on all.
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(self) -> u64 {
        let mut h = self.0;
        h = (h ^ (h >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        h = (h ^ (h >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        h ^ (h >> 33)
    }
}

/// The words that are hashed.
pub(crate) fn normalize<'a>(tokens: &[Token<'a>]) -> Vec<Cow<'a, str>> {
    let code = casts(tokens);
    let mut out = Normal {
        code: &code,
        out: Vec::with_capacity(code.len()),
        groups: vec![Group::default()],
    };
    let mut i = 0;
    while i < code.len() {
        i = out.step(i);
    }
    out.out
}

/// Code tokens, with `date '…'` as a cast, which is what repair makes of `date $1`.
fn casts<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    let code: Vec<Token<'a>> = tokens.iter().filter(|t| t.is_code()).cloned().collect();
    let mut out = Vec::with_capacity(code.len());
    let mut i = 0;
    while i < code.len() {
        if let Some(begin) = type_before(&out).filter(|_| code[i].kind == Kind::String) {
            i = cast(&code, i, begin, &mut out);
            out.retain(Token::is_code);
        } else {
            out.push(code[i].clone());
            i += 1;
        }
    }
    out
}

/// A name without its quotes.
fn bare<'t>(token: &'t Token<'_>) -> &'t str {
    token.text.trim_matches('"')
}

/// A name in its shortest right spelling.
fn word<'a>(token: &Token<'a>) -> Cow<'a, str> {
    if token.kind == Kind::Quoted {
        let bare = bare(token);
        return match (&token.text, quote_ident(bare)) {
            (Cow::Borrowed(text), Cow::Borrowed(_)) if text.len() == bare.len() + 2 => {
                Cow::Borrowed(&text[1..=bare.len()])
            }
            (text, _) => text.clone(),
        };
    }
    if token.text.bytes().any(|b| b.is_ascii_uppercase()) {
        return Cow::Owned(token.text.to_ascii_lowercase());
    }
    token.text.clone()
}

/// What is open: a parenthesis, a bracket, or the statement.
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says independently what is being listed"
)]
struct Group {
    /// Position of its first word in the output.
    begin: usize,
    /// Whether equal neighbours in its list count once (IN, ARRAY).
    list: bool,
    /// Begin of the element being written.
    element: usize,
    /// The element before it, if there is one.
    last: Option<(usize, usize)>,
    /// Rows of VALUES are being listed in it.
    rows: bool,
    /// Its output columns are being listed.
    outputs: bool,
    /// Numbers are positions of output columns (GROUP BY, ORDER BY).
    positions: bool,
}

struct Normal<'t, 'a> {
    code: &'t [Token<'a>],
    out: Vec<Cow<'a, str>>,
    groups: Vec<Group>,
}

impl<'a> Normal<'_, 'a> {
    /// Handles what begins at `i`; returns where to go on.
    fn step(&mut self, i: usize) -> usize {
        let token = &self.code[i];
        match token.kind {
            Kind::Word => return self.word(i),
            Kind::Quoted => {
                if !self.is_alias(i) {
                    self.out.push(word(token));
                }
            }
            Kind::Number if self.is_position(i) => self.out.push(token.text.clone()),
            _ if token.is_value() => self.out.push("?".into()),
            Kind::Operator if token.text == "!=" => self.out.push("<>".into()),
            Kind::Operator
                if matches!(token.text.as_ref(), "-" | "+")
                    && self.kind(i + 1) == Some(Kind::Number)
                    && is_unary_after(i.checked_sub(1).map(|b| &self.code[b])) => {}
            Kind::Mark => self.mark(token),
            _ => self.out.push(token.text.clone()),
        }
        i + 1
    }

    fn kind(&self, i: usize) -> Option<Kind> {
        self.code.get(i).map(|t| t.kind)
    }

    fn word_at(&self, i: usize, word: &str) -> bool {
        self.code.get(i).is_some_and(|t| t.is_word(word))
    }

    fn mark_at(&self, i: usize, mark: &str) -> bool {
        self.code.get(i).is_some_and(|t| t.is(mark))
    }

    /// Whether the word at `i` is an operand of IS.
    fn tested(&self, i: usize) -> bool {
        let before = |n: usize| i.checked_sub(n).is_some_and(|b| self.word_at(b, "is"));
        before(1) || before(2) && self.word_at(i - 1, "not")
    }

    fn word(&mut self, i: usize) -> usize {
        let text = word(&self.code[i]);
        let depth = self.groups.len() - 1;
        match text.as_ref() {
            "as" if self.is_alias(i + 1) => return i + 2,
            "as" | "inner" | "outer" | "asc" => return i + 1,
            "null" | "true" | "false" if !self.tested(i) => {
                self.out.push("?".into());
                return i + 1;
            }
            "all" if i > 0 && self.word_at(i - 1, "limit") => {
                self.out.push("?".into());
                return i + 1;
            }
            "extract"
                if self.mark_at(i + 1, "(")
                    && (self.kind(i + 2) == Some(Kind::Word)
                        || self.kind(i + 2) == Some(Kind::String))
                    && self.word_at(i + 3, "from") =>
            {
                self.out.push("date_part".into());
                self.mark(&self.code[i + 1]);
                self.out.push("?".into());
                self.out.push(",".into());
                return i + 4;
            }
            "cast" => {
                if let Some(next) = self.cast(i) {
                    return next;
                }
            }
            "select" | "returning" => {
                self.groups[depth].outputs = true;
                self.groups[depth].rows = false;
                self.groups[depth].positions = false;
            }
            "values" => {
                self.groups[depth].rows = true;
                self.groups[depth].last = None;
            }
            "by" => self.groups[depth].positions = true,
            "from"
                if i > 0
                    && self.word_at(i - 1, "distinct")
                    && !self.word_at(i.saturating_sub(2), "select") => {}
            "from" | "where" | "union" | "except" | "intersect" | "order" | "group" | "having"
            | "limit" | "offset" | "fetch" | "for" | "window" | "on" => {
                self.groups[depth].outputs = false;
                self.groups[depth].rows = false;
                self.groups[depth].positions = false;
            }
            _ if self.is_alias(i) => return i + 1,
            _ => {}
        }
        self.out.push(text);
        i + 1
    }

    /// `cast(? as type)` → `? :: type`.
    fn cast(&mut self, i: usize) -> Option<usize> {
        let fits = self.mark_at(i + 1, "(")
            && self.code.get(i + 2).is_some_and(Token::is_value)
            && self.word_at(i + 3, "as");
        let mut depth = 1_usize;
        let end = (i + 4..self.code.len()).find(|&at| {
            match self.code[at].text.as_ref() {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        let end = end.filter(|_| fits)?;
        self.out.push("?".into());
        self.out.push("::".into());
        for at in i + 4..end {
            let token = &self.code[at];
            self.out.push(match token.kind {
                Kind::Number => "?".into(),
                _ => word(token),
            });
        }
        Some(end + 1)
    }

    /// Whether the name at `i` is an alias of an output column that nothing else refers to.
    fn is_alias(&self, i: usize) -> bool {
        let Some(token) = self.code.get(i).filter(|t| t.is_name()) else {
            return false;
        };
        let ends = self.code.get(i + 1).is_none_or(|t| {
            t.is(",")
                || t.is(")")
                || t.is_any(&["from", "where", "union", "order", "limit", "group", "into"])
        });
        let outputs = self.groups.last().is_some_and(|g| g.outputs);
        let behind = i.checked_sub(1).is_some_and(|b| {
            let before = &self.code[b];
            before.is_word("as") || !is_unary_after(Some(before)) && !before.is(".")
        });
        ends && outputs && behind && self.is_unique(token)
    }

    /// Whether nothing else has that name, in any case and with or without quotes.
    fn is_unique(&self, token: &Token<'a>) -> bool {
        let name = bare(token);
        let mut same =
            (self.code.iter()).filter(|t| t.is_name() && bare(t).eq_ignore_ascii_case(name));
        same.nth(1).is_none()
    }

    /// Whether the number at `i` is a whole item of ORDER BY or GROUP BY.
    fn is_position(&self, i: usize) -> bool {
        let positions = self.groups.last().is_some_and(|g| g.positions);
        let begins = i
            .checked_sub(1)
            .is_some_and(|b| self.word_at(b, "by") || self.mark_at(b, ","));
        let ends = self
            .code
            .get(i + 1)
            .is_none_or(|t| t.is(",") || t.is(")") || t.kind == Kind::Word);
        positions && begins && ends
    }

    fn mark(&mut self, token: &Token<'a>) {
        let text = token.text.clone();
        match text.as_ref() {
            "(" | "[" => {
                let list =
                    (self.out.last()).is_some_and(|w| w == "in" || text == "[" && w == "array");
                let row = self.groups.last().is_some_and(|g| g.rows);
                if row && let Some(group) = self.groups.last_mut() {
                    group.element = self.out.len();
                }
                self.out.push(text);
                let begin = self.out.len();
                self.groups.push(Group {
                    begin,
                    list,
                    element: begin,
                    ..Group::default()
                });
            }
            ")" | "]" => {
                if let Some(group) = self.groups.last()
                    && group.list
                {
                    self.element_ends();
                }
                if self.groups.len() > 1 {
                    self.groups.pop();
                }
                self.out.push(text);
                if self.groups.last().is_some_and(|g| g.rows) {
                    self.element_ends();
                }
            }
            "," => {
                if let Some(group) = self.groups.last()
                    && group.list
                {
                    self.element_ends();
                }
                self.out.push(text);
                let end = self.out.len();
                if let Some(group) = self.groups.last_mut() {
                    group.element = end;
                }
            }
            _ => self.out.push(text),
        }
    }

    /// Drops the element just written if the one before it is equal.
    fn element_ends(&mut self) {
        let end = self.out.len();
        let Some(group) = self.groups.last_mut() else {
            return;
        };
        let begin = group.element.max(group.begin).min(end);
        match group.last {
            Some((b, e)) if e < begin && self.out[b..e] == self.out[begin..end] => {
                self.out.truncate(e);
            }
            _ => group.last = Some((begin, end)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::query::lexer::lex;
    use crate::query::repair::{repair, trim};

    fn normal(text: &str) -> String {
        normalize(&repair(trim(&lex(text).tokens))).join(" ")
    }

    fn print(text: &str) -> u64 {
        fingerprint(&repair(trim(&lex(text).tokens)))
    }

    #[test]
    fn the_same_statement_has_one_fingerprint() {
        for (left, right) in [
            (
                "SELECT a FROM T  WHERE b = 5",
                "select a from t where b = $1",
            ),
            (
                "select \"a\" from \"t\" -- x\n where b = 'x';",
                "/* y */ select a from t where b = $1",
            ),
            (
                "select a from t where b in (1, 2, 3)",
                "select a from t where b in ($1 /*, ... */)",
            ),
            (
                "select a from t where (b, c) in ((1, 2), (3, 4))",
                "select a from t where (b, c) in (($1, $2))",
            ),
            (
                "select a from t where b = any(array[1,2])",
                "select a from t where b = any(array[$1,$2,$3])",
            ),
            (
                "insert into t (a, b) values (1, 'x'), (2, 'y')",
                "insert into t (a, b) values ($1, $2)",
            ),
            (
                "select a as x, count(*) AS n from t",
                "select a, count(*) from t",
            ),
            ("select a x from t", "select a from t"),
            (
                "select a from t as x inner join u on true",
                "select a from t x join u on $1",
            ),
            (
                "select a from t where b = -1",
                "select a from t where b = $1",
            ),
            (
                "select a from t where b > date '2024-01-01'",
                "select a from t where b > date $1",
            ),
            (
                "select a from t where b > interval '1' day",
                "select a from t where b > interval $1 day",
            ),
            (
                "select extract(epoch from a) from t",
                "select extract($1 from a) from t",
            ),
            (
                "select cast('5' as varchar(10)) from t",
                "select $1::varchar(10) from t",
            ),
            (
                "select a from t where b = null limit all",
                "select a from t where b = $1 limit $2",
            ),
            (
                "select a from t order by a asc",
                "select a from t order by a",
            ),
            (
                "select a from t left outer join u using (a)",
                "select a from t left join u using (a)",
            ),
            (
                "select a from t where b != true",
                "select a from t where b <> $1",
            ),
            (
                "prepare p as select a from t where b = $1",
                "select a from t where b = 7",
            ),
        ] {
            assert_eq!(normal(left), normal(right), "{left}");
            assert_eq!(print(left), print(right), "{left}");
        }
    }

    #[test]
    fn different_statements_differ() {
        for (left, right) in [
            ("select a from t", "select b from t"),
            ("select a from t where b = 1", "select a from t where b > 1"),
            ("select a from t", "select a from \"T\""),
            (
                "select a from t where b - 1 = 2",
                "select a from t where b = 2",
            ),
            (
                "select a from t where b is null",
                "select a from t where b is not null",
            ),
            (
                "select a from t where b is null",
                "select a from t where b = null",
            ),
            (
                "select a, b from t order by 1",
                "select a, b from t order by 2",
            ),
            (
                "select a as x, b as y from t order by x",
                "select a as y, b as x from t order by x",
            ),
            ("select a from t limit 1", "select a from t"),
            ("select a from t for update", "select a from t"),
            (
                "select a from t order by a desc",
                "select a from t order by a",
            ),
            ("select f(1, 2)", "select f(1)"),
            ("select a from only t", "select a from t"),
            (
                "select a from t where b in (1, c)",
                "select a from t where b in (1)",
            ),
        ] {
            assert_ne!(print(left), print(right), "{left} | {right}");
        }
    }

    #[test]
    fn the_value_never_changes() {
        assert_eq!(
            print("select a from t where b = $1"),
            print("select a from t where b = 1")
        );
        assert_eq!(
            format!("{:016x}", print("select a from t where b = $1")),
            "47ca8ce3358d606c"
        );
    }

    proptest! {
        #[test]
        fn white_space_case_and_literals_do_not_matter(
            number in 0_u32..1_000_000, text in "[a-z ]{0,12}", spaces in 1_usize..4, upper in any::<bool>(), rows in 1_usize..5,
        ) {
            let list = vec![number.to_string(); rows].join(" , ");
            let gap = " ".repeat(spaces);
            let mut sql = format!(
                "select a, lower(b){gap}from t where a ={gap}{number} and b in ({list}) or c like"
            );
            if upper {
                sql = sql.to_uppercase();
            }
            let sql = format!("{sql} '{text}'");
            prop_assert_eq!(
                print(&sql),
                print("select a,lower(b) from t where a=$1 and b in ($2,$3) or c like $4")
            );
        }

        #[test]
        fn token_soup_has_a_fingerprint(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "select", "from", "(", ")", "[", "]", ",", "in", "values", "as", "x", "'a'", "1", "-", "cast", "extract",
                    "array", "by", "order", "is", "not", "null", "limit", "all", "date", ".", "::", "/*, ... */",
                ]),
                0..40,
            )
        ) {
            let text = parts.join(" ");
            prop_assert_eq!(print(&text), print(&text.to_uppercase().replace("'A'", "'b'")));
        }
    }
}
