//! A statement as people have it at hand: behind the EXPLAIN that they tried, or with the placeholders of a driver.

use std::collections::BTreeMap;

use crate::query::lexer::{Kind, Token, join, lex};
use crate::query::repair::{next_code, parameters};

/// A statement, and what was changed in it, a sentence each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// The statement itself, its parameters `$1 … $n`.
    pub text: String,
    /// What was changed.
    pub notes: Vec<String>,
}

/// Takes EXPLAIN away, and makes `$n` of `?` and `:name`.
#[must_use]
pub fn given(text: &str) -> Given {
    let mut tokens = lex(text).tokens;
    let mut notes = Vec::new();
    if let Some(begin) = behind_explain(&tokens) {
        let explain = join(&tokens[..begin]);
        tokens.drain(..begin);
        notes.push(format!(
            "{} was left out: the statement is planned, and executed with --analyze only",
            explain.trim()
        ));
    }
    let numbered = number_placeholders(&mut tokens);
    if !numbered.is_empty() {
        notes.push(format!(
            "placeholders without values: {}",
            numbered.join(", ")
        ));
    }
    Given {
        text: join(&tokens),
        notes,
    }
}

/// Where the statement begins that an EXPLAIN is about.
fn behind_explain(tokens: &[Token<'_>]) -> Option<usize> {
    let first = next_code(tokens, 0).filter(|&at| tokens[at].is_word("explain"))?;
    let mut at = next_code(tokens, first + 1)?;
    if tokens[at].is("(") {
        let inner = next_code(tokens, at + 1)?;
        // EXPLAIN (SELECT 1) has no options.
        if tokens[inner].is("(") || tokens[inner].is_any(&["select", "with", "values", "table"]) {
            return Some(at);
        }
        let close = tokens[at..].iter().position(|t| t.is(")"))?;
        return next_code(tokens, at + close + 1);
    }
    while tokens[at].is_any(&["analyze", "analyse", "verbose"]) {
        at = next_code(tokens, at + 1)?;
    }
    Some(at)
}

/// Puts numbers in the place of `?` and `:name`; gives "$1 for :name" of each.
fn number_placeholders(tokens: &mut Vec<Token<'_>>) -> Vec<String> {
    let (mut told, mut names) = (Vec::new(), BTreeMap::new());
    let mut last = parameters(tokens);
    let mut brackets = 0_usize;
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at].is("[") {
            brackets += 1;
        } else if tokens[at].is("]") {
            brackets = brackets.saturating_sub(1);
        }
        let start = tokens[at].start;
        if let Some(operator) = before_question_mark(tokens, at) {
            last += 1;
            let parameter = Token::new(Kind::Parameter, start, format!("${last}"));
            let operator = Token::new(Kind::Operator, start, operator);
            let is_alone = operator.text.is_empty();
            tokens[at] = parameter;
            if !is_alone {
                // A space, because `=$1` would be read again as it is, but `@$1` is no operator and a parameter to everybody.
                tokens.splice(at..at, [operator, Token::new(Kind::Space, start, " ")]);
                at += 2;
            }
            told.push(format!("${last} for ?"));
        } else if brackets == 0
            && tokens[at].is(":")
            && tokens
                .get(at + 1)
                .is_some_and(|t| t.is_name() || t.kind == Kind::String)
        {
            let name = tokens[at + 1].text.to_string();
            let number = *names.entry(name.clone()).or_insert_with(|| {
                last += 1;
                told.push(format!("${last} for :{name}"));
                last
            });
            tokens[at] = Token::new(Kind::Parameter, start, format!("${number}"));
            tokens.remove(at + 1);
        }
        at += 1;
    }
    told
}

/// Words behind which a value begins.
const BEFORE_VALUES: &[&str] = &[
    "all",
    "and",
    "any",
    "between",
    "by",
    "case",
    "distinct",
    "else",
    "escape",
    "fetch",
    "first",
    "having",
    "ilike",
    "in",
    "interval",
    "like",
    "limit",
    "next",
    "not",
    "offset",
    "on",
    "or",
    "returning",
    "select",
    "set",
    "similar",
    "then",
    "to",
    "values",
    "when",
    "where",
];

/// The operator that a `?` is glued to, often none, if the `?` stands where a value does. Where it stands between two values it is the
/// operator of jsonb.
fn before_question_mark(tokens: &[Token<'_>], at: usize) -> Option<String> {
    if tokens[at].kind != Kind::Operator {
        return None;
    }
    let operator = tokens[at].text.strip_suffix('?')?;
    if !operator.is_empty() {
        let known = [
            "=", "<>", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "||",
        ];
        return known.contains(&operator).then(|| operator.to_owned());
    }
    let before = tokens[..at].iter().rev().find(|t| t.is_code());
    let is_behind_value = before.is_some_and(|t| {
        t.is_value()
            || t.is(")")
            || t.is("]")
            || t.kind == Kind::Quoted
            || t.kind == Kind::Word && !t.is_any(BEFORE_VALUES)
    });
    (!is_behind_value).then(String::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explain_is_taken_away() {
        for (text, expected) in [
            ("EXPLAIN ANALYZE select 1", "select 1"),
            (
                "explain (analyze, buffers, format json)\n select 1",
                "select 1",
            ),
            ("-- x\nexplain verbose delete from t", "delete from t"),
            (
                "explain analyse verbose with a as (select 1) table a",
                "with a as (select 1) table a",
            ),
            ("explain (select 1)", "(select 1)"),
        ] {
            let given = given(text);
            assert_eq!(given.text, expected, "{text}");
            assert!(given.notes[0].contains("was left out"), "{text}: {given:?}");
        }
        for text in [
            "select 'explain select 1'",
            "select explain from t",
            "with explain as (select 1) table explain",
        ] {
            assert_eq!(given(text).text, text);
            assert!(given(text).notes.is_empty(), "{text}");
        }
    }

    #[test]
    fn placeholders_of_drivers_become_numbers() {
        for (text, expected) in [
            (
                "select * from t where a = ? and b in (?, ?) limit ?",
                "select * from t where a = $1 and b in ($2, $3) limit $4",
            ),
            (
                "select * from t where a=? and b>=?",
                "select * from t where a= $1 and b>= $2",
            ),
            (
                "select * from t where a = :id or b = :Name and c = :id",
                "select * from t where a = $1 or b = $2 and c = $1",
            ),
            (
                "select * from t where a between ? and ?",
                "select * from t where a between $1 and $2",
            ),
            (
                "insert into t values (?, now(), ?)",
                "insert into t values ($1, now(), $2)",
            ),
            (
                "select * from t where a = $1 and b = ?",
                "select * from t where a = $1 and b = $2",
            ),
        ] {
            assert_eq!(given(text).text, expected, "{text}");
            assert_eq!(given(text).notes.len(), 1, "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_a_placeholder_stays() {
        for text in [
            "select doc ? 'key', \"d\" ? 'key', (a) ? 'k' from t",
            "select doc ?| array['a'], doc @? '$.a' from t",
            "select a::text, b[1:2], c[1:n] from t",
            "select ':name', '?' -- :x ?",
            "select f(a := 1)",
            "select * from t where a = $1",
        ] {
            assert_eq!(given(text).text, text);
            assert!(given(text).notes.is_empty(), "{text}");
        }
    }
}
