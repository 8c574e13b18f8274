//! Makes the text of `pg_stat_statements` valid SQL again, token by token.
//!
//! The server replaces every constant by `$n` in the *text*, whatever the grammar thinks of it: `interval '1 day'` becomes
//! `interval $1` and `extract(epoch from x)` becomes `extract($1 from x)`, neither of which parses. Of 446 syntax errors
//! that this caused in the server's own regression suite, these two repairs mend 397.

use crate::query::lexer::{Kind, LONGEST_KEY_WORD, Token};

/// How often the one element of a squashed list (`in ($1 /*, ... */)`, 18+) is written for the planner: the number of
/// elements that PostgreSQL itself assumes for an array it cannot see (`estimate_array_length`).
const SQUASHED_ELEMENTS: usize = 10;

/// The comment by which PostgreSQL 18 marks a list of constants cut to its first element.
const SQUASHED: &str = "/*, ... */";

/// The statement without what is around it: leading comments (hints of `pg_hint_plan` stay), `PREPARE name AS`, trailing
/// semicolons and comments.
pub(crate) fn trim<'t, 'a>(tokens: &'t [Token<'a>]) -> &'t [Token<'a>] {
    let is_hint = |t: &Token<'_>| t.kind == Kind::Comment && t.text.starts_with("/*+");
    let start = tokens
        .iter()
        .position(|t| t.is_code() && !t.is(";") || is_hint(t))
        .unwrap_or(tokens.len());
    let end = tokens
        .iter()
        .rposition(|t| t.is_code() && !t.is(";"))
        .map_or(start, |i| (i + 1).max(start));
    let body = &tokens[start..end];
    match prepared(body) {
        Some(skip) => trim(&body[skip..]),
        None => body,
    }
}

/// Length of `PREPARE name [(types)] AS`.
fn prepared(tokens: &[Token<'_>]) -> Option<usize> {
    let mut code = (tokens.iter().enumerate()).filter(|(_, t)| t.is_code());
    if !code.next()?.1.is_word("prepare") || !code.next()?.1.is_name() {
        return None;
    }
    let mut depth = 0_usize;
    for (i, token) in code {
        match token.text.as_ref() {
            "(" => depth += 1,
            ")" => depth = depth.checked_sub(1)?,
            _ if depth == 0 => return token.is_word("as").then_some(i + 1),
            _ => {}
        }
    }
    None
}

/// Undoes what replacing constants by `$n` broke. The list mark of 18 stays; see [`expand`].
pub(crate) fn repair<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    let mut out: Vec<Token<'a>> = Vec::with_capacity(tokens.len() + 8);
    let mut i = 0;
    while i < tokens.len() {
        let token = &tokens[i];
        if token.kind == Kind::Parameter {
            if let Some(from) = after_extract(tokens, i, &mut out) {
                i = from + 1;
                continue;
            }
            if let Some(begin) = type_before(&out) {
                i = cast(tokens, i, begin, &mut out);
                continue;
            }
        }
        out.push(token.clone());
        i += 1;
    }
    out
}

/// `$n` of `extract($n from`: writes `date_part($n,` and returns the position of FROM.
fn after_extract<'a>(tokens: &[Token<'a>], at: usize, out: &mut Vec<Token<'a>>) -> Option<usize> {
    let from = next_code(tokens, at + 1)?;
    let open = last_code(out, out.len())?;
    let function = last_code(out, open)?;
    let fits = tokens[from].is_word("from")
        && out[open].is("(")
        && out[function].is_word("extract")
        && !last_code(out, function).is_some_and(|i| out[i].is("."));
    if !fits {
        return None;
    }
    out[function].text = "date_part".into();
    out.push(tokens[at].clone());
    out.extend(comments(&tokens[at..from]));
    out.push(Token::new(Kind::Mark, tokens[from].start, ","));
    Some(from)
}

/// The comments among tokens of which the white space goes, but for the end of a line that ends one.
fn comments<'t, 'a: 't>(tokens: &'t [Token<'a>]) -> impl Iterator<Item = Token<'a>> + 't {
    let comments = tokens.iter().filter(|t| t.kind == Kind::Comment);
    comments.flat_map(|comment| {
        let line = comment.text.starts_with("--");
        let end = line.then(|| Token::new(Kind::Space, comment.start, "\n"));
        std::iter::once(comment.clone()).chain(end)
    })
}

