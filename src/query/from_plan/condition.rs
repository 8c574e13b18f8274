//! A condition as EXPLAIN prints it → its conjuncts, each fit to stand in WHERE.

use crate::query::lexer::{Kind, Token, join, lex};

/// The conjuncts of a condition. In them the qualifier `rename.0` becomes `rename.1`, and the result of an `InitPlan`, which is
/// known before the first row, becomes a parameter. What depends on a `SubPlan` is left out: that runs for each row.
pub(super) fn conjuncts(text: &str, rename: Option<(&str, &str)>) -> Vec<String> {
    let Some(mut tokens) = tokens(text) else {
        return Vec::new();
    };
    if let Some((from, to)) = rename {
        for i in 1..tokens.len() {
            if tokens[i].is(".") && tokens[i - 1].is_name() && tokens[i - 1].name() == from {
                let quoted = format!("\"{}\"", to.replace('"', "\"\""));
                tokens[i - 1] = Token::new(Kind::Quoted, tokens[i - 1].start, quoted);
            }
        }
    }
    let mut open = vec![tokens.as_slice()];
    let mut found = Vec::new();
    while let Some(part) = open.pop() {
        let inner = without_parentheses(part);
        match split(inner, "and").as_slice() {
            [] => {}
            [one] if runs_for_each_row(one) => {}
            [one] => found.push(words(one)),
            several => open.extend(several.iter().rev()),
        }
    }
    found
}

/// A sort or group key; `None` if it is nothing that could stand in a list.
pub(super) fn key(text: &str) -> Option<String> {
    let tokens = tokens(text)?;
    (!tokens.is_empty() && !runs_for_each_row(&tokens)).then(|| words(&tokens))
}

/// The code of a text; `None` if it is not whole or could end the place where it is put.
pub(crate) fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let lexed = lex(text);
    let tokens: Vec<Token<'_>> = lexed.tokens.into_iter().filter(Token::is_code).collect();
    let mut depth = 0_usize;
    for token in &tokens {
        match (token.kind, token.text.as_ref()) {
            (Kind::Stray, _) | (Kind::Mark, ";") => return None,
            (Kind::Mark, "(" | "[") => depth += 1,
            (Kind::Mark, ")" | "]") => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    (lexed.open.is_none() && depth == 0).then_some(tokens)
}

/// The text again, `(InitPlan 1).col1` as a parameter. (Before 17 it is printed as `$0`, a parameter already.)
fn words(tokens: &[Token<'_>]) -> String {
    let mut out = Vec::with_capacity(tokens.len() * 2);
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at].is("(") && tokens.get(at + 1).is_some_and(|t| t.text == "InitPlan") {
            out.push(Token::new(Kind::Parameter, tokens[at].start, "$1"));
            // `( InitPlan n ) . coln`
            at += 6;
        } else {
            out.push(tokens[at].clone());
            at += 1;
        }
        out.push(Token::new(Kind::Space, 0, " "));
    }
    out.pop();
    join(&out)
}

fn runs_for_each_row(tokens: &[Token<'_>]) -> bool {
    tokens
        .windows(2)
        .any(|pair| pair[0].text == "SubPlan" && pair[1].kind == Kind::Number)
}

/// Without the parentheses that stand around all of it.
pub(crate) fn without_parentheses<'t, 'a>(mut tokens: &'t [Token<'a>]) -> &'t [Token<'a>] {
    while let [first, inner @ .., _] = tokens
        && first.is("(")
        && closing(tokens) == Some(tokens.len() - 1)
    {
        tokens = inner;
    }
    tokens
}

/// Where the parenthesis closes that opens first.
fn closing(tokens: &[Token<'_>]) -> Option<usize> {
    let mut depth = 0_usize;
    tokens.iter().position(|token| {
        if token.is("(") {
            depth += 1;
        } else if token.is(")") {
            depth = depth.saturating_sub(1);
        }
        depth == 0
    })
}

/// Cuts at each such word (AND, OR) that stands outside of parentheses and CASE.
pub(crate) fn split<'t, 'a>(tokens: &'t [Token<'a>], at: &str) -> Vec<&'t [Token<'a>]> {
    let mut depth = 0_usize;
    let parts = tokens.split(|token| {
        if token.is("(") || token.is("[") || token.is_word("case") {
            depth += 1;
        } else if token.is(")") || token.is("]") || token.is_word("end") {
            depth = depth.saturating_sub(1);
        }
        depth == 0 && token.is_word(at)
    });
    parts.filter(|part| !part.is_empty()).collect()
}
