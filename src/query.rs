//! SQL text → meaning. The only module that knows sqlparser.
//!
//! A text passes through these in turn: `lexer` cuts it into tokens, `repair` makes what `pg_stat_statements` wrote valid
//! again (the text for the server), `fingerprint` says which texts are the same statement, `simplify` and `translate` give
//! the parser what it can read, `parse` makes a syntax tree (of `dialect`) or a reason why not, and `analyse` resolves names against the
//! `catalog` and makes a `shape`: what the statement asks of each table. Where a text cannot be read, `from_plan` reads its plan
//! instead. `workload` puts statements, weights and coverage together, `split` reads files, and `expression` spells expressions
//! so that they compare; `comparison` says what a condition of a plan compares with what, `facts` how a statement is written, and
//! `rewrite` writes it otherwise; `gate` says what it could do beside reading, `vector` with which values it is executed, `outputs` which of them choose no rows, and
//! `given` reads what people paste. `log` reads what a server logs of statements, `n_plus_one` tells from logs or from counters which
//! are run once for each row of another, and `sent` puts values that logs show in the place of parameters. Nothing here fails: what
//! is not understood comes back as a reason. `bytes` looks through long texts.

pub mod analyse;
pub(crate) mod bytes;
pub mod catalog;
pub mod comparison;
pub(crate) mod dialect;
pub mod expression;
pub mod facts;
pub(crate) mod fingerprint;
pub(crate) mod from_plan;
pub mod gate;
pub mod given;
pub mod highlight;
pub(crate) mod lexer;
pub(crate) mod literal;
pub mod log;
pub mod n_plus_one;
pub mod outputs;
pub mod parse;
pub(crate) mod repair;
pub mod rewrite;
pub mod sent;
pub mod shape;
pub(crate) mod simplify;
pub mod split;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod translate;
pub(crate) mod tree;
pub mod usual;
pub mod vector;
pub mod workload;