/// Moves the type that begins at `begin` in `out` behind the constant at `at`, as a cast. Returns where to go on.
pub(crate) fn cast<'a>(
    tokens: &[Token<'a>],
    at: usize,
    begin: usize,
    out: &mut Vec<Token<'a>>,
) -> usize {
    let mut words = out.split_off(begin);
    // White space between type and constant goes; a comment there must not.
    let end = last_code(&words, words.len()).map_or(0, |i| i + 1);
    let between = words.split_off(end);
    out.extend(comments(&between));
    out.push(tokens[at].clone());
    out.push(Token::new(Kind::Mark, tokens[at].start, "::"));
    let interval = words.first().is_some_and(|t| t.is_word("interval"));
    out.append(&mut words);
    let mut next = at + 1;
    if interval {
        // `interval '1' day to second(3)`: the fields belong to the type.
        while let Some(field) = next_code(tokens, next).filter(|&i| tokens[i].is_any(FIELDS)) {
            out.push(Token::new(Kind::Space, tokens[field].start, " "));
            out.extend(comments(&tokens[next..field]));
            out.push(tokens[field].clone());
            next = field + 1;
        }
    }
    next
}

const FIELDS: &[&str] = &["year", "month", "day", "hour", "minute", "second", "to"];

/// If what was written last is the name of a type, as before a constant in `date '2024-01-01'`: its begin.
pub(crate) fn type_before(out: &[Token<'_>]) -> Option<usize> {
    let mut at = last_code(out, out.len())?;
    if out[at].is_word("zone") {
        let time = last_code(out, at).filter(|&i| out[i].is_word("time"))?;
        at = last_code(out, time).filter(|&i| out[i].is_any(&["with", "without"]))?;
        at = last_code(out, at)?;
        let name = before_modifier(out, at);
        return out[name].is_any(&["timestamp", "time"]).then_some(name);
    }
    let name = before_modifier(out, at);
    if name != at && !out[name].is_any(WITH_MODIFIER) {
        return None;
    }
    let before = last_code(out, name);
    if out[name].is_any(&["precision", "varying"]) {
        return before.filter(|&i| out[i].is_any(&["double", "character", "char", "bit", "nchar"]));
    }
    if !out[name].is_name() || is_no_type(&out[name]) {
        return None;
    }
    // `AT TIME ZONE` was handled above; a name behind `AS` is an alias, and behind a period it is qualified.
    match before {
        Some(dot) if out[dot].is(".") => last_code(out, dot).filter(|&i| out[i].is_name()),
        Some(other) if out[other].is_any(&["as", "at"]) || out[other].kind == Kind::Quoted => None,
        _ => Some(name),
    }
}

/// Behind `name(1, 2)` the position of the name, else `at` itself.
fn before_modifier(out: &[Token<'_>], at: usize) -> usize {
    if !out[at].is(")") {
        return at;
    }
    let mut i = at;
    while let Some(before) = last_code(out, i) {
        if out[before].is("(") {
            return last_code(out, before).unwrap_or(at);
        }
        if out[before].kind != Kind::Number && !out[before].is(",") {
            return at;
        }
        i = before;
    }
    at
}

/// Types that take a modifier in the form `type(n) 'constant'`.
const WITH_MODIFIER: &[&str] = &[
    "timestamp",
    "timestamptz",
    "time",
    "timetz",
    "interval",
    "numeric",
    "decimal",
    "dec",
    "varchar",
    "char",
    "character",
    "bpchar",
    "bit",
    "varbit",
    "float",
    "varying",
    "nchar",
];

/// Whether it is one of [`NO_TYPES`].
fn is_no_type(token: &Token<'_>) -> bool {
    let mut lower = [0; LONGEST_KEY_WORD];
    NO_TYPES.binary_search(&token.key_word(&mut lower)).is_ok()
}

/// Key words that can stand before a constant and are not types; sorted.
const NO_TYPES: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "at",
    "between",
    "both",
    "by",
    "call",
    "case",
    "collate",
    "conflict",
    "content",
    "cross",
    "current_date",
    "current_role",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "delete",
    "desc",
    "distinct",
    "do",
    "document",
    "else",
    "end",
    "escape",
    "except",
    "excluding",
    "exists",
    "false",
    "fetch",
    "filter",
    "first",
    "following",
    "for",
    "from",
    "full",
    "group",
    "grouping",
    "groups",
    "having",
    "ilike",
    "in",
    "inner",
    "insert",
    "intersect",
    "into",
    "is",
    "isnull",
    "join",
    "last",
    "lateral",
    "leading",
    "left",
    "like",
    "limit",
    "local",
    "localtime",
    "localtimestamp",
    "matched",
    "materialized",
    "merge",
    "natural",
    "next",
    "not",
    "notnull",
    "null",
    "nulls",
    "of",
    "offset",
    "on",
    "only",
    "operator",
    "or",
    "order",
    "ordinality",
    "over",
    "overlaps",
    "partition",
    "passing",
    "percent",
    "placing",
    "preceding",
    "prior",
    "range",
    "recursive",
    "repeatable",
    "returning",
    "right",
    "row",
    "rows",
    "select",
    "session_user",
    "set",
    "sets",
    "similar",
    "some",
    "symmetric",
    "table",
    "then",
    "ties",
    "to",
    "trailing",
    "true",
    "uescape",
    "unbounded",
    "union",
    "unknown",
    "update",
    "user",
    "using",
    "values",
    "variadic",
    "when",
    "where",
    "window",
    "with",
    "within",
    "without",
    "zone",
];

/// Writes the one element of a squashed list [`SQUASHED_ELEMENTS`] times, so that the planner sees a list.
pub(crate) fn expand<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    let mut out: Vec<Token<'a>> = Vec::with_capacity(tokens.len());
    for token in tokens {
        let open = is_squashed(token).then(|| open_before(&out)).flatten();
        let Some(open) = open else {
            out.push(token.clone());
            continue;
        };
        while out.last().is_some_and(|t| t.kind == Kind::Space) {
            out.pop();
        }
        let element = out[open + 1..].to_vec();
        for _ in 1..SQUASHED_ELEMENTS {
            out.push(Token::new(Kind::Mark, token.start, ", "));
            out.extend(element.iter().cloned());
        }
    }
    out
}

