//! `pgperf doctor`: what was found, and the commands that close each gap.

use clap::Args;

use super::{ConnectArgs, Exit, Failure};

/// Options of `pgperf doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    connect: ConnectArgs,
}

/// Runs it.
pub(crate) async fn run(_args: &DoctorArgs) -> Result<Exit, Failure> {
    todo!()
}
