//! `pgperf explain`: one statement or one recorded plan, as a tree with what each node took, and what rules find in it.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::advice::{AdviceOptions, PlannerChoice, advice};
use super::deadline::Deadline;
use super::gate::{Allowed, pass};
use super::interrupt::unless_interrupted;
use super::output::{style, to_stdout};
use super::traffic::LogArgs;
use super::{ConnectArgs, Exit, Failure, load};
use crate::advisor::recommendation::Action;
use crate::audit::statement::of_statement;
use crate::audit::text::{Cost, Text};
use crate::audit::view::View;
use crate::model::explained::Explained;
use crate::model::gap::Part;
use crate::model::snapshot::Snapshot;
use crate::pg::connect::Connection;
use crate::pg::error::Kind;
use crate::pg::explain::{Depth, Explainable, explained};
use crate::query::facts::Read;
use crate::query::parse::Explainable as Parsed;
use crate::query::sent::Sent;
use crate::query::split::statements_from_sql;
use crate::report::Report;
use crate::report::explain::{Examined, compare, json, text as page_of};

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
    /// What is known of the tables, from a snapshot file, for a recorded plan.
    #[arg(long, value_name = "SNAPSHOT")]
    from: Option<PathBuf>,
    #[command(flatten)]
    logs: LogArgs,
    /// Execute it, if it is proven to read only: EXPLAIN (ANALYZE, BUFFERS) in a read-only transaction that is rolled back.
    #[arg(long)]
    analyze: bool,
    /// Seconds that executing may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
    /// Execute although it calls this function, which is volatile or whose body is not known (repeatable).
    #[arg(long, value_name = "NAME")]
    allow_function: Vec<String>,
    /// Execute although the role is a superuser.
    #[arg(long)]
    allow_superuser: bool,
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

/// How long to look for indexes.
const ADVISING: Duration = Duration::from_secs(20);

/// What is to be explained.
enum Subject {
    Statement(String),
    Plan { text: String, name: String },
}

/// Runs it.
pub(crate) async fn run(args: &ExplainArgs) -> Result<Exit, Failure> {
    if let Some([old, new]) = args.compare.as_deref() {
        let [old, new] = [plan_of_file(old)?, plan_of_file(new)?];
        let page = compare(&View::new(&old, None), &View::new(&new, None), style());
        to_stdout(&page)?;
        return Ok(Exit::Clean);
    }
    match subject(args)? {
        Some(Subject::Plan { text, name }) => {
            let plan = read(&text, &name)?;
            let snapshot = args.from.as_deref().map(load::snapshot).transpose()?;
            write(
                args,
                None,
                &format!("read from {name}"),
                &plan,
                snapshot.as_ref(),
                None,
            )?;
            Ok(Exit::Clean)
        }
        Some(Subject::Statement(text)) => {
            unless_interrupted(Box::pin(live(args, Some(text)))).await
        }
        None => unless_interrupted(Box::pin(live(args, None))).await,
    }
}

/// What the user gave, if not a queryid.
fn subject(args: &ExplainArgs) -> Result<Option<Subject>, Failure> {
    if args.queryid.is_some() {
        return Ok(None);
    }
    if let Some(text) = &args.command {
        return Ok(Some(Subject::Statement(text.clone())));
    }
    let stdin = Path::new("-");
    let path = match &args.file {
        Some(path) => path,
        None if !std::io::stdin().is_terminal() => stdin,
        None => {
            return Err(Failure::new(Exit::Usage, "nothing to explain").hint(
                "-c 'SELECT …', -f FILE (a statement or a recorded plan), --queryid ID, or stdin",
            ));
        }
    };
    let (name, text) = load::text(path)?;
    let is_plan = Explained::read(&text).is_ok() || text.trim_start().starts_with(['[', '{']);
    Ok(Some(if is_plan {
        Subject::Plan { text, name }
    } else {
        Subject::Statement(text)
    }))
}

