//! Rewrites valid PostgreSQL that sqlparser 0.63 misreads into something with the same Shape that it reads.
//!
//! Only the parser sees this text; the server gets the repaired original. Each rewrite is one entry of the match in
//! [`simplify`] and was found by running the server's regression suite through the parser.

use crate::query::lexer::{Kind, LONGEST_KEY_WORD, Token};
use crate::query::repair::{cast, is_squashed, type_before};

/// A parameter that no statement has: the element that stands for the unknown rest of a squashed list.
pub(crate) const REST: &str = "$0";

/// The code tokens of a repaired statement, rewritten, and whether a locking clause was taken out.
pub(crate) fn simplify<'a>(tokens: &[Token<'a>]) -> (Vec<Token<'a>>, bool) {
    let code: Vec<Token<'a>> = (tokens.iter())
        .filter(|t| t.is_code() || is_squashed(t))
        .cloned()
        .collect();
    let mut rewrite = Rewrite {
        code: &code,
        out: Vec::with_capacity(code.len() + 8),
        locks: false,
    };
    let mut i = 0;
    while i < code.len() {
        i = rewrite.step(i);
    }
    (rewrite.out, rewrite.locks)
}

struct Rewrite<'t, 'a> {
    code: &'t [Token<'a>],
    out: Vec<Token<'a>>,
    locks: bool,
}

