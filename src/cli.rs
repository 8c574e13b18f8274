//! The shell: arguments, one file a command, printing, clock, exit codes. The only layer that does any of these.
#![expect(clippy::print_stderr, reason = "printing is what this layer is for")]

mod advice;
mod advise;
mod apply;
mod args;
mod audit;
mod calibrate;
mod choose;
mod clone;
mod deadline;
mod demo;
mod doctor;
mod drops;
mod execute;
mod exit;
mod explain;
mod file;
mod frontier;
mod gate;
mod generic;
mod interrupt;
mod load;
pub mod logs;
mod memory;
mod output;
mod planner;
mod rules;
mod snapshot;
mod top;
mod traffic;
mod watch;

use std::process::ExitCode;

use clap::Parser as _;

pub(crate) use args::ConnectArgs;
pub(crate) use exit::{Exit, Failure};
use interrupt::unless_interrupted;

/// Parses the command line, runs the command, prints the error if any, and gives the exit code.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = args::Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("pgperf: cannot start: {error}");
            return Exit::Usage.into();
        }
    };
    match runtime.block_on(run(arguments)) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("{failure}");
            failure.exit.into()
        }
    }
}

async fn run(arguments: args::Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        // These have something to remove, and see to signals themselves.
        args::Command::Advise(command) => advise::run(&command).await,
        args::Command::Audit(command) => audit::run(&command).await,
        args::Command::Clone(command) => clone::run(&command).await,
        args::Command::Demo(command) => demo::run(&command).await,
        args::Command::Doctor(command) => unless_interrupted(doctor::run(&command)).await,
        args::Command::Explain(command) => explain::run(&command).await,
        args::Command::Rules(command) => rules::run(&command),
        args::Command::Snapshot(command) => unless_interrupted(snapshot::run(&command)).await,
        args::Command::Top(command) => top::run(&command).await,
    }
}
