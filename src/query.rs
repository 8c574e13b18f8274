//! SQL text → meaning. The only module that knows sqlparser.
//!
//! `parse` turns one text into a syntax tree or a reason why not, `fingerprint` says which texts are the same statement,
//! `shape` is what a statement does to each table (the planner's view: equality, range, join, order, output), `analyse`
//! makes a Shape from a tree by resolving names against the catalog, and `workload` puts statements, weights and coverage
//! together. Nothing here fails: what is not understood comes back as a reason.

pub mod analyse;
pub mod catalog;
pub mod expression;
pub(crate) mod fingerprint;
pub(crate) mod lexer;
pub(crate) mod literal;
pub mod paging;
pub(crate) mod parse;
pub(crate) mod repair;
pub mod shape;
pub(crate) mod simplify;
pub mod split;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod translate;
pub(crate) mod tree;
pub mod workload;
