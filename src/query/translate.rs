//! Our tokens as sqlparser's, so that a text is cut only once and by PostgreSQL's rules.

use sqlparser::tokenizer::{Location, Span, Token as Theirs, TokenWithSpan};

use crate::query::lexer::{Kind, Token};

/// One token; its place is its number in the list, as the column of line 1.
pub(crate) fn translate(number: usize, token: &Token<'_>) -> TokenWithSpan {
    let column = number as u64 + 1;
    let span = Span::new(Location::new(1, column), Location::new(1, column));
    TokenWithSpan::new(token_of(token), span)
}

fn token_of(token: &Token<'_>) -> Theirs {
    let text = token.text.as_ref();
    match token.kind {
        Kind::Word => Theirs::make_word(text, None),
        Kind::Quoted => Theirs::make_word(&token.name(), Some('"')),
        Kind::Number => Theirs::Number(number(text), false),
        Kind::Parameter => Theirs::Placeholder(text.to_owned()),
        Kind::String => string(text),
        Kind::Mark | Kind::Operator => mark(text),
        Kind::Stray | Kind::Space | Kind::Comment => {
            Theirs::Char(text.chars().next().unwrap_or(' '))
        }
    }
}

/// A number in decimal, without the underscores of 16.
fn number(text: &str) -> String {
    let plain = text.replace('_', "");
    let digits = plain.get(2..).unwrap_or_default();
    let value = match plain.as_bytes() {
        [b'0', b'x' | b'X', ..] => u64::from_str_radix(digits, 16).ok(),
        [b'0', b'o' | b'O', ..] => u64::from_str_radix(digits, 8).ok(),
        [b'0', b'b' | b'B', ..] => u64::from_str_radix(digits, 2).ok(),
        _ => None,
    };
    value.map_or(plain, |v| v.to_string())
}

fn string(text: &str) -> Theirs {
    if let Some(rest) = text.strip_prefix('$') {
        let tag = rest.find('$').map_or(0, |i| i + 2);
        let value = text.get(tag..text.len().saturating_sub(tag));
        return Theirs::SingleQuotedString(value.unwrap_or_default().to_owned());
    }
    let (prefix, quoted) = text.split_once('\'').unwrap_or(("", text));
    let inner = quoted.strip_suffix('\'').unwrap_or(quoted);
    let value = inner.replace("''", "'");
    match prefix {
        "e" | "E" => Theirs::SingleQuotedString(unescape(&value)),
        "b" | "B" => Theirs::SingleQuotedByteStringLiteral(value),
        "x" | "X" => Theirs::HexStringLiteral(value),
        "u&" | "U&" => Theirs::UnicodeStringLiteral(value),
        _ => Theirs::SingleQuotedString(value),
    }
}

/// Undoes the escapes of `E'…'` (manual, 4.1.2.2); bytes above 127 given in octal or hex are taken as Latin-1.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let (radix, longest) = match chars.peek() {
            Some('x') => (16, 2),
            Some('u') => (16, 4),
            Some('U') => (16, 8),
            Some('0'..='7') => (8, 3),
            _ => {
                out.extend(chars.next().map(|c| match c {
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    other => other,
                }));
                continue;
            }
        };
        if radix == 16 {
            chars.next();
        }
        let mut code = 0_u32;
        for _ in 0..longest {
            let Some(digit) = chars.peek().and_then(|c| c.to_digit(radix)) else {
                break;
            };
            code = code.wrapping_mul(radix).wrapping_add(digit);
            chars.next();
        }
        out.extend(char::from_u32(code));
    }
    out
}

