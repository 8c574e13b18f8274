//! A text in tokens with what they are, for showing it in colours.

use crate::query::lexer::{Kind, lex};

/// What a token is to a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// White space.
    Space,
    /// A word of SQL.
    Keyword,
    /// A string, a number, a parameter.
    Literal,
    /// A comment.
    Comment,
    /// Names, operators, marks.
    Other,
}

/// Words of SQL that give a statement its form. A name that is one of them is coloured too; that is no harm.
const KEYWORDS: &[&str] = &[
    "all",
    "analyze",
    "and",
    "any",
    "as",
    "asc",
    "begin",
    "between",
    "by",
    "call",
    "case",
    "commit",
    "conflict",
    "copy",
    "create",
    "cross",
    "default",
    "delete",
    "desc",
    "distinct",
    "do",
    "drop",
    "else",
    "end",
    "except",
    "execute",
    "exists",
    "explain",
    "false",
    "fetch",
    "filter",
    "first",
    "following",
    "for",
    "from",
    "full",
    "group",
    "having",
    "ilike",
    "in",
    "index",
    "inner",
    "insert",
    "intersect",
    "into",
    "is",
    "join",
    "lateral",
    "left",
    "like",
    "limit",
    "merge",
    "not",
    "nothing",
    "null",
    "nulls",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "outer",
    "over",
    "partition",
    "prepare",
    "refresh",
    "returning",
    "right",
    "rollback",
    "rows",
    "select",
    "set",
    "share",
    "similar",
    "some",
    "table",
    "then",
    "true",
    "truncate",
    "union",
    "update",
    "using",
    "vacuum",
    "values",
    "view",
    "when",
    "where",
    "window",
    "with",
];

/// The tokens of a text, all of it, in order.
#[must_use]
pub fn classes(text: &str) -> Vec<(Class, &str)> {
    let lexed = lex(text);
    let class = |kind: Kind, text: &str| match kind {
        Kind::Space => Class::Space,
        Kind::Comment => Class::Comment,
        Kind::String | Kind::Number | Kind::Parameter => Class::Literal,
        Kind::Word if KEYWORDS.iter().any(|word| text.eq_ignore_ascii_case(word)) => Class::Keyword,
        _ => Class::Other,
    };
    let tokens = lexed.tokens.iter().map(|token| {
        let own = &text[token.start..token.start + token.text.len()];
        (class(token.kind, own), own)
    });
    tokens.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost() {
        let text = "SELECT \"From\", 'x''y', $1, 1.5 /* c */ FROM t -- end";
        let all = classes(text);
        assert_eq!(
            all.iter().map(|(_, token)| *token).collect::<String>(),
            text
        );
        let words = |class| {
            let of = all.iter().filter(|(c, _)| *c == class);
            of.map(|(_, token)| *token).collect::<Vec<_>>()
        };
        assert_eq!(words(Class::Keyword), ["SELECT", "FROM"]);
        assert_eq!(words(Class::Literal), ["'x''y'", "$1", "1.5"]);
        assert_eq!(words(Class::Comment), ["/* c */", "-- end"]);
        assert!(words(Class::Other).contains(&"\"From\""));
    }
}
