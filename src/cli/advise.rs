//! `pgperf advise`: index advice for the workload of a live database, a snapshot file, or a file of statements.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::advice::{AdviceOptions, PlannerChoice, advice};
use super::apply::{self, ApplyArgs};
use super::args::size;
use super::deadline::Deadline;
use super::interrupt::unless_interrupted;
use super::output::{Output, write};
use super::traffic::LogArgs;
use super::{ConnectArgs, Exit, Failure, load};
use crate::model::gap::{Gap, Part};
use crate::model::snapshot::Snapshot;
use crate::pg::connect::Connection;
use crate::query::split::{SyntaxError, statements_from_sql};
use crate::query::workload::WorkloadOptions;
use crate::report::Report;

/// Options of `pgperf advise`.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct AdviseArgs {
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
    #[command(flatten)]
    pub(crate) logs: LogArgs,
    /// Analyse a snapshot file (pgperf snapshot) instead of a live database.
    #[arg(long, value_name = "SNAPSHOT", conflicts_with_all = ["target", "dbname", "host", "port", "user"])]
    pub(crate) from: Option<PathBuf>,
    /// Take the statements from a file of SQL, `-` for stdin; a comment `-- calls=120 mean_ms=3.5` before one weighs it.
    #[arg(long, value_name = "FILE.sql")]
    pub(crate) queries: Option<PathBuf>,
    /// Take the statements that are running or ran last in each session (`pg_stat_activity`).
    #[arg(long, conflicts_with_all = ["queries", "from"])]
    pub(crate) activity: bool,
    /// Most space that all new indexes may take: `2GB`, `500MB`, or a share of the database's size, `20%`.
    #[arg(long, value_name = "SIZE")]
    pub(crate) budget: Option<String>,
    /// Show as well what each budget buys: the best set as large as is of any use, the best of half its size, and so on.
    #[arg(long)]
    pub(crate) frontier: bool,
    /// Most new indexes.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_indexes: Option<u32>,
    /// Most new indexes on one table.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_indexes_per_table: Option<u32>,
    /// Most columns of one index.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=32))]
    pub(crate) max_columns: u8,
    /// Who answers what an index would bring: HypoPG on the target, or arithmetic over the statistics.
    #[arg(long, value_name = "WHO", value_enum, default_value_t = PlannerChoice::Auto)]
    pub(crate) planner: PlannerChoice,
    /// Leave out statements with fewer calls.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) min_calls: u32,
    /// Leave out statements with less total execution time, in minutes.
    #[arg(long, value_name = "MINUTES", default_value_t = 0.0)]
    pub(crate) min_time: f64,
    /// Analyse at most this many statements, the most expensive ones.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub(crate) top: usize,
    /// Stop asking the planner this many seconds after the start and choose from what is known.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    pub(crate) deadline: u64,
    /// Say of each candidate that was not chosen why not.
    #[arg(long)]
    pub(crate) explain_rejections: bool,
    #[command(flatten)]
    pub(crate) apply: ApplyArgs,
    #[command(flatten)]
    pub(crate) output: Output,
    /// Exit with 4 when a gap kept part of the load from being analysed.
    #[arg(long)]
    pub(crate) strict: bool,
}

/// Runs it.
pub(crate) async fn run(args: &AdviseArgs) -> Result<Exit, Failure> {
    args.output.check()?;
    args.apply.check()?;
    let mut advised = None;
    let exit = unless_interrupted(Box::pin(async {
        let (snapshot, report, exit) = advise(args).await?;
        advised = Some((snapshot, report.recommendations));
        Ok(exit)
    }))
    .await?;
    let Some((snapshot, recommendations)) = advised.filter(|_| args.apply.scope().is_some()) else {
        return Ok(exit);
    };
    let target = load::target(&args.connect.options())?;
    let applied = apply::run(&args.apply, &target, &recommendations, &snapshot).await?;
    Ok(if applied == Exit::Clean {
        exit
    } else {
        applied
    })
}

