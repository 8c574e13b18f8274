//! SNAPSHOT, PLANS, SQL → FINDINGS: what an expert sees, by rules, each with its evidence and what to do about it.
//!
//! A rule is one file under [`rules`] and one line in [`rules::RULES`]: what it looks at, its page for people, and a pure function
//! from what is looked at to findings. Whether a finding is worth a person's time is decided in one place for all
//! ([`finding::severity`]), by what it costs.

pub mod condition;
pub mod database;
pub mod estimate;
pub mod exclusive;
pub mod execution;
pub mod finding;
pub mod load;
pub mod partitions;
pub mod repeated;
pub mod rows;
pub mod rules;
pub mod scan;
pub mod statement;
#[cfg(test)]
pub(crate) mod testing;
pub mod text;
pub mod view;
