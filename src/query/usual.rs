//! The text as it usually runs, for planning only: parameters put back where something is known of them.
//!
//! A generic plan takes `LIMIT $1` for a tenth of all rows, and so hides every index that lets a page be read in order. How
//! many rows the statement really returns is known (`rows / calls`), so that number takes the parameter's place. Other
//! parameters get the values that [`crate::advisor::usual`] finds.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::ident::quote_literal;
use crate::query::lexer::{Kind, Token, join, lex};
use crate::query::repair::{next_code, parameters};

/// Assumed page when nothing is known.
const UNKNOWN_PAGE: f64 = 10.0;

/// The text with `LIMIT $n`, `FETCH FIRST $n ROWS` and `OFFSET $n` replaced by numbers, the parameters in `values` by
/// constants, and the highest parameter left. The other parameters are renumbered without a hole, because the server cannot
/// tell the type of one that is not there. An OFFSET is taken to be one page.
#[must_use]
pub fn usual_text(
    text: &str,
    rows_per_call: f64,
    values: &BTreeMap<usize, String>,
) -> (String, usize) {
    let rows = if rows_per_call > 0.0 {
        rows_per_call.ceil()
    } else {
        UNKNOWN_PAGE
    };
    let mut tokens = lex(text).tokens;
    let mut replaced = false;
    for position in 0..tokens.len() {
        if let Some(value) = number(&tokens[position]).and_then(|n| values.get(&n)) {
            let constant = quote_literal(value);
            tokens[position] = Token::new(Kind::String, tokens[position].start, constant);
            replaced = true;
        }
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

/// The parameters that stand exactly once in the text: only for them does a value at one place say everything.
#[must_use]
pub fn single_parameters(text: &str) -> BTreeSet<usize> {
    let tokens = lex(text).tokens;
    let mut uses: BTreeMap<usize, usize> = BTreeMap::new();
    for number in tokens.iter().filter_map(number) {
        *uses.entry(number).or_insert(0) += 1;
    }
    uses.retain(|_, uses| *uses == 1);
    uses.into_keys().collect()
}

/// The number of a parameter.
pub(crate) fn number(token: &Token<'_>) -> Option<usize> {
    let digits = token.text.strip_prefix('$')?;
    (token.kind == Kind::Parameter)
        .then_some(digits)?
        .parse()
        .ok()
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

/// Gives the parameters the numbers from 1 on, in their order.
pub(crate) fn renumber(tokens: &mut [Token<'_>]) {
    let numbers: BTreeSet<usize> = tokens.iter().filter_map(number).collect();
    let new: BTreeMap<usize, usize> = numbers.into_iter().zip(1..).collect();
    for token in tokens {
        if let Some(new) = number(token).and_then(|old| new.get(&old)) {
            *token = Token::new(Kind::Parameter, token.start, format!("${new}"));
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
                usual_text(text, 19.2, &BTreeMap::new()),
                (expected.to_owned(), parameters),
                "{text}"
            );
        }
    }

    #[test]
    fn an_unknown_page_is_ten_rows() {
        assert_eq!(
            usual_text("select a from t limit $1", 0.0, &BTreeMap::new()).0,
            "select a from t limit 10"
        );
    }

    #[test]
    fn values_take_the_place_of_their_parameters() {
        let values = BTreeMap::from([(1, "o'clock".to_owned()), (3, "2024-01-01".to_owned())]);
        assert_eq!(
            usual_text("select $2 from t where a = $1 and b < $3::date and c = $4 limit $5", 5.0, &values),
            (
                "select $1 from t where a = 'o''clock' and b < '2024-01-01'::date and c = $2 limit 5".to_owned(),
                2
            )
        );
        assert_eq!(
            single_parameters("select $1, '$2', $3 from t where a = $3 -- $1"),
            BTreeSet::from([1])
        );
    }
}