fn plan_of_file(path: &Path) -> Result<Explained, Failure> {
    let (name, text) = load::text(path)?;
    read(&text, &name)
}

fn read(text: &str, name: &str) -> Result<Explained, Failure> {
    Explained::read(text).map_err(|why| {
        Failure::new(Exit::Usage, format!("{name}: {why}"))
            .hint("what EXPLAIN prints, as text or with FORMAT JSON")
    })
}

/// Asks the server.
async fn live(args: &ExplainArgs, text: Option<String>) -> Result<Exit, Failure> {
    let by_id = args.queryid.is_some();
    let (connection, snapshot) = load::live(&args.connect.options(), by_id, false).await?;
    let text = match (text, args.queryid) {
        (Some(text), _) => one_statement(&text)?,
        (None, Some(id)) => of_queryid(&snapshot, id)?,
        (None, None) => return Err(Failure::new(Exit::Usage, "nothing to explain")),
    };
    let statement = crate::query::parse::explainable(&text).map_err(|why| {
        Failure::new(
            Exit::Usage,
            format!("the statement cannot be explained: {why}"),
        )
    })?;
    let mut sent = args.logs.sent(&snapshot, &statement, args.queryid)?;
    let mut statement = statement;
    if let Some(with_values) = sent.take() {
        let text = with_values.usual.text.clone();
        let parameters = with_values.usual.parameters;
        let filled = Parsed { text, parameters };
        // Its message would show the values.
        let asked = explainable(&filled);
        match explained(&connection, &asked, Depth::Planned).await {
            Ok(_) => (statement, sent) = (filled, Some(with_values)),
            Err(error) if error.kind == Kind::Lost => return Err(error.into()),
            Err(_) => eprintln!("pgperf: warning: the server does not take the values of the logs"),
        }
    }
    let values = sent.as_ref().map(Sent::origin);
    let (mut plan, source) = if args.analyze {
        let output = execute(args, &connection, &snapshot, &statement).await?;
        let how = values.map_or_else(String::new, |values| format!("{values}; "));
        let source = format!("{how}executed, in a read-only transaction that was rolled back");
        (read(&output, "the server")?, source)
    } else {
        let asked = explainable(&statement);
        let output = explained(&connection, &asked, Depth::Planned).await?;
        let kind = match values {
            Some(values) => format!("{values}; not executed"),
            None if statement.parameters > 0 => {
                "generic plan, made without values and not executed".to_owned()
            }
            None => "planned, not executed; --analyze executes".to_owned(),
        };
        (read(&output, "the server")?, kind)
    };
    if let Some(sent) = &sent {
        sent.mask(&mut plan);
    }
    let report = if args.no_advice {
        None
    } else {
        Some(advised(args, &connection, &snapshot, &text).await?)
    };
    connection.close().await;
    write(
        args,
        Some(&text),
        &source,
        &plan,
        Some(&snapshot),
        report.as_ref(),
    )?;
    Ok(Exit::Clean)
}

/// Advice on indexes for this statement alone.
async fn advised(
    args: &ExplainArgs,
    connection: &Connection,
    snapshot: &Snapshot,
    text: &str,
) -> Result<Report, Failure> {
    let mut alone = snapshot.clone();
    let known = alone.statements.into_iter();
    let known = known.filter(|s| s.queryid.is_some() && s.queryid == args.queryid);
    alone.statements = known.collect();
    if alone.statements.is_empty() {
        alone.statements = statements_from_sql(text).statements;
        alone.gaps.retain(|gap| gap.part != Part::Statements);
    }
    let options = AdviceOptions {
        planner: args.planner,
        deadline: Deadline::after(ADVISING),
        ..AdviceOptions::default()
    };
    let mut report = advice(&alone, Some(connection), &options).await?;
    // What is superfluous anyway is not about this statement.
    report
        .recommendations
        .retain(|r| !r.statements.is_empty() || r.action == Action::Analyze);
    Ok(report)
}

