//! `pgperf audit`: every rule over the statements that cost most.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::advice::{AdviceOptions, PlannerChoice, advice};
use super::deadline::Deadline;
use super::execute::{Bounds, execute, not, untried};
use super::gate::{Allowed, is_no_superuser};
use super::interrupt::unless_interrupted;
use super::output::{style, to_stdout};
use super::traffic::TrafficArgs;
use super::{ConnectArgs, Exit, Failure, memory};
use crate::advisor::usual::assume_values;
use crate::advisor::vectors::vectors;
use crate::audit::database::unseen;
use crate::audit::execution::Execution;
use crate::audit::finding::Severity;
use crate::audit::load::{Audited, audited};
use crate::audit::rules::of_database;
use crate::model::explained::Explained;
use crate::model::gap::{Gap, Part};
use crate::model::snapshot::Snapshot;
use crate::pg::connect::Connection;
use crate::pg::error::Kind;
use crate::pg::explain::{Depth, Explainable, explained};
use crate::query::n_plus_one::Loops;
use crate::query::sent::{Sent, SentStatements};
use crate::query::workload::{Query, Workload, WorkloadOptions, workload};
use crate::report::audit::{Audit, json, text};
use crate::report::{Report, TargetSummary};

/// Options of `pgperf audit`.
#[derive(Debug, Clone, Args)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    connect: ConnectArgs,
    #[command(flatten)]
    traffic: TrafficArgs,
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
    /// Execute although a statement calls this function, which is volatile or whose body is not known (repeatable).
    #[arg(long, value_name = "NAME", requires = "analyze")]
    allow_function: Vec<String>,
    /// Execute although the role is a superuser.
    #[arg(long, requires = "analyze")]
    allow_superuser: bool,
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
    let (connection, mut snapshot, before) = args.traffic.collect(&args.connect).await?;
    snapshot.server.memory_bytes =
        memory::of_server(args.memory.as_deref(), connection.endpoint())?;
    let allowed = Allowed {
        functions: args.allow_function.clone(),
        superuser: args.allow_superuser,
    };
    if args.analyze {
        is_no_superuser(snapshot.server.is_superuser, &allowed)?;
    }
    let logs = args.traffic.read_logs(&snapshot)?;
    let (traffic, not_told) = args.traffic.judge(&snapshot, &before, logs.as_ref());
    let findings = of_database(&snapshot);
    let options = WorkloadOptions {
        top: Some(args.top),
        ..WorkloadOptions::default()
    };
    let mut load = workload(&snapshot, &options);
    let executed = if args.analyze {
        executed(args, allowed, &connection, &snapshot, &load).await?
    } else {
        Vec::new()
    };
    assume_values(&mut load, &snapshot);
    let sent = logs.as_ref().map(|(loops, _)| SentStatements::new(loops));
    let (statements, unplanned) =
        statements(&connection, &snapshot, &load, executed, sent.as_ref()).await?;
    let report = if args.no_advice {
        None
    } else {
        let logs = logs.as_ref().map(|(loops, _)| Arc::clone(loops));
        Some(advised(args, &connection, &snapshot, options, logs).await?)
    };
    connection.close().await;
    let mut gaps = snapshot.gaps.clone();
    gaps.extend(unplanned);
    gaps.extend(not_told);
    gaps.extend(unseen(&snapshot));
    // The advice tells the same gaps, and more.
    if let Some(report) = &report {
        gaps.retain(|gap| !report.gaps.contains(gap));
    }
    let target = target(&snapshot);
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
        all.push(
            match (
                untried(&query.text, mean, &bounds),
                vectors(query, snapshot),
            ) {
                (Some(untried), _) => (untried, None),
                (None, Err(why)) => (not(&why, "statistics give no value for a parameter"), None),
                (None, Ok(vectors)) => {
                    execute(connection, &vectors, &query.search_path, &bounds).await?
                }
            },
        );
    }
    if is_shown {
        eprint!("\r\x1b[K");
    }
    Ok(all)
}

/// Each statement with what rules find in its plan; what could not be planned is a gap.
async fn statements(
    connection: &Connection,
    snapshot: &Snapshot,
    load: &Workload,
    executed: Vec<Executed>,
    sent: Option<&SentStatements<'_>>,
) -> Result<(Vec<Audited>, Option<Gap>), Failure> {
    let timed = load.coverage.timed;
    let total = load.coverage.total;
    let total = if total > 0.0 {
        total
    } else {
        load.queries.iter().map(|q| q.load(timed)).sum()
    };
    let (mut all, mut refused) = (Vec::new(), Vec::new());
    let mut executed = executed.into_iter();
    for query in &load.queries {
        let (execution, executed) = executed
            .next()
            .map_or((None, None), |(e, plan)| (Some(e), plan));
        let mut sent = sent.and_then(|sent| sent.of(query, snapshot));
        let plan = match executed {
            Some(plan) => {
                // It was executed with values of its own.
                sent = None;
                Ok(plan)
            }
            None => planned(connection, query, sent.as_ref()).await?,
        };
        // What a log shows in another way than the server takes it is no help.
        let plan = match plan {
            Err(_) if sent.take().is_some() => planned(connection, query, None).await?,
            plan => plan,
        };
        let plan = plan.map_err(|why| refused.push(why)).ok();
        let of_it = audited(query, plan.as_ref(), load, snapshot, total);
        let one = of_it.with(execution);
        all.push(Audited {
            values: sent.map(|sent| sent.origin()),
            ..one
        });
    }
    let gap = refused.first().map(|example| {
        let what = format!("statements that the server would not plan, e.g.: {example}");
        Gap::new(Part::Planner, what)
            .effect("no rule has looked at their plans")
            .count(refused.len())
    });
    Ok((all, gap))
}

/// Its plan with the values it was sent with, else with its usual ones, not executed; the inner error is about this statement.
async fn planned(
    connection: &Connection,
    query: &Query,
    sent: Option<&Sent>,
) -> Result<Result<Explained, String>, Failure> {
    let usual = query.ways().max_by(|a, b| a.0.total_cmp(&b.0));
    let usual = sent
        .map(|sent| &sent.usual)
        .or(usual.map(|(_, usual, _)| usual));
    let (text, parameters) = usual.map_or((query.text.as_str(), query.parameters), |usual| {
        (usual.text.as_str(), usual.parameters)
    });
    let statement = Explainable {
        text,
        parameters,
        search_path: &query.search_path,
    };
    match explained(connection, &statement, Depth::Planned).await {
        Ok(output) => Ok(Explained::read(&output).map(|mut plan| {
            if let Some(sent) = sent {
                sent.mask(&mut plan);
            }
            plan
        })),
        Err(error) if error.kind == Kind::Lost => Err(error.into()),
        Err(error) => Ok(Err(error.message)),
    }
}

/// The index advice for the load.
async fn advised(
    args: &AuditArgs,
    connection: &Connection,
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
    advice(snapshot, Some(connection), &options).await
}

fn target(snapshot: &Snapshot) -> TargetSummary {
    TargetSummary {
        database: snapshot.server.database.clone(),
        server_version: snapshot.server.version.clone(),
        taken_at: snapshot.taken_at,
        snapshot: None,
        statements_window_s: super::advice::window(snapshot),
    }
}
