//! `pgperf audit`: every rule over a database and the statements that cost most.

mod plans;

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::advice::{AdviceOptions, PlannerChoice, advice};
use super::deadline::Deadline;
use super::execute::{Bounds, execute, not, untried};
use super::gate::{Allowed, GateArgs};
use super::interrupt::unless_interrupted;
use super::output::{style, to_stdout};
use super::traffic::TrafficArgs;
use super::{ConnectArgs, Exit, Failure, load, memory};
use crate::advisor::usual::assume_values;
use crate::advisor::vectors::vectors;
use crate::audit::database::unseen;
use crate::audit::execution::Execution;
use crate::audit::finding::Severity;
use crate::audit::rules::of_database;
use crate::model::explained::Explained;
use crate::model::snapshot::Snapshot;
use crate::pg::connect::Connection;
use crate::query::n_plus_one::Loops;
use crate::query::sent::SentStatements;
use crate::query::workload::{Workload, WorkloadOptions, workload};
use crate::report::audit::{Audit, confirmed, json, text};
use crate::report::{Report, TargetSummary};
use plans::{Plans, statements};

/// Options of `pgperf audit`.
#[derive(Debug, Clone, Args)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    connect: ConnectArgs,
    #[command(flatten)]
    traffic: TrafficArgs,
    /// Without a server: audit a snapshot file (pgperf snapshot). A statistics clone plans the statements.
    #[arg(long, value_name = "SNAPSHOT", conflicts_with_all = ["target", "dbname", "host", "port", "user", "analyze", "watch"])]
    from: Option<PathBuf>,
    /// Audit at most this many statements, the most expensive ones.
    #[arg(long, value_name = "N", default_value_t = 100)]
    top: usize,
    /// Memory of the server's machine (16GB), which settings are judged by; known where the server is reached by a socket.
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,
    /// Execute the most expensive of them, as far as they are proven to read only: EXPLAIN (ANALYZE, BUFFERS) in read-only
    /// transactions that are rolled back, one at a time. Their parameters get values from the statistics.
    #[arg(long)]
    analyze: bool,
    /// Execute at most so many statements.
    #[arg(long, value_name = "N", default_value_t = 10, requires = "analyze")]
    analyze_top: usize,
    /// Seconds that each execution may take; a statement that takes longer on average is not tried.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, requires = "analyze", value_parser = clap::value_parser!(u64).range(1..))]
    analyze_timeout: u64,
    /// Seconds that all executions together may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, requires = "analyze", value_parser = clap::value_parser!(u64).range(1..))]
    analyze_limit: u64,
    #[command(flatten)]
    gate: GateArgs,
    /// Exit with 1 when something of this severity or worse is found.
    #[arg(long, value_name = "SEVERITY", value_enum, default_value_t = FailOn::Never)]
    fail_on: FailOn,
    /// Leave out the index advice.
    #[arg(long)]
    no_advice: bool,
    /// Who answers what an index would bring.
    #[arg(long, value_name = "WHO", value_enum, default_value_t = PlannerChoice::Auto)]
    planner: PlannerChoice,
    /// Form on stdout: text or json.
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"])]
    format: String,
}

/// `--fail-on`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Info,
    Low,
    Medium,
    High,
    Never,
}

impl FailOn {
    fn reached(self, worst: Option<Severity>) -> bool {
        let least = match self {
            Self::Info => Severity::Info,
            Self::Low => Severity::Low,
            Self::Medium => Severity::Medium,
            Self::High => Severity::High,
            Self::Never => return false,
        };
        worst.is_some_and(|worst| worst >= least)
    }
}

/// Runs it.
pub(crate) async fn run(args: &AuditArgs) -> Result<Exit, Failure> {
    unless_interrupted(Box::pin(audit(args))).await
}