fn explainable(statement: &Parsed) -> Explainable<'_> {
    Explainable {
        text: &statement.text,
        parameters: statement.parameters,
        search_path: &[],
    }
}

/// Executes what passes the gate.
async fn execute(
    args: &ExplainArgs,
    connection: &Connection,
    snapshot: &Snapshot,
    statement: &Parsed,
) -> Result<String, Failure> {
    if statement.parameters > 0 {
        return Err(Failure::new(
            Exit::Usage,
            "not executed: the statement has parameters ($1) without values",
        )
        .hint("write values in their place; without --analyze it is planned generically"));
    }
    let allowed = Allowed {
        functions: args.allow_function.clone(),
        superuser: args.allow_superuser,
    };
    connection.begin().await?;
    let is_superuser = snapshot.server.is_superuser;
    let passed = pass(connection, &statement.text, is_superuser, &allowed).await;
    let answer = match passed {
        Ok(()) => {
            let depth = Depth::Executed {
                timeout_ms: args.timeout.saturating_mul(1000),
            };
            let executed = explained(connection, &explainable(statement), depth).await;
            executed.map_err(Failure::from)
        }
        Err(refused) => Err(refused),
    };
    let ended = connection.end().await;
    let output = answer?;
    ended?;
    Ok(output)
}

/// The one statement of a text.
fn one_statement(text: &str) -> Result<String, Failure> {
    let script = statements_from_sql(text);
    if let Some(error) = script.errors.first() {
        return Err(Failure::new(Exit::Usage, error.to_string()).hint("one statement of SQL"));
    }
    let mut statements = script.statements.into_iter().filter_map(|s| s.query);
    match (statements.next(), statements.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(Failure::new(Exit::Usage, "there is no statement in it")),
        (Some(_), Some(_)) => Err(Failure::new(Exit::Usage, "more than one statement")
            .hint("one at a time; pgperf advise --queries takes a file of them")),
    }
}

/// The text of a queryid, of whoever ran it most.
fn of_queryid(snapshot: &Snapshot, id: i64) -> Result<String, Failure> {
    let of_it = snapshot.statements.iter().filter(|s| s.queryid == Some(id));
    let most = of_it.max_by_key(|s| s.calls);
    let unknown = || {
        let gap = snapshot.gaps.first().map(|gap| gap.what.clone());
        let why = gap.map_or_else(String::new, |what| format!(" ({what})"));
        Failure::new(
            Exit::Usage,
            format!(
                "no statement of this database has the queryid {id} in pg_stat_statements{why}"
            ),
        )
        .hint("pgperf advise --format json lists them")
    };
    let statement = most.ok_or_else(unknown)?;
    statement.query.clone().ok_or_else(|| {
        Failure::new(
            Exit::Connect,
            format!("the text of queryid {id} is not visible"),
        )
        .hint("GRANT pg_read_all_stats")
    })
}

/// Judges the plan and writes it.
fn write(
    args: &ExplainArgs,
    statement: Option<&str>,
    source: &str,
    plan: &Explained,
    snapshot: Option<&Snapshot>,
    advice: Option<&Report>,
) -> Result<(), Failure> {
    let view = View::new(plan, snapshot);
    let of_log = plan.properties.get("Query Text").and_then(|t| t.as_str());
    let statement = statement.or(of_log);
    // What it costs among others is not asked here.
    let text = statement.and_then(|text| Read::new(text).ok());
    let text = text.as_ref().map(|read| Text {
        read,
        snapshot,
        cost: Cost::default(),
    });
    let findings = of_statement(Some(&view), text.as_ref());
    let examined = Examined {
        statement,
        source,
        view: &view,
        findings: &findings,
        advice,
    };
    let page = if args.format == "json" {
        json(&examined)
    } else {
        page_of(&examined, style())
    };
    to_stdout(&page)
}
