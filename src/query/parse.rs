//! One text → a syntax tree and the text for the server, or the reason why not.

use sqlparser::ast::Statement as Ast;
use sqlparser::parser::{Parser, ParserError};

use crate::query::dialect::Postgres;
use crate::query::fingerprint;
use crate::query::lexer::{Kind, LONGEST_KEY_WORD, Token, join, lex};
use crate::query::repair::{expand, is_squashed, next_code, parameters, repair, trim};
use crate::query::simplify::simplify;
use crate::query::translate::translate;
use crate::query::workload::Reason;

/// Deepest nesting of parentheses and CASE that is read. The parser takes up to about 20 kB of stack a level in a debug
/// build and has no way to grow it everywhere, so this is what is safe in a thread of 2 MB; hand-written SQL stays below 20.
const MAX_DEPTH: usize = 60;

/// Longest run of operators without parenthesis, comma, AND or OR in between; each makes the tree one level deeper.
const MAX_CHAIN: usize = 200;

/// Most AND, OR and UNION of a statement; they too make the tree deeper, but it is walked without recursion.
const MAX_ARMS: usize = 2_000;

/// A text that was understood.
#[derive(Debug, Clone)]
pub(crate) struct Parsed {
    /// Text for the server.
    pub(crate) text: String,
    /// Highest `$n`.
    pub(crate) parameters: usize,
    /// The tree.
    pub(crate) ast: Ast,
    /// Whether it locks the rows it reads (FOR UPDATE), so that it needs the rows themselves.
    pub(crate) locks: bool,
}

/// A text that was cut into tokens and repaired, but not parsed yet.
#[derive(Debug, Clone)]
pub(crate) struct Prepared<'a> {
    tokens: Vec<Token<'a>>,
}

/// An error of the parser: what, and at which byte of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Misread {
    /// What was expected and found.
    pub(crate) what: String,
    /// Where, if the parser said so.
    pub(crate) offset: Option<usize>,
}

impl<'a> Prepared<'a> {
    /// Cuts, trims and repairs a text.
    pub(crate) fn new(text: &'a str) -> Result<Self, Misread> {
        let lexed = lex(text);
        if let Some((offset, what)) = lexed.open {
            return Err(Misread {
                what: format!("{what} does not end"),
                offset: Some(offset),
            });
        }
        Ok(Self {
            tokens: repair(trim(&lexed.tokens)),
        })
    }

    /// Its fingerprint.
    pub(crate) fn fingerprint(&self) -> u64 {
        fingerprint::fingerprint(&self.tokens)
    }

    /// Whether it is a SELECT, INSERT, UPDATE, DELETE or MERGE by its first word.
    pub(crate) fn is_query(&self) -> bool {
        let first = next_code(&self.tokens, 0).map(|i| &self.tokens[i]);
        first.is_some_and(|t| {
            t.is("(")
                || t.is_any(&[
                    "select", "with", "values", "table", "insert", "update", "delete", "merge",
                ])
        })
    }

    /// Its tokens without space and comments.
    pub(crate) fn code(&self) -> impl Iterator<Item = &Token<'a>> {
        self.tokens.iter().filter(|t| t.is_code())
    }

    /// Whether the server is sure to see one statement in it, though nobody has parsed it.
    pub(crate) fn is_one_statement(&self) -> bool {
        !self.code().any(|t| t.is(";") || t.kind == Kind::Stray)
    }

    /// All its tokens.
    pub(crate) fn tokens(&self) -> &[Token<'a>] {
        &self.tokens
    }

    /// Highest `$n`.
    pub(crate) fn parameters(&self) -> usize {
        parameters(&self.tokens)
    }

    /// Whether it has the form of the queries by which the server checks foreign keys (`ri_triggers.c`): everything in
    /// `ONLY`, the operator in full, and for lookups a lock on the key of `x`.
    pub(crate) fn is_foreign_key_check(&self) -> bool {
        let code: Vec<&Token<'_>> = self.code().collect();
        let words = |at: usize, words: &[&str]| {
            (words.iter().enumerate()).all(|(i, w)| code.get(at + i).is_some_and(|t| t.is_word(w)))
        };
        let lookup = code.len() > 10
            && words(0, &["select"])
            && code[1].is_value()
            && words(2, &["from", "only"])
            && words(code.len() - 5, &["for", "key", "share", "of", "x"]);
        let action = (words(0, &["delete", "from", "only"]) || words(0, &["update", "only"]))
            && code.iter().any(|t| t.is_word("operator"));
        lookup || action
    }

    /// The text for the server.
    pub(crate) fn text(&self) -> String {
        if self.tokens.iter().any(is_squashed) {
            return join(&expand(&self.tokens));
        }
        join(&self.tokens)
    }

    /// Parses it.
    pub(crate) fn parse(&self) -> Result<Parsed, Misread> {
        let (tokens, locks) = simplify(&self.tokens);
        let ast = parse_simplified(&tokens)?;
        Ok(Parsed {
            text: self.text(),
            parameters: self.parameters(),
            ast,
            locks,
        })
    }
}

/// The fingerprint of a text; `None` if something in it does not end.
#[must_use]
pub fn fingerprint(text: &str) -> Option<u64> {
    Prepared::new(text)
        .ok()
        .map(|prepared| prepared.fingerprint())
}