/// Advises, and writes the report.
async fn advise(args: &AdviseArgs) -> Result<(Snapshot, Report, Exit), Failure> {
    let budget = args.budget.as_deref().map(Budget::parse).transpose()?;
    let queries = args.queries.as_deref().map(load::text).transpose()?;
    let deadline = Deadline::after(Duration::from_secs(args.deadline));
    let (mut snapshot, connection) = source(args).await?;
    if let Some(connection) = connection.as_ref().filter(|_| args.apply.scope().is_some()) {
        apply::check_server(connection, &snapshot)?;
    }
    let doubts = match queries {
        Some((name, text)) => use_file(&mut snapshot, &name, &text, args.planner)?,
        None => BTreeMap::new(),
    };
    let (logs, unseen) = args.logs.values(&snapshot)?;
    let options = AdviceOptions {
        budget_bytes: budget.map(|b| b.bytes(snapshot.server.database_size_bytes)),
        max_indexes: args.max_indexes.map(|n| n as usize),
        max_indexes_per_table: args.max_indexes_per_table.map(|n| n as usize),
        max_columns: usize::from(args.max_columns),
        frontier: args.frontier,
        planner: args.planner,
        deadline,
        workload: WorkloadOptions {
            min_calls: f64::from(args.min_calls),
            min_total_ms: args.min_time * 60_000.0,
            top: Some(args.top),
            ..WorkloadOptions::default()
        },
        explain_rejections: args.explain_rejections,
        quiet: false,
        doubts,
        logs,
        snapshot_file: args.from.as_ref().map(|p| p.display().to_string()),
    };
    let mut report = advice(&snapshot, connection.as_ref(), &options).await?;
    report.gaps.extend(unseen);
    if let Some(connection) = connection {
        connection.close().await;
    }
    write(&report, &args.output)?;
    let incomplete = args.strict && report.coverage.analysed < report.coverage.statements;
    let exit = if incomplete {
        Exit::Incomplete
    } else {
        Exit::Clean
    };
    Ok((snapshot, report, exit))
}

/// The Snapshot to analyse, and the session to ask when it is live.
async fn source(args: &AdviseArgs) -> Result<(Snapshot, Option<Connection>), Failure> {
    if let Some(path) = &args.from {
        return Ok((load::snapshot(path)?, None));
    }
    let (connection, mut snapshot) = load::live(
        &args.connect.options(),
        args.queries.is_none() && !args.activity,
        args.activity,
    )
    .await?;
    let seen = !snapshot.statements.is_empty();
    if !seen && args.queries.is_none() && !args.activity {
        // Without pg_stat_statements the running sessions are better than nothing; the gap says that they are all.
        let (connection, other) = load::live(&args.connect.options(), false, true).await?;
        snapshot.statements = other.statements;
        if !snapshot.statements.is_empty() {
            snapshot.gaps.push(
                Gap::new(Part::Statements, "the statements are those that sessions were running when looked at (pg_stat_activity)")
                    .effect("how often and how long statements run is unknown: all count alike"),
            );
        }
        return Ok((snapshot, Some(connection)));
    }
    Ok((snapshot, Some(connection)))
}

/// Replaces the statements by those of a file; a file with an error is refused as a whole. Returns the errors that the server
/// may not see in them, by position of the statement.
fn use_file(
    snapshot: &mut Snapshot,
    name: &str,
    text: &str,
    planner: PlannerChoice,
) -> Result<BTreeMap<usize, String>, Failure> {
    let parsed = statements_from_sql(text);
    let said = |error: &SyntaxError| {
        let SyntaxError { line, column, what } = error;
        format!("{name}:{line}:{column}: {what}")
    };
    // Without a planner there is nobody who could know better.
    let doubts = parsed.doubts.iter().map(|(_, error)| error);
    let doubts = doubts.filter(|_| planner == PlannerChoice::Estimate);
    let errors: Vec<&SyntaxError> = parsed.errors.iter().chain(doubts).collect();
    if let Some(first) = errors.first() {
        let more = match errors.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        return Err(not_sql(format!("{}{more}", said(first))));
    }
    if parsed.statements.is_empty() {
        return Err(
            Failure::new(Exit::Usage, format!("{name}: no statements in it"))
                .hint("SQL statements that end with a semicolon"),
        );
    }
    snapshot.statements = parsed.statements;
    snapshot.gaps.retain(|g| g.part != Part::Statements);
    Ok((parsed.doubts.iter())
        .map(|(at, e)| (*at, said(e)))
        .collect())
}

/// A file of statements that neither pgperf nor the server could read.
pub(super) fn not_sql(message: String) -> Failure {
    Failure::new(Exit::Usage, message)
        .hint("correct the statement or take it out; statements end with a semicolon")
}

/// A storage budget as the user gives it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Budget {
    Bytes(f64),
    Share(f64),
}

impl Budget {
    fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = || {
            Failure::new(Exit::Usage, format!("--budget {text}: not a size")).hint(
                "a number with kB, MB, GB or TB (2GB), or a share of the database's size (20%)",
            )
        };
        if let Some(percent) = text.trim().strip_suffix('%') {
            let percent: f64 = percent.trim().parse().map_err(|_| wrong())?;
            return Ok(Self::Share(percent / 100.0));
        }
        size(text).map(Self::Bytes).ok_or_else(wrong)
    }

    fn bytes(self, database: f64) -> f64 {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Share(share) => share * database,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets() {
        assert_eq!(
            Budget::parse("2GB").unwrap(),
            Budget::Bytes(2_147_483_648.0)
        );
        assert_eq!(Budget::parse("1.5 mb").unwrap(), Budget::Bytes(1_572_864.0));
        assert_eq!(Budget::parse("20%").unwrap(), Budget::Share(0.2));
        for wrong in ["", "GB", "-1GB", "2 potatoes", "1.2.3MB"] {
            assert!(Budget::parse(wrong).is_err(), "{wrong}");
        }
    }
}
