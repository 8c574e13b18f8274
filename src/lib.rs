//! pgperf: a PostgreSQL query profiler and index advisor.

pub mod advisor;
pub mod cli;
pub mod model;
pub mod pg;
pub mod query;
