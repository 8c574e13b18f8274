//! The `pgperf` binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    pgperf::cli::main()
}