fn mark(text: &str) -> Theirs {
    match text {
        "(" => Theirs::LParen,
        ")" => Theirs::RParen,
        "[" => Theirs::LBracket,
        "]" => Theirs::RBracket,
        "," => Theirs::Comma,
        ";" => Theirs::SemiColon,
        "." => Theirs::Period,
        ":" => Theirs::Colon,
        "::" => Theirs::DoubleColon,
        ":=" => Theirs::Assignment,
        "=>" => Theirs::RArrow,
        "=" => Theirs::Eq,
        "<>" | "!=" => Theirs::Neq,
        "<" => Theirs::Lt,
        ">" => Theirs::Gt,
        "<=" => Theirs::LtEq,
        ">=" => Theirs::GtEq,
        "+" => Theirs::Plus,
        "-" => Theirs::Minus,
        "*" => Theirs::Mul,
        "/" => Theirs::Div,
        "%" => Theirs::Mod,
        "||" => Theirs::StringConcat,
        "&" => Theirs::Ampersand,
        "|" => Theirs::Pipe,
        "^" => Theirs::Caret,
        "#" => Theirs::Sharp,
        "##" => Theirs::DoubleSharp,
        "~" => Theirs::Tilde,
        "~*" => Theirs::TildeAsterisk,
        "!~" => Theirs::ExclamationMarkTilde,
        "!~*" => Theirs::ExclamationMarkTildeAsterisk,
        "~~" => Theirs::DoubleTilde,
        "~~*" => Theirs::DoubleTildeAsterisk,
        "!~~" => Theirs::ExclamationMarkDoubleTilde,
        "!~~*" => Theirs::ExclamationMarkDoubleTildeAsterisk,
        "<<" => Theirs::ShiftLeft,
        ">>" => Theirs::ShiftRight,
        "&&" => Theirs::Overlap,
        "@" => Theirs::AtSign,
        "^@" => Theirs::CaretAt,
        "|/" => Theirs::PGSquareRoot,
        "||/" => Theirs::PGCubeRoot,
        "->" => Theirs::Arrow,
        "->>" => Theirs::LongArrow,
        "#>" => Theirs::HashArrow,
        "#>>" => Theirs::HashLongArrow,
        "#-" => Theirs::HashMinus,
        "@>" => Theirs::AtArrow,
        "<@" => Theirs::ArrowAt,
        "@?" => Theirs::AtQuestion,
        "@@" => Theirs::AtAt,
        "?" => Theirs::Question,
        "?&" => Theirs::QuestionAnd,
        "?|" => Theirs::QuestionPipe,
        "?#" => Theirs::QuestionMarkSharp,
        "?-" => Theirs::QuestionMarkDash,
        "?-|" => Theirs::QuestionMarkDashVerticalBar,
        "?||" => Theirs::QuestionMarkDoubleVerticalBar,
        "@-@" => Theirs::AtDashAt,
        "&<" => Theirs::AmpersandLeftAngleBracket,
        "&>" => Theirs::AmpersandRightAngleBracket,
        "&<|" => Theirs::AmpersandLeftAngleBracketVerticalBar,
        "|&>" => Theirs::VerticalBarAmpersandRightAngleBracket,
        "<->" => Theirs::TwoWayArrow,
        "<^" => Theirs::LeftAngleBracketCaret,
        ">^" => Theirs::RightAngleBracketCaret,
        "~=" => Theirs::TildeEqual,
        "<<|" => Theirs::ShiftLeftVerticalBar,
        "|>>" => Theirs::VerticalBarShiftRight,
        other => Theirs::CustomBinaryOperator(other.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::lexer::lex;

    #[test]
    fn strings_have_the_values_that_the_server_gives_them() {
        for (text, value) in [
            ("'it''s \\n'", "it's \\n"),
            ("E'it\\'s \\\\ \\n\\x41\\101\\u00fc'", "it's \\ \nAAü"),
            ("$$it's$$", "it's"),
            ("$a$ $$ $a$", " $$ "),
            ("N'x'", "x"),
        ] {
            let lexed = lex(text);
            assert_eq!(
                token_of(&lexed.tokens[0]),
                Theirs::SingleQuotedString(value.into()),
                "{text}"
            );
        }
        let hex = lex("0x1F");
        assert_eq!(token_of(&hex.tokens[0]), Theirs::Number("31".into(), false));
    }
}
