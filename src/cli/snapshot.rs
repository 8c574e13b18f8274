//! `pgperf snapshot`: save everything collected as one file.

use std::fmt::Write as _;

use clap::Args;

use crate::cli::file::{self, Output};
use crate::cli::{ConnectArgs, Exit, Failure, memory};
use crate::model::redact::redact;
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Bytes, Count};
use crate::pg::collect::{CollectOptions, collect};

/// Options of `pgperf snapshot`.
#[derive(Debug, Args)]
pub(crate) struct SnapshotArgs {
    #[command(flatten)]
    connect: ConnectArgs,
    /// Write to FILE (gzipped JSON, mode 0600); - is stdout.
    #[arg(short = 'o', long, value_name = "FILE")]
    output: String,
    /// Remove literals from texts and values from column statistics; frequencies stay.
    #[arg(long)]
    redact: bool,
    /// Also take the statements that sessions run now (`pg_stat_activity`), literals included.
    #[arg(long)]
    activity: bool,
}

/// Runs it.
pub(crate) async fn run(args: &SnapshotArgs) -> Result<Exit, Failure> {
    let connection = args.connect.open().await?;
    let options = CollectOptions {
        activity: args.activity,
        ..CollectOptions::default()
    };
    let mut snapshot = collect(&connection, &options).await?;
    snapshot.server.memory_bytes = memory::of_server(None, connection.endpoint())?;
    if args.redact {
        redact(&mut snapshot);
    }
    let output = Output::from(args.output.as_str());
    let size = file::write(&output, &snapshot)?;
    eprint!("{}", summary(&snapshot, &args.output, size));
    Ok(Exit::Clean)
}

/// What was saved, what is sensitive in it, and what is missing.
fn summary(snapshot: &Snapshot, output: &str, size: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "counts for people")]
    let count = |n: usize| Count(n as f64);
    #[expect(clippy::cast_precision_loss, reason = "a size for people")]
    let size = Bytes(size as f64);
    let mut text = format!(
        "saved to {}: {} tables, {} indexes, {} statements of database {} ({size})\n",
        if output == "-" { "stdout" } else { output },
        count(snapshot.tables.len()),
        count(snapshot.indexes.len()),
        count(snapshot.statements.len()),
        snapshot.server.database,
    );
    text.push_str(if snapshot.redacted {
        "literals and column values were removed; names of objects and roles were not\n"
    } else {
        "it holds real column values (pg_stats), and texts of statements may hold literals: --redact removes both\n"
    });
    for gap in &snapshot.gaps {
        let _ = writeln!(text, "not seen: {}", gap.what);
        for command in &gap.close {
            let _ = writeln!(text, "    {command}");
        }
    }
    text
}
