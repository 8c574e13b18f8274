//! `pgperf demo`: the embedded default.

use clap::Args;

use super::{Exit, Failure};

/// Options of `pgperf demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {}

/// Runs it.
pub(crate) async fn run(_args: &DemoArgs) -> Result<Exit, Failure> {
    todo!()
}