async fn audit(args: &AuditArgs) -> Result<Exit, Failure> {
    let (connection, mut snapshot, before) = if let Some(path) = &args.from {
        (None, load::snapshot(path)?, Vec::new())
    } else {
        let (connection, snapshot, before) = args.traffic.collect(&args.connect).await?;
        (Some(connection), snapshot, before)
    };
    let endpoint = connection.as_ref().map_or("", |c| c.endpoint());
    let memory = memory::of_server(args.memory.as_deref(), endpoint)?;
    snapshot.server.memory_bytes = memory.or(snapshot.server.memory_bytes);
    let allowed = if args.analyze {
        Some(args.gate.allowed(&snapshot.server)?)
    } else {
        None
    };
    let logs = args.traffic.read_logs(&snapshot)?;
    let (traffic, not_told) = args.traffic.judge(&snapshot, &before, logs.as_ref());
    let findings = of_database(&snapshot);
    let options = WorkloadOptions {
        top: Some(args.top),
        ..WorkloadOptions::default()
    };
    let mut load = workload(&snapshot, &options);
    let executed = match (&connection, allowed) {
        (Some(connection), Some(allowed)) => {
            executed(args, allowed, connection, &snapshot, &load).await?
        }
        _ => Vec::new(),
    };
    assume_values(&mut load, &snapshot);
    let sent = logs.as_ref().map(|(loops, _)| SentStatements::new(loops));
    let mut plans = match &connection {
        Some(connection) => Plans::Server(connection),
        None => Plans::of_snapshot(&snapshot).await,
    };
    let judged = statements(&mut plans, &snapshot, &load, executed, sent.as_ref()).await;
    plans.end().await;
    let (statements, unplanned) = judged?;
    let report = if args.no_advice {
        None
    } else {
        let logs = logs.as_ref().map(|(loops, _)| Arc::clone(loops));
        Some(advised(args, connection.as_ref(), &snapshot, options, logs).await?)
    };
    if let Some(connection) = connection {
        connection.close().await;
    }
    let mut gaps = snapshot.gaps.clone();
    gaps.extend(unplanned);
    gaps.extend(not_told);
    gaps.extend(unseen(&snapshot));
    // The advice tells the same gaps, and more.
    if let Some(report) = &report {
        gaps.retain(|gap| !report.gaps.contains(gap));
    }
    let advised = report.as_ref().map(|r| r.recommendations.as_slice());
    let findings = confirmed(findings, advised);
    let target = target(&snapshot, args.from.as_deref());
    let audit = Audit {
        target: &target,
        database: &findings,
        statements: &statements,
        seen: load.coverage.statements,
        traffic: traffic.as_ref(),
        gaps: &gaps,
        advice: report.as_ref(),
    };
    let page = if args.format == "json" {
        json(&audit)
    } else {
        text(&audit, style())
    };
    to_stdout(&page)?;
    Ok(if args.fail_on.reached(audit.worst()) {
        Exit::Findings
    } else {
        Exit::Clean
    })
}

/// What executing a statement showed, with the plan that is to be judged.
type Executed = (Execution, Option<Explained>);

/// The most expensive statements executed, as far as they may be, in the order of the load.
async fn executed(
    args: &AuditArgs,
    allowed: Allowed,
    connection: &Connection,
    snapshot: &Snapshot,
    load: &Workload,
) -> Result<Vec<Executed>, Failure> {
    let bounds = Bounds {
        timeout: Duration::from_secs(args.analyze_timeout),
        deadline: Deadline::after(Duration::from_secs(args.analyze_limit)),
        allowed,
    };
    let is_shown = std::io::stderr().is_terminal();
    let (mut all, count) = (Vec::new(), args.analyze_top.min(load.queries.len()));
    for (position, query) in load.queries.iter().take(count).enumerate() {
        if is_shown {
            eprint!("\rexecuting statement {} of {count}", position + 1);
            let _ = std::io::stderr().flush();
        }
        let mean = query.total_ms.filter(|_| query.calls > 0.0);
        let mean = mean.map(|ms| ms / query.calls);
        if let Some(untried) = untried(&query.text, mean, &bounds) {
            all.push((untried, None));
            continue;
        }
        all.push(match vectors(query, snapshot) {
            Ok(vectors) => execute(connection, &vectors, &query.search_path, &bounds).await?,
            Err(why) => (not(&why, "statistics give no value for a parameter"), None),
        });
    }
    if is_shown {
        eprint!("\r\x1b[K");
    }
    Ok(all)
}

/// The index advice for the load.
async fn advised(
    args: &AuditArgs,
    connection: Option<&Connection>,
    snapshot: &Snapshot,
    workload: WorkloadOptions,
    logs: Option<Arc<Loops>>,
) -> Result<Report, Failure> {
    let options = AdviceOptions {
        planner: args.planner,
        deadline: Deadline::default(),
        workload,
        logs,
        ..AdviceOptions::default()
    };
    advice(snapshot, connection, &options).await
}

fn target(snapshot: &Snapshot, from: Option<&Path>) -> TargetSummary {
    TargetSummary {
        database: snapshot.server.database.clone(),
        server_version: snapshot.server.version.clone(),
        taken_at: snapshot.taken_at,
        snapshot: from.map(|path| path.display().to_string()),
        statements_window_s: super::advice::window(snapshot),
    }
}
