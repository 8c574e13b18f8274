//! `pgperf explain`: one statement or one recorded plan, as a tree with what each node took, and what rules find in it.

mod analyze;
mod offline;
mod subject;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::advice::{AdviceOptions, PlannerChoice, advice};
use super::deadline::Deadline;
use super::gate::GateArgs;
use super::interrupt::unless_interrupted;
use super::output::{style, to_stdout};
use super::traffic::LogArgs;
use super::{ConnectArgs, Exit, Failure, load};
use crate::advisor::recommendation::Action;
use crate::audit::statement::of_statement;
use crate::audit::text::{Cost, Text};
use crate::audit::view::View;
use crate::model::explained::Explained;
use crate::model::snapshot::Snapshot;
use crate::pg::connect::Connection;
use crate::pg::error::Kind;
use crate::pg::explain::{Depth, Explainable, explained};
use crate::query::facts::Read;
use crate::query::parse;
use crate::query::sent::Sent;
use crate::report::explain::{Examined, compare, json, text as page_of};
use crate::report::{Report, Style};
use analyze::{Executed, analyzed};
use subject::{Subject, alone, plan_of_file, read, statement, subject};

/// Options of `pgperf explain`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    connect: ConnectArgs,
    /// The statement.
    #[arg(short = 'c', long, value_name = "SQL")]
    command: Option<String>,
    /// The statement or a recorded plan, in a file; `-` for stdin, which is also read when nothing else is given.
    #[arg(short = 'f', long, value_name = "FILE", conflicts_with = "command")]
    file: Option<PathBuf>,
    /// The statement of this queryid in `pg_stat_statements`.
    #[arg(long, value_name = "ID", conflicts_with_all = ["command", "file"], allow_negative_numbers = true)]
    queryid: Option<i64>,
    /// Two recorded plans: what changed from the first to the second.
    #[arg(long, num_args = 2, value_names = ["OLD", "NEW"], conflicts_with_all = ["command", "file", "queryid"])]
    compare: Option<Vec<PathBuf>>,
    /// Without a server: what is known of the tables is in this snapshot file (pgperf snapshot). A statistics clone plans the
    /// statement; a recorded plan gets advice.
    #[arg(long, value_name = "SNAPSHOT", conflicts_with_all = ["target", "dbname", "host", "port", "user", "compare"])]
    from: Option<PathBuf>,
    #[command(flatten)]
    logs: LogArgs,
    /// Execute it, if it is proven to read only: EXPLAIN (ANALYZE, BUFFERS) in a read-only transaction that is rolled back.
    /// Parameters without values get some from the statistics.
    #[arg(long)]
    analyze: bool,
    /// Seconds that executing may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
    #[command(flatten)]
    gate: GateArgs,
    /// Leave out the index advice.
    #[arg(long)]
    no_advice: bool,
    /// Who answers what an index would bring.
    #[arg(long, value_name = "WHO", value_enum, default_value_t = PlannerChoice::Auto)]
    planner: PlannerChoice,
    /// Form on stdout: text or json.
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"])]
    format: String,
    /// Whether nothing is written meanwhile.
    #[arg(skip)]
    quiet: bool,
}

/// How long to look for indexes.
const ADVISING: Duration = Duration::from_secs(20);

/// Runs it.
pub(crate) async fn run(args: &ExplainArgs) -> Result<Exit, Failure> {
    if let Some([old, new]) = args.compare.as_deref() {
        let [old, new] = [plan_of_file(old)?, plan_of_file(new)?];
        let page = compare(&View::new(&old, None), &View::new(&new, None), style());
        to_stdout(&page)?;
        return Ok(Exit::Clean);
    }
    let subject = subject(args)?;
    if let Some(path) = &args.from {
        return unless_interrupted(Box::pin(offline::offline(args, path, subject))).await;
    }
    if let Subject::Plan { text, name } = &subject {
        let plan = read(text, name)?;
        let source = format!("read from {name}");
        write(args, &Shown::alone(&source, &plan))?;
        return Ok(Exit::Clean);
    }
    unless_interrupted(Box::pin(live(args, subject))).await
}

fn no_statement(why: &str) -> Failure {
    Failure::new(
        Exit::Usage,
        format!("the statement cannot be explained: {why}"),
    )
}

/// Asks the server.
async fn live(args: &ExplainArgs, subject: Subject) -> Result<Exit, Failure> {
    let by_id = args.queryid.is_some();
    let (connection, snapshot) = load::live(&args.connect.options(), by_id, false).await?;
    let page = page(args, &connection, &snapshot, subject, style()).await?;
    connection.close().await;
    to_stdout(&page.text)?;
    Ok(Exit::Clean)
}

/// What is shown of a statement.
pub(super) struct Page {
    /// The page.
    pub(super) text: String,
    /// The DDL that is advised for it.
    pub(super) ddl: Vec<String>,
}

impl ExplainArgs {
    /// For one statement on a connection that there is: planned, or executed behind the gate.
    pub(super) fn of_statement(planner: PlannerChoice, analyze: Option<GateArgs>) -> Self {
        Self {
            analyze: analyze.is_some(),
            gate: analyze.unwrap_or_default(),
            timeout: 30,
            planner,
            format: "text".to_owned(),
            quiet: true,
            ..Self::default()
        }
    }
}

/// Explains a statement's text on a connection that there is.
pub(super) async fn explain_text(
    args: &ExplainArgs,
    connection: &Connection,
    snapshot: &Snapshot,
    text: String,
    style: Style,
) -> Result<Page, Failure> {
    page(args, connection, snapshot, Subject::Statement(text), style).await
}

