//! The nouns: plain data with public fields that every other layer speaks in.
//!
//! Nothing here decides, connects or prints. Field names are PostgreSQL's own column names wherever one exists, so that a
//! reader who knows `pg_stats` or `pg_stat_user_tables` knows these types.

pub mod build;
pub mod catalog;
pub mod change;
pub mod cluster;
pub mod counters;
pub mod definition;
pub mod delta;
pub mod explained;
pub mod gap;
pub mod ident;
pub mod index;
pub mod plan;
pub mod redact;
pub mod sample;
pub mod server;
pub mod snapshot;
pub mod standing;
pub mod statement;
pub mod stats;
pub mod unit;
pub mod whatif;
