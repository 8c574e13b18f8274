//! PostgreSQL's dialect of the parser, with a short way for the commonest expressions.
//!
//! Before it reads a name or a constant, the parser tries whether a type begins there (`date '2024-01-01'`), and writes an error
//! message when none does. What cannot begin a type is read here at once, into the same tree.

use std::any::TypeId;

use sqlparser::ast::{Expr, Ident};
use sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

/// The dialect that texts are parsed in.
#[derive(Debug)]
pub(crate) struct Postgres;

const THEIRS: PostgreSqlDialect = PostgreSqlDialect {};

/// Answers like the parser's own dialect.
macro_rules! as_theirs {
    ($($question:ident)*) => {
        $(fn $question(&self) -> bool {
            THEIRS.$question()
        })*
    };
}

impl Dialect for Postgres {
    /// The parser asks for its own dialect by name in places.
    fn dialect(&self) -> TypeId {
        TypeId::of::<PostgreSqlDialect>()
    }

    fn parse_prefix(&self, parser: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
        let [token, following] = parser.peek_tokens_ref::<2>();
        match &token.token {
            // A word that is no key word names a column, unless it calls a function or says what a string is.
            Token::Word(word) if word.keyword == Keyword::NoKeyword => {
                if matches!(
                    following.token,
                    Token::LParen
                        | Token::LBracket
                        | Token::SingleQuotedString(_)
                        | Token::EscapedStringLiteral(_)
                        | Token::HexStringLiteral(_)
                ) {
                    return None;
                }
                let name = Ident {
                    value: word.value.clone(),
                    quote_style: word.quote_style,
                    span: token.span,
                };
                parser.advance_token();
                Some(Ok(Expr::Identifier(name)))
            }
            Token::Number(..) | Token::Placeholder(_) | Token::SingleQuotedString(_) => {
                Some(parser.parse_value().map(Expr::Value))
            }
            _ => None,
        }
    }

    fn identifier_quote_style(&self, identifier: &str) -> Option<char> {
        THEIRS.identifier_quote_style(identifier)
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        THEIRS.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        THEIRS.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        THEIRS.is_identifier_part(ch)
    }

    fn is_reserved_for_identifier(&self, keyword: Keyword) -> bool {
        THEIRS.is_reserved_for_identifier(keyword)
    }

    fn is_table_alias(&self, keyword: &Keyword, parser: &mut Parser<'_>) -> bool {
        THEIRS.is_table_alias(keyword, parser)
    }

    fn is_custom_operator_part(&self, ch: char) -> bool {
        THEIRS.is_custom_operator_part(ch)
    }

    fn get_next_precedence(&self, parser: &Parser<'_>) -> Option<Result<u8, ParserError>> {
        THEIRS.get_next_precedence(parser)
    }

    fn prec_value(&self, precedence: Precedence) -> u8 {
        THEIRS.prec_value(precedence)
    }

    as_theirs! {
        supports_unicode_string_literal
        supports_filter_during_aggregation
        supports_group_by_expr
        supports_alter_user_as_alter_role
        allow_extract_custom
        allow_extract_single_quotes
        supports_create_index_with_clause
        supports_explain_with_utility_options
        supports_listen_notify
        supports_exclude_constraint
        supports_factorial_operator
        supports_bitwise_shift_operators
        supports_comment_on
        supports_load_extension
        supports_named_fn_args_with_colon_operator
        supports_named_fn_args_with_expr_name
        supports_empty_projections
        supports_nested_comments
        supports_string_escape_constant
        supports_numeric_literal_underscores
        supports_array_typedef_with_brackets
        supports_geometric_types
        supports_order_by_using_operator
        supports_set_names
        supports_alter_column_type_using
        supports_left_associative_joins_without_parens
        supports_notnull_operator
        supports_interval_options
        supports_insert_table_alias
        supports_create_table_like_parenthesized
        supports_select_wildcard_with_alias
        supports_comma_separated_trim
        supports_xml_expressions
        supports_aliased_function_args
        supports_comment_optimizer_hint
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Whether a text gives the same tree, or none, with the parser's own dialect.
    fn is_the_same(text: &str) -> bool {
        let ours = Parser::parse_sql(&Postgres, text).ok();
        ours == Parser::parse_sql(&THEIRS, text).ok()
    }

    #[test]
    fn trees_are_those_of_the_own_dialect() {
        let texts = [
            "select a, t.a, s.t.a, \"A b\".\"c\" from t where a = $1 and b in (1, -2, 'x', 1.5e3)",
            "select date '2024-01-01', interval '1 day' * n, timestamp with time zone '2024-01-01', xml '<a/>' from t",
            "select x[1], x[1:2], (r).f, r.*, f(x), s.f(r.*), f(a => 1), f(variadic x), count(*) filter (where b) from t",
            "select case when a then b else c end, not a, - b, a is null, a::text, cast(a as numeric(3, 1)), array[a, b] from t",
            "select a b, a as \"c d\", 'x' 'y' from t order by a collate \"C\" desc nulls last",
            "select json_object('a': b, 'c' value d), e'a\\n', b'1', x'ff', u&'x', $$a$$, _utf8'x' from t",
            "select exists (select from t where a = any ($1)), row(a, b) = (1, 2), a at time zone 'UTC' from t",
            "insert into t (a, b) values ($1, default), (a, b) on conflict (a) do update set b = excluded.b",
            "update t set a = a + 1, b = f(b) where c -> 'd' ->> 'e' = $1 returning *",
        ];
        for text in texts {
            assert!(is_the_same(text), "{text}");
        }
        let read = |text: &&str| Parser::parse_sql(&THEIRS, text).is_ok();
        assert!(texts.iter().filter(|t| read(t)).count() > texts.len() / 2);
        assert!(is_the_same("select a b c from"));
    }

    proptest! {
        #[test]
        fn token_soup_gives_the_same_tree(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "a", "t", "\"q\"", ".", ",", "(", ")", "[", "]", "'x'", "1", "$1", "e'y'", "x'ff'", "=", "+", "-", "::", "->",
                    "and", "not", "null", "true", "case", "when", "then", "end", "in", "is", "date", "interval", "xml", "text",
                    "as", "f(", "array[", "select", "from", "where", "between", "like", "at", "time", "zone", "collate", "*", ":",
                ]),
                0..14,
            )
        ) {
            let text = format!("select {} from t", parts.join(" "));
            prop_assert!(is_the_same(&text), "{}", text);
        }
    }
}
