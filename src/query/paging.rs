//! LIMIT and OFFSET parameters put back to what is usual, for planning only.
//!
//! A generic plan takes `LIMIT $1` for a tenth of all rows, and so hides every index that lets a page be read in order. How
//! many rows the statement really returns is known (`rows / calls`), so that number takes the parameter's place.

use std::collections::BTreeMap;

use crate::query::lexer::{Kind, Token, join, lex};
use crate::query::repair::{next_code, parameters};

/// Assumed page when nothing is known.
const UNKNOWN_PAGE: f64 = 10.0;

/// The text with `LIMIT $n`, `FETCH FIRST $n ROWS` and `OFFSET $n` replaced by numbers, and the highest parameter left. The
/// other parameters are renumbered without a hole, because the server cannot tell the type of one that is not there.
/// An OFFSET is taken to be one page.
#[must_use]
pub fn with_usual_page(text: &str, rows_per_call: f64) -> (String, usize) {
    let rows = if rows_per_call > 0.0 {
        rows_per_call.ceil()
    } else {
        UNKNOWN_PAGE
    };
    let mut tokens = lex(text).tokens;
    let mut replaced = false;
    for position in 0..tokens.len() {
        if !begins_page(&tokens, position) {
            continue;
        }
        if let Some(next) = next_code(&tokens, position + 1)
            && tokens[next].kind == Kind::Parameter
            && ends_operand(&tokens, next)
        {
            tokens[next] = Token::new(Kind::Number, tokens[next].start, format!("{rows:.0}"));
            replaced = true;
        }
    }
    if replaced {
        renumber(&mut tokens);
    }
    (join(&tokens), parameters(&tokens))
}

/// Whether the token is LIMIT, OFFSET, or the FIRST/NEXT of FETCH.
fn begins_page(tokens: &[Token<'_>], position: usize) -> bool {
    let token = &tokens[position];
    if token.is_any(&["limit", "offset"]) {
        return true;
    }
    let before = tokens[..position].iter().rev().find(|t| t.is_code());
    token.is_any(&["first", "next"]) && before.is_some_and(|t| t.is_word("fetch"))
}

/// Whether nothing is computed from the parameter (`LIMIT $1 + 1` stays as it is).
fn ends_operand(tokens: &[Token<'_>], position: usize) -> bool {
    next_code(tokens, position + 1).is_none_or(|next| {
        let token = &tokens[next];
        token.kind == Kind::Word || token.is(")") || token.is(";")
    })
}

fn renumber(tokens: &mut [Token<'_>]) {
    let mut numbers: BTreeMap<usize, usize> = tokens
        .iter()
        .filter(|t| t.kind == Kind::Parameter)
        .filter_map(|t| Some((t.text[1..].parse().ok()?, 0)))
        .collect();
    for (new, number) in numbers.values_mut().enumerate() {
        *number = new + 1;
    }
    for token in tokens.iter_mut().filter(|t| t.kind == Kind::Parameter) {
        let number = token.text[1..]
            .parse()
            .ok()
            .and_then(|old: usize| numbers.get(&old));
        if let Some(number) = number {
            *token = Token::new(Kind::Parameter, token.start, format!("${number}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_put_back_and_the_rest_renumbered() {
        for (text, expected, parameters) in [
            (
                "select a from t where b = $1 limit $2",
                "select a from t where b = $1 limit 20",
                1,
            ),
            (
                "select a from t limit $1 offset $2",
                "select a from t limit 20 offset 20",
                0,
            ),
            (
                "select (select x limit $1), b = $2",
                "select (select x limit 20), b = $1",
                1,
            ),
            (
                "select a from t fetch first $1 rows only",
                "select a from t fetch first 20 rows only",
                0,
            ),
            (
                "select a from t where b = $2 limit $1 + 1",
                "select a from t where b = $2 limit $1 + 1",
                2,
            ),
            (
                "select 'limit $1', \"limit\" from t where b = $1",
                "select 'limit $1', \"limit\" from t where b = $1",
                1,
            ),
            (
                "select a from t where b = $3 and c = $3 limit $1",
                "select a from t where b = $1 and c = $1 limit 20",
                1,
            ),
        ] {
            assert_eq!(
                with_usual_page(text, 19.2),
                (expected.to_owned(), parameters),
                "{text}"
            );
        }
    }

    #[test]
    fn an_unknown_page_is_ten_rows() {
        assert_eq!(
            with_usual_page("select a from t limit $1", 0.0).0,
            "select a from t limit 10"
        );
    }
}
