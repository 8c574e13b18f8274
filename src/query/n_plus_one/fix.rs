//! The statement that does for all rows at once what was done for each.

use std::fmt::Write as _;

use crate::model::catalog::Table;
use crate::model::ident::quote_ident;
use crate::model::snapshot::Snapshot;
use crate::query::lexer::{Kind as TokenKind, Token, join, lex};
use crate::query::n_plus_one::access::{Access, What};
use crate::query::n_plus_one::link::Link;
use crate::query::n_plus_one::{Fix, Kind, Orm};
use crate::query::usual::renumber;

/// The fix of a child; with the catalog, arrays get their types.
pub(super) fn fix(
    text: &str,
    access: &Access,
    kind: Kind,
    known: Option<(&Snapshot, &Table)>,
    link: Option<&Link>,
) -> Fix {
    let table = known.map(|(_, table)| table);
    let column = link
        .map(|l| &l.child_column)
        .or_else(|| key(&access.equals));
    let sql = match kind {
        Kind::Insert => insert(text, access, table),
        Kind::Update => update(access, column, table),
        _ => column.and_then(|column| select(text, access, kind, column, table)),
    };
    // What was taken off the end took parameters with it, and the server cannot tell the type of one that is not there.
    let sql = sql.map(|sql| {
        let mut tokens = lex(&sql).tokens;
        renumber(&mut tokens);
        join(&tokens)
    });
    let orm = Orm::of(text, &access.table);
    Fix {
        sql,
        join: (known.zip(link))
            .and_then(|((snapshot, table), link)| joined(snapshot, table, link, kind)),
        orm,
        hint: orm.map(|orm| orm.hint(kind).to_owned()),
    }
}

/// The column that differs from row to row, if only names can tell: a tenant's is the same for all.
fn key(columns: &[String]) -> Option<&String> {
    match columns {
        [one] => Some(one),
        _ => columns.iter().find(|c| *c == "id"),
    }
}

/// What joins the child's table to the parent's.
fn joined(snapshot: &Snapshot, child: &Table, link: &Link, kind: Kind) -> Option<String> {
    let parent = snapshot.table(link.parent)?;
    let (child_name, parent_name) = (quote_ident(&child.name), quote_ident(&parent.name));
    matches!(kind, Kind::BelongsTo).then(|| {
        format!(
            "LEFT JOIN {} ON {child_name}.{} = {parent_name}.{}",
            child.qualified(),
            quote_ident(&link.child_column),
            quote_ident(&link.parent_column)
        )
    })
}