async fn page(
    args: &ExplainArgs,
    connection: &Connection,
    snapshot: &Snapshot,
    subject: Subject,
    style: Style,
) -> Result<Page, Failure> {
    let given = statement(subject, snapshot)?;
    let statement = parse::explainable(&given.text).map_err(|why| no_statement(&why))?;
    let (statement, sent) = with_sent(args, connection, snapshot, statement).await?;
    let values = sent.as_ref().map(Sent::origin);
    let Executed {
        mut plan,
        source,
        notes,
    } = if args.analyze {
        let executed = analyzed(args, connection, snapshot, &statement, &given.text).await?;
        let how = values.map_or_else(String::new, |values| format!("{values}; "));
        Executed {
            source: how + &executed.source,
            ..executed
        }
    } else {
        let asked = explainable(&statement);
        let output = explained(connection, &asked, Depth::Planned).await?;
        let source = match values {
            Some(values) => format!("{values}; not executed"),
            None if statement.parameters > 0 => {
                "generic plan, made without values and not executed".to_owned()
            }
            None => "planned, not executed; --analyze executes".to_owned(),
        };
        Executed {
            plan: read(&output, "the server")?,
            source,
            notes: Vec::new(),
        }
    };
    if let Some(sent) = &sent {
        sent.mask(&mut plan);
    }
    let report = if args.no_advice {
        None
    } else {
        Some(advised(args, Some(connection), snapshot, &given.text).await?)
    };
    let notes: Vec<String> = given.notes.into_iter().chain(notes).collect();
    let shown = Shown {
        statement: Some(&given.text),
        source: &source,
        plan: &plan,
        snapshot: Some(snapshot),
        advice: report.as_ref(),
        notes: &notes,
    };
    Ok(Page {
        text: written(args, &shown, style),
        ddl: report.as_ref().map_or_else(Vec::new, ddl),
    })
}

/// The statements that are advised, in order.
pub(super) fn ddl(report: &Report) -> Vec<String> {
    let changes = report.recommendations.iter().flat_map(|r| &r.changes);
    changes.map(ToString::to_string).collect()
}

/// Advice on indexes for this statement alone.
async fn advised(
    args: &ExplainArgs,
    connection: Option<&Connection>,
    snapshot: &Snapshot,
    text: &str,
) -> Result<Report, Failure> {
    let alone = alone(snapshot, text, args.queryid);
    let options = AdviceOptions {
        planner: args.planner,
        deadline: Deadline::after(ADVISING),
        quiet: args.quiet,
        ..AdviceOptions::default()
    };
    let mut report = advice(&alone, connection, &options).await?;
    // What is superfluous anyway is not about this statement.
    report
        .recommendations
        .retain(|r| !r.statements.is_empty() || r.action == Action::Analyze);
    Ok(report)
}

/// The statement with the values that logs show, where there are some and the server takes them.
async fn with_sent(
    args: &ExplainArgs,
    connection: &Connection,
    snapshot: &Snapshot,
    statement: parse::Explainable,
) -> Result<(parse::Explainable, Option<Sent>), Failure> {
    let Some(sent) = args.logs.sent(snapshot, &statement, args.queryid)? else {
        return Ok((statement, None));
    };
    let filled = parse::Explainable {
        text: sent.usual.text.clone(),
        parameters: sent.usual.parameters,
    };
    // Its message would show the values.
    match explained(connection, &explainable(&filled), Depth::Planned).await {
        Ok(_) => Ok((filled, Some(sent))),
        Err(error) if error.kind == Kind::Lost => Err(error.into()),
        Err(_) => {
            eprintln!("pgperf: warning: the server does not take the values of the logs");
            Ok((statement, None))
        }
    }
}

fn explainable(statement: &parse::Explainable) -> Explainable<'_> {
    Explainable {
        text: &statement.text,
        parameters: statement.parameters,
        search_path: &[],
    }
}

/// A plan with all that is known beside it.
struct Shown<'a> {
    statement: Option<&'a str>,
    source: &'a str,
    plan: &'a Explained,
    snapshot: Option<&'a Snapshot>,
    advice: Option<&'a Report>,
    /// What the user is to know, a sentence each.
    notes: &'a [String],
}

impl<'a> Shown<'a> {
    /// A plan of which nothing else is known.
    fn alone(source: &'a str, plan: &'a Explained) -> Self {
        Self {
            statement: None,
            source,
            plan,
            snapshot: None,
            advice: None,
            notes: &[],
        }
    }
}

/// Judges the plan and writes it to stdout.
fn write(args: &ExplainArgs, shown: &Shown<'_>) -> Result<(), Failure> {
    to_stdout(&written(args, shown, style()))
}

/// Judges the plan.
fn written(args: &ExplainArgs, shown: &Shown<'_>, style: Style) -> String {
    let view = View::new(shown.plan, shown.snapshot);
    let of_log = shown.plan.properties.get("Query Text");
    let statement = shown.statement.or(of_log.and_then(|t| t.as_str()));
    // What it costs among others is not asked here.
    let text = statement.and_then(|text| Read::new(text).ok());
    let text = text.as_ref().map(|read| Text {
        read,
        snapshot: shown.snapshot,
        cost: Cost::default(),
    });
    let findings = of_statement(Some(&view), text.as_ref());
    let examined = Examined {
        statement,
        source: shown.source,
        notes: shown.notes,
        view: &view,
        findings: &findings,
        advice: shown.advice,
    };
    if args.format == "json" {
        json(&examined)
    } else {
        page_of(&examined, style)
    }
}
