//! What stands in the text of a statement, as plain data with names as written: blocks, what they read from, what they compare.
//!
//! A Shape says what a statement asks of each table; Facts say how it was written, which is what rules about SQL judge. A text of
//! `pg_stat_statements` has lost its constants: they are parameters here too, so that a rule can tell what it does not know.

mod block;
mod comparison;
mod condition;
mod side;
mod walk;

use std::hash::{DefaultHasher, Hash, Hasher};

use sqlparser::ast::{Query as QueryAst, Statement as Ast};

use crate::query::facts::walk::Walk;
use crate::query::lexer::{Kind, Token};
use crate::query::parse::{Prepared, parse_simplified};
use crate::query::simplify::simplify;
use crate::query::workload::{QueryKind, Reason};

pub use block::{Block, Form, Join, Key, Output, Place, Relation, Source};
pub use comparison::{Column, Condition, How, Pattern, Side, Test, Value};

/// A text that was read: what stands in it, and its tree for rewriting.
#[derive(Debug)]
pub struct Read {
    /// What stands in it.
    pub facts: Facts,
    /// Our fingerprint.
    pub fingerprint: u64,
    /// The tree.
    pub(crate) ast: Ast,
    /// Whether the tree says all that the text says, so that it can be written down again.
    pub(crate) complete: bool,
}

impl Read {
    /// Reads a text.
    ///
    /// # Errors
    /// The reason why it could not be read.
    pub fn new(text: &str) -> Result<Self, Reason> {
        let prepared = Prepared::new(text).map_err(|e| e.reason(text))?;
        if !prepared.is_query() {
            return Err(Reason::Utility);
        }
        let (tokens, _) = simplify(prepared.tokens());
        let complete = words(prepared.code()) == words(tokens.iter());
        let ast = parse_simplified(&tokens).map_err(|e| e.reason(text))?;
        let mut facts = walk::facts(&ast);
        facts.parameters = prepared.parameters();
        facts.lock = lock(prepared.code());
        facts.volatile = prepared.code().any(|t| t.is_any(VOLATILE));
        Ok(Self {
            facts,
            fingerprint: prepared.fingerprint(),
            ast,
            complete,
        })
    }
}

/// The names by which a query and those in it name what they read from.
pub(crate) fn relation_names(query: &QueryAst) -> Vec<String> {
    let relations = Walk::of(query).relations;
    relations.into_iter().map(|r| r.name).collect()
}

/// A sum over all that is no mark, whatever the order: equal where nothing was lost or made up.
fn words<'t, 'a: 't>(tokens: impl Iterator<Item = &'t Token<'a>>) -> u64 {
    let words = tokens.filter(|t| t.kind != Kind::Mark).map(|t| {
        let mut hasher = DefaultHasher::new();
        t.text.hash(&mut hasher);
        hasher.finish()
    });
    words.fold(0, u64::wrapping_add)
}

/// The locking clause, which the parser does not get to see.
fn lock<'t, 'a: 't>(code: impl Iterator<Item = &'t Token<'a>>) -> Option<Lock> {
    let code: Vec<&Token<'_>> = code.collect();
    let word = |at: usize, word: &str| code.get(at).is_some_and(|t| t.is_word(word));
    let at = (0..code.len()).rev().find(|&at| {
        let no_key = word(at + 1, "no") && word(at + 2, "key") && word(at + 3, "update");
        word(at, "for") && (word(at + 1, "update") || no_key)
    })?;
    let waits = !code[at..].iter().any(|t| t.is_any(&["nowait", "skip"]));
    let outermost = !code[at..].iter().any(|t| t.is(")"));
    Some(Lock { waits, outermost })
}

/// Words behind which another answer stands each time, whatever the tables hold.
const VOLATILE: &[&str] = &[
    "now",
    "random",
    "current_timestamp",
    "current_date",
    "current_time",
    "localtime",
    "localtimestamp",
    "clock_timestamp",
    "statement_timestamp",
    "transaction_timestamp",
    "timeofday",
    "nextval",
    "gen_random_uuid",
    "uuid_generate_v4",
    "current_user",
    "session_user",
    "current_setting",
];

/// What stands in a statement.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// Kind of statement.
    pub kind: Option<QueryKind>,
    /// Highest `$n`.
    pub parameters: usize,
    /// Queries, each before those inside it and behind those of its WITH.
    pub blocks: Vec<Block>,
    /// What the blocks read from or write to.
    pub relations: Vec<Relation>,
    /// Conditions of WHERE and ON that must all hold for a row of their block.
    pub conditions: Vec<Condition>,
    /// `FOR UPDATE` or `FOR NO KEY UPDATE`, if there is one.
    pub lock: Option<Lock>,
    /// Whether it asks for the time, for chance, or for who asks.
    pub volatile: bool,
    /// INSERTs.
    pub inserts: Vec<Insert>,
    /// Comparisons with NULL by `=` or `<>`: the comparison and what it is to be, as text.
    pub null_comparisons: Vec<(String, String)>,
    /// `count(*)` compared with 0, as text, with what asks the same of the first row only.
    pub count_tests: Vec<(String, String)>,
    /// `NOT IN (SELECT …)`.
    pub not_in: Vec<NotIn>,
    /// `IN (…)` with many elements.
    pub long_lists: Vec<LongList>,
    /// UNIONs that remove duplicates.
    pub unions: Vec<Union>,
}

/// The lock of FOR UPDATE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lock {
    /// Whether it waits for rows that others have locked: neither NOWAIT nor SKIP LOCKED.
    pub waits: bool,
    /// Whether it belongs to the outermost query.
    pub outermost: bool,
}

/// An INSERT.
#[derive(Debug, Clone, PartialEq)]
pub struct Insert {
    /// Parts of the table's name.
    pub table: Vec<String>,
    /// Whether it names the columns.
    pub named: bool,
    /// Whether it writes something that depends on the order of the columns (not DEFAULT VALUES).
    pub ordered: bool,
}

/// `left NOT IN (SELECT output FROM …)`.
#[derive(Debug, Clone, PartialEq)]
pub struct NotIn {
    /// The block that it stands in.
    pub block: usize,
    /// The subquery.
    pub query: usize,
    /// What is looked for, if it is a column.
    pub left: Option<Column>,
    /// All of it as text.
    pub text: String,
    /// The same as NOT EXISTS, where that can be told from the text alone.
    pub exists: Option<String>,
    /// Whether the subquery itself says that its output is not NULL.
    pub guarded: bool,
}

/// `left IN (…)` with many elements.
#[derive(Debug, Clone, PartialEq)]
pub struct LongList {
    /// What is looked for, as text.
    pub left: String,
    /// Elements.
    pub length: usize,
    /// NOT IN.
    pub negated: bool,
    /// All of it as text.
    pub text: String,
}

/// A UNION that removes duplicates.
#[derive(Debug, Clone, PartialEq)]
pub struct Union {
    /// Its block.
    pub block: usize,
    /// Its arms.
    pub arms: Vec<usize>,
    /// Whether only such UNIONs are in it, so that all arms are of one kind.
    pub alone: bool,
}

/// Lists are long from so many elements on.
pub const LONG_LIST: usize = 100;