/// Position of the next token that means something.
fn code(tokens: &[Token<'_>], from: usize) -> Option<usize> {
    (from..tokens.len()).find(|&i| tokens[i].is_code())
}

/// Where `column = value` stands: the value, and what it is cast to.
fn comparison(tokens: &[Token<'_>], column: &str) -> Option<(usize, std::ops::Range<usize>)> {
    let begin = tokens.iter().position(|t| t.is_word("where"))?;
    for at in begin + 1..tokens.len() {
        if !tokens[at].is_name() || tokens[at].name() != column {
            continue;
        }
        let operator = code(tokens, at + 1)?;
        let value = code(tokens, operator + 1)?;
        if !tokens[operator].is("=") || !tokens[value].is_value() {
            continue;
        }
        let mut end = value + 1;
        if tokens.get(end).is_some_and(|t| t.is("::")) {
            end += 2;
        }
        return Some((value, value + 1..end.min(tokens.len())));
    }
    None
}

/// Takes LIMIT, OFFSET and FETCH off the end.
fn without_limit(tokens: &mut Vec<Token<'_>>) {
    let (mut depth, mut begin) = (0_usize, None);
    for (i, token) in tokens.iter().enumerate() {
        if token.is("(") {
            depth += 1;
        } else if token.is(")") {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && token.is_any(&["limit", "offset", "fetch"]) {
            begin = begin.or(Some(i));
        } else if depth == 0 && begin.is_some() && token.is_word("for") {
            break;
        }
    }
    let Some(begin) = begin else { return };
    let end = (begin..tokens.len()).find(|&i| tokens[i].is_word("for"));
    tokens.drain(begin..end.unwrap_or(tokens.len()));
    while tokens.last().is_some_and(|t| !t.is_code()) {
        tokens.pop();
    }
}

/// `… = ANY ($1)`, with the key among the outputs so that the rows can be told apart, or LATERAL for the first rows of each.
fn select(
    text: &str,
    access: &Access,
    kind: Kind,
    column: &str,
    table: Option<&Table>,
) -> Option<String> {
    let trimmed = text.trim_end().trim_end_matches(';');
    let mut tokens = lex(trimmed).tokens;
    let (value, cast) = comparison(&tokens, column)?;
    let parameter = tokens[value].text.to_string();
    let cast_text: String = join(&tokens[cast.clone()]);
    if kind == Kind::FirstOfMany {
        let of_type = match (cast_text.is_empty(), table.and_then(|t| t.column(column))) {
            (true, Some(column)) => format!("::{}", column.type_name),
            (true, None) => return None,
            (false, _) => cast_text,
        };
        let name = quote_ident(column);
        tokens.splice(
            value..cast.end,
            [Token::new(TokenKind::Word, 0, format!("wanted.{name}"))],
        );
        return Some(format!(
            "SELECT wanted.{name} AS wanted, found.* FROM unnest({parameter}{of_type}[]) AS wanted ({name}) \
             CROSS JOIN LATERAL ({}) AS found",
            join(&tokens)
        ));
    }
    let array = if cast_text.is_empty() {
        format!("ANY ({parameter})")
    } else {
        format!("ANY ({parameter}{cast_text}[])")
    };
    tokens.splice(value..cast.end, [Token::new(TokenKind::Word, 0, array)]);
    without_limit(&mut tokens);
    let shown = (access.outputs.as_ref()).is_none_or(|names| names.iter().any(|n| n == column));
    if access.what == What::Read && (!shown || kind == Kind::Aggregate) {
        let first = tokens.iter().position(|t| t.is_word("select"))?;
        let named = format!(" {},", quote_ident(column));
        tokens.insert(first + 1, Token::new(TokenKind::Word, 0, named));
    }
    let mut sql = join(&tokens);
    if kind == Kind::Aggregate {
        // Writing to a string cannot fail.
        let _ = write!(sql, " GROUP BY {}", quote_ident(column));
    }
    Some(sql)
}

/// The types of columns, in order; `None` if one is not known, or an array itself, of which `unnest` would take all levels.
fn types<'t>(table: Option<&'t Table>, columns: &[&String]) -> Option<Vec<&'t str>> {
    let table = table?;
    let of = |name: &&String| table.column(name).filter(|c| c.category != "A");
    (columns.iter())
        .map(|name| of(name).map(|c| c.type_name.as_str()))
        .collect()
}

/// `unnest($1::bigint[], $2::text[])`.
fn unnest(types: &[&str]) -> String {
    let arrays: Vec<String> = (types.iter().enumerate())
        .map(|(i, of_type)| format!("${}::{of_type}[]", i + 1))
        .collect();
    format!("unnest({})", arrays.join(", "))
}

/// `INSERT INTO … SELECT * FROM unnest(…)`, with what follows VALUES.
fn insert(text: &str, access: &Access, table: Option<&Table>) -> Option<String> {
    if access.written.iter().any(|(_, plain)| !plain) {
        return None;
    }
    let names: Vec<&String> = access.written.iter().map(|(name, _)| name).collect();
    let types = types(table, &names)?;
    let tokens = lex(text.trim_end().trim_end_matches(';')).tokens;
    let values = tokens.iter().position(|t| t.is_word("values"))?;
    let mut depth = 0_usize;
    let close = (values..tokens.len()).find(|&i| {
        if tokens[i].is("(") {
            depth += 1;
        } else if tokens[i].is(")") {
            depth -= usize::from(depth > 0);
            return depth == 0;
        }
        false
    })?;
    // Parameters behind VALUES would have other numbers.
    let rest = &tokens[close + 1..];
    if rest.iter().any(Token::is_value) {
        return None;
    }
    Some(format!(
        "{}SELECT * FROM {}{}",
        join(&tokens[..values]),
        unnest(&types),
        join(rest)
    ))
}

/// `UPDATE … FROM unnest(…) AS new (…)`.
fn update(access: &Access, column: Option<&String>, table: Option<&Table>) -> Option<String> {
    let column = column?;
    let simple = access.only_equals
        && access.equals.len() == 1
        && access
            .written
            .iter()
            .all(|(name, plain)| *plain && name != column);
    if !simple {
        return None;
    }
    let written = access.written.iter().map(|(name, _)| name);
    let names: Vec<&String> = std::iter::once(column).chain(written).collect();
    let types = types(table, &names)?;
    let quoted: Vec<_> = names.iter().map(|n| quote_ident(n)).collect();
    let set: Vec<String> = quoted[1..]
        .iter()
        .map(|n| format!("{n} = new.{n}"))
        .collect();
    let target = table?;
    Some(format!(
        "UPDATE {} AS old SET {} FROM {} AS new ({}) WHERE old.{key} = new.{key}",
        target.qualified(),
        set.join(", "),
        unnest(&types),
        quoted.join(", "),
        key = quoted[0],
    ))
}
