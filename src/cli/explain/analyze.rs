//! `pgperf explain --analyze`: the statement is executed behind the gate, with values from the statistics where it has parameters.

use std::time::Duration;

use super::super::deadline::Deadline;
use super::super::execute::{Bounds, execute, executed_once};
use super::super::{Exit, Failure};
use super::subject::{alone, read};
use super::{ExplainArgs, explainable};
use crate::advisor::vectors::vectors;
use crate::audit::execution::{Execution, slowest};
use crate::model::explained::Explained;
use crate::model::snapshot::Snapshot;
use crate::pg::connect::Connection;
use crate::query::parse::Explainable;
use crate::query::workload::{WorkloadOptions, workload};
use crate::report::audit::ran;

/// A plan, where it comes from, and what else is to be said of it.
pub(super) struct Executed {
    pub(super) plan: Explained,
    pub(super) source: String,
    pub(super) notes: Vec<String>,
}

/// Executes what passes the gate.
pub(super) async fn analyzed(
    args: &ExplainArgs,
    connection: &Connection,
    snapshot: &Snapshot,
    statement: &Explainable,
    text: &str,
) -> Result<Executed, Failure> {
    let allowed = args.gate.allowed(&snapshot.server)?;
    let timeout = Duration::from_secs(args.timeout);
    let how = how(allowed.writes(&statement.text));
    if statement.parameters == 0 {
        let output = executed_once(connection, &explainable(statement), timeout, &allowed).await?;
        return Ok(Executed {
            plan: read(&output, "the server")?,
            source: format!("executed, {how}"),
            notes: Vec::new(),
        });
    }
    let bounds = Bounds {
        timeout,
        deadline: Deadline::default(),
        allowed,
    };
    with_values(args, connection, snapshot, text, &bounds).await
}

/// In what it was executed.
fn how(is_writing: bool) -> &'static str {
    if is_writing {
        "in a transaction that was rolled back"
    } else {
        "in a read-only transaction that was rolled back"
    }
}

/// Executes a statement with parameters: of several executions the slowest is shown.
async fn with_values(
    args: &ExplainArgs,
    connection: &Connection,
    snapshot: &Snapshot,
    text: &str,
    bounds: &Bounds,
) -> Result<Executed, Failure> {
    let refused = |why: &str| {
        Failure::new(Exit::Usage, format!("not executed: {why}"))
            .hint("write values in the place of the parameters; without --analyze the statement is planned generically")
    };
    let alone = alone(snapshot, text, args.queryid);
    let load = workload(&alone, &WorkloadOptions::default());
    let Some(query) = load.queries.first() else {
        let why = load.skipped.first().map(|s| s.reason.describe());
        let why = why.unwrap_or_default();
        return Err(refused(&format!(
            "it has parameters without values ({why})"
        )));
    };
    let vectors = vectors(query, &alone).map_err(|why| refused(&why))?;
    match execute(connection, &vectors, &query.search_path, bounds).await? {
        (Execution::Executed(runs), Some(plan)) => {
            let shown = slowest(&runs).map_or_else(String::new, |at| runs[at].vector.to_string());
            let how = how(bounds.allowed.writes(&query.text));
            let source = format!("executed with {shown}, a value from the statistics, {how}");
            let others = runs.iter().filter(|_| runs.len() > 1);
            let notes = others.map(|run| format!("executed {}", ran(run, true)));
            Ok(Executed {
                plan,
                source,
                notes: notes.collect(),
            })
        }
        (Execution::Not(not), _) => Err(refused(&not.why)),
        (Execution::Executed(_), None) => Err(refused("no plan came back")),
    }
}
