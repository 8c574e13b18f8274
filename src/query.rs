//! SQL text → meaning. The only module that knows sqlparser.
//!
//! `parse` turns one text into a syntax tree or a reason why not, `fingerprint` says which texts are the same statement,
//! `shape` is what a statement does to each table (the planner's view: equality, range, join, order, output), `analyse`
//! makes a Shape from a tree by resolving names against the catalog, and `workload` puts statements, weights and coverage
//! together. Nothing here fails: what is not understood comes back as a reason.

pub mod shape;
#[cfg(test)]
pub(crate) mod testing;
pub mod workload;
