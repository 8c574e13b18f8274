//! One spelling for an expression over the columns of one table, so that the one in a statement, the one in an index and
//! the one in DDL can be compared as text.

use sqlparser::ast::Expr;

use crate::model::catalog::Table;
use crate::model::ident::quote_ident;
use crate::query::lexer::{Kind, Token, lex};

/// Brings an expression (SQL text, of a statement or as `pg_get_indexdef` prints it) into that spelling: key words and
/// names in lower case, quotes only where needed, no qualifiers but the schemas of functions and types (which they need
/// wherever the search path is another one), no needless parentheses around names and constants, casts as `::` with short type names, and no casts that change nothing (a string constant or a `varchar` column to `text`).
#[must_use]
pub fn canonical(text: &str, table: &Table) -> String {
    let tokens: Vec<Token<'_>> = lex(text)
        .tokens
        .into_iter()
        .filter(Token::is_code)
        .collect();
    let mut words: Vec<String> = Vec::with_capacity(tokens.len());
    let mut i = 0;
    while i < tokens.len() {
        if is_qualifier(&tokens, i) {
            let typed = words.last().is_some_and(|w| w == "::" || w == "as");
            let last = (i..).step_by(2).find(|&at| !is_qualifier(&tokens, at));
            let last = last.unwrap_or(i);
            let called = tokens.get(last + 1).is_some_and(|t| t.is("("));
            if (typed || called) && !tokens[i].is_word("pg_catalog") {
                words.push(spelled(&tokens[i]) + "." + &spelled(&tokens[last]));
                i = last + 1;
            } else {
                i = last;
            }
            continue;
        }
        words.push(spelled(&tokens[i]));
        i += 1;
    }
    short_types(&mut words);
    loop {
        let before = words.len();
        unwrap_atoms(&mut words);
        drop_casts(&mut words, table);
        if words.len() == before {
            break;
        }
    }
    while is_wrapped(&words) {
        words.pop();
        words.remove(0);
    }
    spaced(&words)
}

/// Whether a name and a dot stand before another name.
fn is_qualifier(tokens: &[Token<'_>], at: usize) -> bool {
    tokens[at].is_name()
        && tokens.get(at + 1).is_some_and(|t| t.is("."))
        && tokens.get(at + 2).is_some_and(Token::is_name)
}

fn spelled(token: &Token<'_>) -> String {
    match token.kind {
        Kind::Word => token.text.to_ascii_lowercase(),
        Kind::Quoted => quote_ident(&token.name()).into_owned(),
        _ => token.text.to_string(),
    }
}

/// A canonical text without the schemas of its functions and types: the server prints them only where they are not in the
/// search path, and a statement as it likes, so they say nothing when two expressions are compared.
#[must_use]
pub fn unqualified(canonical: &str) -> String {
    if !canonical.contains('.') {
        return canonical.to_owned();
    }
    let tokens = lex(canonical).tokens;
    let mut text = String::with_capacity(canonical.len());
    let mut i = 0;
    while i < tokens.len() {
        if is_qualifier(&tokens, i) {
            i += 2;
            continue;
        }
        text.push_str(&tokens[i].text);
        i += 1;
    }
    text
}

/// The same for an expression of a statement.
pub(crate) fn canonical_expr(expr: &Expr, table: &Table) -> String {
    canonical(&expr.to_string(), table)
}

/// `character varying` → `varchar` and so on; `cast(x as t)` → `x::t` is only done for atoms.
fn short_types(words: &mut Vec<String>) {
    const SHORT: &[(&[&str], &str)] = &[
        (&["timestamp", "without", "time", "zone"], "timestamp"),
        (&["timestamp", "with", "time", "zone"], "timestamptz"),
        (&["time", "without", "time", "zone"], "time"),
        (&["time", "with", "time", "zone"], "timetz"),
        (&["character", "varying"], "varchar"),
        (&["double", "precision"], "float8"),
        (&["integer"], "int4"),
        (&["int"], "int4"),
        (&["bigint"], "int8"),
        (&["smallint"], "int2"),
        (&["boolean"], "bool"),
        (&["real"], "float4"),
        (&["decimal"], "numeric"),
        (&["character"], "bpchar"),
    ];
    let mut i = 0;
    while i < words.len() {
        let typed = i > 0 && words[i - 1] == "::";
        if typed {
            let short = SHORT.iter().find(|(long, _)| {
                words.len() - i >= long.len() && words[i..].iter().zip(*long).all(|(w, l)| w == l)
            });
            if let Some((long, short)) = short {
                words.splice(i..i + long.len(), [(*short).to_owned()]);
            }
        }
        let cast = words[i] == "cast"
            && words.get(i + 1).is_some_and(|w| w == "(")
            && words.get(i + 3).is_some_and(|w| w == "as");
        if cast && let Some(close) = words[i + 4..].iter().position(|w| w == ")") {
            let mut typed: Vec<String> = words[i + 4..i + 4 + close].to_vec();
            let mut new = vec![words[i + 2].clone(), "::".to_owned()];
            new.append(&mut typed);
            words.splice(i..=i + 4 + close, new);
        }
        i += 1;
    }
}

/// Whether a word is a name or a constant.
fn is_atom(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '\'' | '"' | '$' | '?'))
}