impl<'a> Rewrite<'_, 'a> {
    /// Handles what begins at `i`; returns where to go on.
    fn step(&mut self, i: usize) -> usize {
        let code = self.code;
        let token = &code[i];
        match token.kind {
            Kind::Comment => {
                self.insert(i, Kind::Mark, ",");
                self.insert(i, Kind::Parameter, REST);
                i + 1
            }
            Kind::String => match type_before(&self.out) {
                Some(begin) => {
                    let next = cast(code, i, begin, &mut self.out);
                    self.out.retain(Token::is_code);
                    next
                }
                None => self.copy(i),
            },
            Kind::Number if token.text.contains('_') => {
                let plain = token.text.replace('_', "");
                self.out.push(Token::new(Kind::Number, token.start, plain));
                i + 1
            }
            Kind::Quoted if !token.text.starts_with('"') => {
                self.out.push(Token::new(
                    Kind::Quoted,
                    token.start,
                    token.text[2..].to_owned(),
                ));
                i + 1
            }
            Kind::Word => self.word(i),
            _ => self.copy(i),
        }
    }

    fn word(&mut self, i: usize) -> usize {
        let code = self.code;
        match code[i].key_word(&mut [0; LONGEST_KEY_WORD]) {
            // ONLY is reserved: before a name it is always the one of FROM ONLY t; `rows only` ends FETCH FIRST.
            "only"
                if self.at(i + 1, |t| t.is_name() || t.is("("))
                    && !self.before(|t| t.is_any(&["row", "rows"])) =>
            {
                i + 1
            }
            "for" => self.lock(i),
            "on" if self.word_at(i + 1, "conflict") => self.conflict(i),
            "overriding" if self.word_at(i + 2, "value") => i + 3,
            "operator" if self.mark_at(i + 1, "(") => self.operator(i),
            "isnull" if !self.at(i + 1, |t| t.is("(")) => {
                self.insert(i, Kind::Word, "IS");
                self.insert(i, Kind::Word, "NULL");
                i + 1
            }
            "notnull" if !self.at(i + 1, |t| t.is("(")) => {
                self.insert(i, Kind::Word, "IS");
                self.insert(i, Kind::Word, "NOT");
                self.insert(i, Kind::Word, "NULL");
                i + 1
            }
            "symmetric" | "asymmetric" if self.before(|t| t.is_word("between")) => i + 1,
            "distinct" if self.before(|t| t.is_word("by")) => i + 1,
            "exclude" => self.exclude(i),
            "table" if i == 0 => {
                self.insert(i, Kind::Word, "SELECT");
                self.insert(i, Kind::Operator, "*");
                self.insert(i, Kind::Word, "FROM");
                i + 1
            }
            // `ROW(a, b)` is `(a, b)`; it is how EXPLAIN prints all of them.
            "row" if self.mark_at(i + 1, "(") && !self.mark_at(i + 2, ")") => i + 1,
            "using" if self.mark_at(i + 1, "(") => self.using_alias(i),
            _ => self.copy(i),
        }
    }

    fn copy(&mut self, i: usize) -> usize {
        self.out.push(self.code[i].clone());
        i + 1
    }

    fn insert(&mut self, i: usize, kind: Kind, text: &'static str) {
        self.out.push(Token::new(kind, self.code[i].start, text));
    }

    fn at(&self, i: usize, test: impl Fn(&Token<'a>) -> bool) -> bool {
        self.code.get(i).is_some_and(test)
    }

    fn word_at(&self, i: usize, word: &str) -> bool {
        self.at(i, |t| t.is_word(word))
    }

    fn mark_at(&self, i: usize, mark: &str) -> bool {
        self.at(i, |t| t.is(mark))
    }

    fn before(&self, test: impl Fn(&Token<'a>) -> bool) -> bool {
        self.out.last().is_some_and(test)
    }

    /// `FOR [NO KEY] UPDATE | [KEY] SHARE [OF t, …] [NOWAIT | SKIP LOCKED]` changes no access path.
    fn lock(&mut self, i: usize) -> usize {
        let code = self.code;
        let mut end = i + 1;
        if self.word_at(end, "no") {
            end += 1;
        }
        if self.word_at(end, "key") {
            end += 1;
        }
        if !self.at(end, |t| t.is_any(&["update", "share"])) {
            return self.copy(i);
        }
        end += 1;
        if self.word_at(end, "of") {
            end += 1;
            while self.at(end, |t| {
                (t.is_name() || t.is(",") || t.is("."))
                    && !t.is_any(&["nowait", "skip", "for", "limit"])
            }) {
                end += 1;
            }
        }
        if self.word_at(end, "nowait") {
            end += 1;
        } else if self.word_at(end, "skip") && self.word_at(end + 1, "locked") {
            end += 2;
        }
        debug_assert!(end <= code.len());
        self.locks = true;
        end
    }

    /// `ON CONFLICT (expression) WHERE …` without its target unless that is a plain list of columns.
    fn conflict(&mut self, i: usize) -> usize {
        let end = self.close(i + 2);
        let plain = self.code[(i + 3).min(end)..end]
            .iter()
            .all(|t| t.is_name() || t.is(",") || t.is(")"))
            && !self.word_at(end, "where");
        self.copy(i);
        self.copy(i + 1);
        if !self.mark_at(i + 2, "(") || plain {
            return i + 2;
        }
        let mut depth = 0_usize;
        for at in end..self.code.len() {
            let token = &self.code[at];
            match token.text.as_ref() {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                _ if depth == 0 && token.is_word("do") => return at,
                _ => {}
            }
        }
        i + 2
    }

    /// Behind the parenthesis that closes the one at `open`; `open` itself if there is none.
    fn close(&self, open: usize) -> usize {
        if !self.mark_at(open, "(") {
            return open;
        }
        let mut depth = 0_usize;
        for (at, token) in self.code.iter().enumerate().skip(open) {
            if token.is("(") {
                depth += 1;
            } else if token.is(")") {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
        }
        self.code.len()
    }

    /// `OPERATOR(pg_catalog.=)` → `=`.
    fn operator(&mut self, i: usize) -> usize {
        let end = self.close(i + 1);
        let name = self.code[i + 2..end]
            .iter()
            .find(|t| t.kind == Kind::Operator);
        match name {
            Some(name) => {
                self.out.push(name.clone());
                end
            }
            None => self.copy(i),
        }
    }

    /// `EXCLUDE …` of a window frame.
    fn exclude(&mut self, i: usize) -> usize {
        match self.code.get(i + 1) {
            Some(t) if t.is_any(&["group", "ties"]) && self.mark_at(i + 2, ")") => i + 2,
            Some(t) if t.is_any(&["current", "no"]) && self.mark_at(i + 3, ")") => i + 3,
            _ => self.copy(i),
        }
    }

    /// `JOIN … USING (a, b) AS x`: the alias of the merged columns.
    fn using_alias(&mut self, i: usize) -> usize {
        let end = self.close(i + 1);
        let names = self.code[i + 2..end]
            .iter()
            .all(|t| t.is_name() || t.is(",") || t.is(")"));
        for at in i..end {
            self.copy(at);
        }
        if names && self.word_at(end, "as") && self.at(end + 1, Token::is_name) {
            return end + 2;
        }
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::lexer::lex;

    fn parser(text: &str) -> String {
        let (tokens, _) = simplify(&lex(text).tokens);
        let words: Vec<&str> = tokens.iter().map(|t| t.text.as_ref()).collect();
        words.join(" ")
    }

    #[test]
    fn only_what_the_parser_misreads_changes() {
        for (text, simple) in [
            ("select a from only t x", "select a from t x"),
            ("update only \"t\" set a = 1", "update \"t\" set a = 1"),
            (
                "select a fetch first 5 rows only",
                "select a fetch first 5 rows only",
            ),
            (
                "select a from t for no key update of t, s.u skip locked",
                "select a from t",
            ),
            ("select substring(a for 2)", "select substring ( a for 2 )"),
            (
                "insert into t values (1) on conflict (lower(a)) where b do nothing",
                "insert into t values ( 1 ) on conflict do nothing",
            ),
            (
                "on conflict (a, \"b\") do nothing",
                "on conflict ( a , \"b\" ) do nothing",
            ),
            ("overriding system value", ""),
            ("a operator(pg_catalog.=) $1", "a = $1"),
            ("a isnull or b notnull", "a IS NULL or b IS NOT NULL"),
            ("a between symmetric 1 and 2", "a between 1 and 2"),
            (
                "date '2024-01-01' > inet '::1'",
                "'2024-01-01' :: date > '::1' :: inet",
            ),
            ("a in ($1 /*, ... */)", "a in ( $1 , $0 )"),
            ("row(a, b) > ROW (1, 2)", "( a , b ) > ( 1 , 2 )"),
            (
                "fetch first row only, row()",
                "fetch first row only , row ( )",
            ),
            ("table t", "SELECT * FROM t"),
            ("a join b using (id) as x", "a join b using ( id )"),
            ("a -- b\n/* c */ d", "a d"),
            ("1_000", "1000"),
        ] {
            assert_eq!(parser(text), simple, "{text}");
        }
    }
}
