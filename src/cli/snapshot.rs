//! `pgperf snapshot`: save everything collected as one file.

use clap::Args;

use super::{ConnectArgs, Exit, Failure};

/// Options of `pgperf snapshot`.
#[derive(Debug, Args)]
pub(crate) struct SnapshotArgs {
    #[command(flatten)]
    connect: ConnectArgs,
}

/// Runs it.
pub(crate) async fn run(_args: &SnapshotArgs) -> Result<Exit, Failure> {
    todo!()
}