/// `(x)` → `x`, unless the parentheses are those of a call or of a list.
fn unwrap_atoms(words: &mut Vec<String>) {
    let mut i = 0;
    while i + 2 < words.len() {
        let wrapped = words[i] == "(" && is_atom(&words[i + 1]) && words[i + 2] == ")";
        let cast = words[i] == "("
            && i + 4 < words.len()
            && is_atom(&words[i + 1])
            && words[i + 2] == "::"
            && words[i + 4] == ")";
        let call = i > 0 && is_atom(&words[i - 1]);
        if !call && wrapped {
            words.remove(i + 2);
            words.remove(i);
        } else if !call && cast {
            words.remove(i + 4);
            words.remove(i);
        } else {
            i += 1;
        }
    }
}

fn drop_casts(words: &mut Vec<String>, table: &Table) {
    let mut i = 1;
    while i + 1 < words.len() {
        let to = words[i + 1].as_str();
        let modified = words.get(i + 2).is_some_and(|w| w == "(");
        let plain = words[i] == "::" && !modified && matches!(to, "text" | "varchar" | "bpchar");
        let from = &words[i - 1];
        let needless = plain
            && (from.starts_with('\'') || from.starts_with('$') || {
                let column = table.column(from.trim_matches('"'));
                column.is_some_and(|c| is_text_relabel(&c.base_type, to))
            });
        if needless {
            words.drain(i..i + 2);
        } else {
            i += 1;
        }
    }
}

/// Whether a cast between these string types only relabels the value, so that the planner looks through it.
pub(crate) fn is_text_relabel(from: &str, to: &str) -> bool {
    matches!(
        (from, to),
        ("text" | "varchar", "text" | "varchar") | ("bpchar", "bpchar")
    )
}

/// Whether the first parenthesis closes at the end.
fn is_wrapped(words: &[String]) -> bool {
    let mut depth = 0_usize;
    for (i, word) in words.iter().enumerate() {
        match word.as_str() {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return i > 0 && i + 1 == words.len();
        }
    }
    false
}

fn spaced(words: &[String]) -> String {
    let mut text = String::new();
    let mut before = "(";
    for word in words {
        let tight = matches!(before, "(" | "[" | "::" | ".")
            || matches!(word.as_str(), ")" | "]" | "," | "::" | "." | "[")
            || word == "("
                && is_atom(before)
                && !matches!(
                    before,
                    "and" | "or" | "not" | "in" | "when" | "then" | "else"
                );
        if !tight {
            text.push(' ');
        }
        text.push_str(word);
        before = word;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::testing::catalog;

    #[test]
    fn the_server_and_the_application_spell_alike() {
        let s = catalog(
            "create table t (email varchar(80), body text, id int, data jsonb, at timestamp, \"Name\" text);",
        );
        let table = &s.tables[0];
        for (server, application) in [
            ("lower((email)::text)", "LOWER(u.email)"),
            ("lower(body)", "lower( t.body )"),
            ("((data ->> 'key'::text))", "data->>'key'"),
            ("(at)::date", "t.at::DATE"),
            ("(at)::date", "CAST(at AS date)"),
            ("upper(\"Name\")", "upper(t.\"Name\")"),
            ("(id)::text", "id::text"),
            ("((id + 1))", "id + 1"),
            ("COALESCE(body, ''::text)", "coalesce(body, '')"),
            ("(id)::bigint", "id::int8"),
        ] {
            assert_eq!(canonical(server, table), canonical(application, table));
        }
        for (left, right) in [
            ("lower(body)", "lower(email)"),
            ("id::text", "id"),
            ("(id + 1) * 2", "id + 1 * 2"),
        ] {
            assert_ne!(canonical(left, table), canonical(right, table));
        }
        assert_eq!(
            canonical("((data->>'a') || (body))", table),
            "(data ->> 'a') || body"
        );
    }

    #[test]
    fn functions_and_types_keep_their_schema() {
        let s = catalog("create table t (total numeric, mood text);");
        let table = &s.tables[0];
        for (text, expected, compared) in [
            ("shop.net(t.total)", "shop.net(total)", "net(total)"),
            (
                "\"My Shop\".net(public.t.total)",
                "\"My Shop\".net(total)",
                "net(total)",
            ),
            ("pg_catalog.abs(total)", "abs(total)", "abs(total)"),
            ("(mood)::shop.mood", "mood::shop.mood", "mood::mood"),
            ("CAST(mood AS shop.mood)", "mood::shop.mood", "mood::mood"),
            ("total * 1.5", "total * 1.5", "total * 1.5"),
        ] {
            assert_eq!(canonical(text, table), expected);
            assert_eq!(unqualified(expected), compared);
        }
    }
}