/// Whether it is the mark of a squashed list.
pub(crate) fn is_squashed(token: &Token<'_>) -> bool {
    token.kind == Kind::Comment && token.text == SQUASHED
}

/// Position of the parenthesis or bracket that is open at the end.
fn open_before(out: &[Token<'_>]) -> Option<usize> {
    let mut depth = 0_usize;
    for (i, token) in out.iter().enumerate().rev() {
        match token.text.as_ref() {
            ")" | "]" if token.kind == Kind::Mark => depth += 1,
            "(" | "[" if token.kind == Kind::Mark => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return Some(i),
            },
            _ => {}
        }
    }
    None
}

/// Highest `$n`.
pub(crate) fn parameters(tokens: &[Token<'_>]) -> usize {
    (tokens.iter())
        .filter(|t| t.kind == Kind::Parameter)
        .filter_map(|t| t.text[1..].parse().ok())
        .max()
        .unwrap_or(0)
}

/// Whether `+` or `-` behind this token is a sign, because no operand ends there.
pub(crate) fn is_unary_after(token: Option<&Token<'_>>) -> bool {
    token.is_none_or(|t| match t.kind {
        Kind::Operator => true,
        Kind::Mark => !matches!(t.text.as_ref(), ")" | "]"),
        Kind::Word => is_no_type(t) && !t.is_any(OPERANDS),
        _ => false,
    })
}

/// Key words of [`NO_TYPES`] that end an operand.
const OPERANDS: &[&str] = &[
    "end",
    "null",
    "true",
    "false",
    "default",
    "user",
    "zone",
    "current_date",
    "current_time",
    "current_timestamp",
    "current_user",
    "current_role",
    "session_user",
    "localtime",
    "localtimestamp",
    "isnull",
    "notnull",
];

/// The first code token from `from` on.
pub(crate) fn next_code(tokens: &[Token<'_>], from: usize) -> Option<usize> {
    (from..tokens.len()).find(|&i| tokens[i].is_code())
}

/// The last code token before `end`.
pub(crate) fn last_code(tokens: &[Token<'_>], end: usize) -> Option<usize> {
    (0..end).rev().find(|&i| tokens[i].is_code())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::query::lexer::{join, lex};

    fn server(text: &str) -> String {
        join(&expand(&repair(trim(&lex(text).tokens))))
    }

    #[test]
    fn what_normalising_broke_is_mended() {
        for (text, repaired) in [
            ("select interval $1", "select $1::interval"),
            (
                "interval $1 /* a */ day /* b */ as x",
                "$1::interval /* a */day /* b */ as x",
            ),
            ("interval -- a\n $1 day", "-- a\n$1::interval day"),
            ("extract($1 /* a */ from x)", "date_part($1/* a */, x)"),
            (
                "now() - interval $1 day to second",
                "now() - $1::interval day to second",
            ),
            (
                "date $1 and timestamp with time zone $2",
                "$1::date and $2::timestamp with time zone",
            ),
            (
                "x > timestamp(3) without time zone $1",
                "x > $1::timestamp(3) without time zone",
            ),
            (
                "select double precision $1, pg_catalog.inet $2",
                "select $1::double precision, $2::pg_catalog.inet",
            ),
            (
                "extract($1 from x), EXTRACT ( $2 FROM y )",
                "date_part($1, x), date_part ( $2, y )",
            ),
            (
                "a in ($1 /*, ... */)",
                "a in ($1, $1, $1, $1, $1, $1, $1, $1, $1, $1)",
            ),
            ("/* a */ select 1; -- b", "select 1"),
            ("/*+ SeqScan(t) */ select 1;", "/*+ SeqScan(t) */ select 1"),
            ("prepare q(int, text) as select $1;", "select $1"),
            ("PREPARE \"Q\" AS SELECT $1", "SELECT $1"),
        ] {
            assert_eq!(server(text), repaired, "{text}");
        }
    }

    #[test]
    fn the_key_words_can_be_searched() {
        assert!(NO_TYPES.is_sorted());
        assert!(NO_TYPES.iter().all(|w| w.len() <= 20));
    }

    #[test]
    fn what_is_right_stays() {
        for text in [
            "select $1 from t where a like $2 escape $3 limit $4 offset $5",
            "fetch first $1 rows only",
            "x at time zone $1",
            "select 'interval $1', \"date\" from t -- date $1\n where a = $2",
            "trim(leading $1 from x)",
            "substring(x from $1 for $2)",
            "a is distinct from $1 or not $2 and b between $3 and $4",
            "rows between $1 preceding and $2 following",
            "in ($1, $2 /* , ... */)",
            "prepare",
            "",
            ";",
        ] {
            assert_eq!(server(text), text.trim_end_matches(';'), "{text}");
        }
    }

    proptest! {
        /// Repair moves tokens; it neither loses nor changes strings, quoted identifiers and comments inside.
        #[test]
        fn literals_are_never_touched(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "'interval $1'", "\"date $2\"", "/* extract($1 from x) */", "$$date $1$$", "interval", "date", "$1",
                    "extract", "(", ")", "from", "x", ",", "in", "timestamp", "with", "time", "zone", "prepare", "as", "day",
                ]),
                0..30,
            )
        ) {
            let text = parts.join(" ");
            let lexed = lex(&text);
            let kept = |tokens: &[Token<'_>]| {
                let mut kept: Vec<String> = (tokens.iter())
                    .filter(|t| matches!(t.kind, Kind::String | Kind::Quoted | Kind::Comment))
                    .map(|t| t.text.to_string())
                    .collect();
                kept.sort();
                kept
            };
            let body = trim(&lexed.tokens);
            prop_assert_eq!(kept(&repair(body)), kept(body));
        }
    }
}