/// A statement as the server can EXPLAIN it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explainable {
    /// Its text: repaired, one statement, no semicolon.
    pub text: String,
    /// Highest `$n`.
    pub parameters: usize,
}

/// Makes a text explainable, whether its SQL is understood or not: the server knows better.
///
/// # Errors
/// Says why it cannot be: it is no SELECT, INSERT, UPDATE, DELETE or MERGE, or more than one.
pub fn explainable(text: &str) -> Result<Explainable, String> {
    let prepared = Prepared::new(text).map_err(|misread| misread.what)?;
    if !prepared.is_query() {
        return Err("it is no SELECT, INSERT, UPDATE, DELETE or MERGE".into());
    }
    if !prepared.is_one_statement() {
        return Err("it is more than one statement".into());
    }
    Ok(Explainable {
        text: prepared.text(),
        parameters: prepared.parameters(),
    })
}

/// Parses a text that stands for itself, such as the definition of a view.
pub(crate) fn parse_text(text: &str) -> Result<Ast, Misread> {
    Ok(Prepared::new(text)?.parse()?.ast)
}

/// Parses simplified tokens, unless they need too much stack.
pub(crate) fn parse_simplified(tokens: &[Token<'_>]) -> Result<Ast, Misread> {
    measure(tokens)?;
    parse_tokens(tokens)
}

/// Parses simplified tokens as one statement.
fn parse_tokens(tokens: &[Token<'_>]) -> Result<Ast, Misread> {
    let theirs = (tokens.iter().enumerate())
        .map(|(number, token)| translate(number, token))
        .collect();
    let mut parser = Parser::new(&Postgres)
        .with_recursion_limit(MAX_DEPTH * 4)
        .with_tokens_with_locations(theirs);
    let mut statements = (parser.parse_statements()).map_err(|e| located(e, tokens))?;
    match (statements.pop(), statements.is_empty()) {
        (Some(one), true) => Ok(one),
        _ => Err(Misread {
            what: "more than one statement".into(),
            offset: None,
        }),
    }
}

/// Turns the `… at Line: 1, Column: 15` of the parser, where the column is the number of a token, into an offset of the
/// original text.
fn located(error: ParserError, tokens: &[Token<'_>]) -> Misread {
    let message = match error {
        ParserError::ParserError(message) | ParserError::TokenizerError(message) => message,
        ParserError::RecursionLimitExceeded => "nested too deeply".to_owned(),
    };
    let Some((what, place)) = message.split_once(" at Line: ") else {
        return Misread {
            what: message,
            offset: None,
        };
    };
    let number = (place.split_once("Column: "))
        .and_then(|(_, column)| column.trim().parse::<usize>().ok())
        .and_then(|column| column.checked_sub(1));
    Misread {
        what: what.to_owned(),
        offset: number.and_then(|n| tokens.get(n)).map(|t| t.start),
    }
}

/// Refuses what would need more stack than there may be.
fn measure(tokens: &[Token<'_>]) -> Result<(), Misread> {
    let (mut depth, mut chain, mut arms) = (0_usize, 0_usize, 0_usize);
    // Chains that continue behind a parenthesis.
    let mut open: Vec<usize> = Vec::new();
    for token in tokens {
        match token.kind {
            Kind::Mark => match token.text.as_ref() {
                "(" | "[" => {
                    depth += 1;
                    open.push(std::mem::take(&mut chain));
                }
                ")" | "]" => {
                    depth = depth.saturating_sub(1);
                    chain = open.pop().unwrap_or(0);
                }
                "," | ";" => chain = 0,
                "::" | "." => chain += 1,
                _ => {}
            },
            Kind::Operator => chain += 1,
            Kind::Word => match token.key_word(&mut [0; LONGEST_KEY_WORD]) {
                "case" => depth += 1,
                "end" => depth = depth.saturating_sub(1),
                "and" | "or" | "union" | "except" | "intersect" => {
                    arms += 1;
                    chain = 0;
                }
                "is" | "collate" | "at" | "not" | "between" | "like" | "ilike" | "in" => chain += 1,
                "select" | "from" | "where" | "then" | "else" | "when" | "set" | "on" | "join" => {
                    chain = 0;
                }
                _ => {}
            },
            _ => {}
        }
        let what = if depth > MAX_DEPTH {
            format!("nested deeper than {MAX_DEPTH} levels")
        } else if chain > MAX_CHAIN {
            format!("more than {MAX_CHAIN} operators in a row")
        } else if arms > MAX_ARMS {
            format!("more than {MAX_ARMS} conditions")
        } else {
            continue;
        };
        return Err(Misread {
            what,
            offset: Some(token.start),
        });
    }
    Ok(())
}

impl Misread {
    /// As a reason, with the place and the words there.
    pub(crate) fn reason(self, text: &str) -> Reason {
        const WORDS: usize = 24;
        let place = self
            .offset
            .and_then(|offset| text.get(offset..))
            .map(|rest| {
                let end = (rest.char_indices().nth(WORDS)).map_or(rest.len(), |(i, _)| i);
                let near: Vec<&str> = rest[..end].split_whitespace().collect();
                near.join(" ")
            });
        Reason::Unparsed(match place {
            Some(near) if !near.is_empty() => format!("{} near \"{near}\"", self.what),
            _ => self.what,
        })
    }
}
