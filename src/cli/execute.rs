//! Statements are executed behind the gate: one at a time, with each of their vectors of values, in a transaction that is rolled
//! back (read-only, unless the user wants what writes tried), and for no longer than the user said.

use std::time::Duration;

use super::Failure;
use super::deadline::Deadline;
use super::gate::{Allowed, Refusal, by_text, refuses};
use crate::audit::execution::{Execution, NotExecuted, Outcome, Run, slowest};
use crate::model::explained::Explained;
use crate::model::unit::Millis;
use crate::pg::connect::Connection;
use crate::pg::error::{Error, Kind};
use crate::pg::explain::{Depth, Explainable, explained};
use crate::query::vector::Vector;

/// For how long, and what may pass.
#[derive(Debug, Clone)]
pub(super) struct Bounds {
    /// Each execution.
    pub(super) timeout: Duration,
    /// All of them.
    pub(super) deadline: Deadline,
    /// What the user allows.
    pub(super) allowed: Allowed,
}

/// `query_canceled`: nobody but our own `statement_timeout` cancels.
const CANCELLED: &str = "57014";

/// Less time is not worth beginning with.
const SHORTEST: Duration = Duration::from_millis(100);

impl From<Refusal> for NotExecuted {
    fn from(refusal: Refusal) -> Self {
        Self {
            kind: refusal.kind,
            why: refusal.why,
        }
    }
}

/// A reason with its kind.
pub(super) fn not(why: &str, kind: &str) -> Execution {
    Execution::Not(NotExecuted {
        kind: kind.to_owned(),
        why: why.to_owned(),
    })
}

/// Why a statement is not even tried: by its text, and by how long it usually takes.
pub(super) fn untried(text: &str, mean_ms: Option<f64>, bounds: &Bounds) -> Option<Execution> {
    if let Some(refusal) = by_text(text, &bounds.allowed) {
        return Some(Execution::Not(refusal.into()));
    }
    let limit = bounds.timeout.as_secs_f64() * 1000.0;
    let mean = mean_ms.filter(|mean| *mean > limit)?;
    let why = format!(
        "it takes {} on average, the time limit is {}",
        Millis(mean),
        Millis(limit)
    );
    Some(not(&why, "it takes longer than the time limit"))
}

/// Executes a statement with each of its vectors. The plan is that of the slowest.
pub(super) async fn execute(
    connection: &Connection,
    vectors: &[Vector],
    search_path: &[String],
    bounds: &Bounds,
) -> Result<(Execution, Option<Explained>), Failure> {
    let (mut runs, mut plans) = (Vec::new(), Vec::new());
    for vector in vectors {
        let left = bounds.deadline.left().unwrap_or(Duration::MAX);
        if left < SHORTEST {
            break;
        }
        let timeout = bounds.timeout.min(left);
        let (outcome, plan) =
            match one(connection, vector, search_path, timeout, &bounds.allowed).await? {
                Ok(found) => found,
                Err(refusal) => return Ok((Execution::Not(refusal.into()), None)),
            };
        plans.push(plan);
        let is_over = matches!(outcome, Outcome::Stopped { .. });
        runs.push(Run {
            vector: vector.clone(),
            outcome,
        });
        // What comes after it is more common, and not faster.
        if is_over {
            break;
        }
    }
    Ok(match slowest(&runs) {
        Some(slowest) => (Execution::Executed(runs), plans.swap_remove(slowest)),
        None => (without_end(&runs), None),
    })
}

/// None of them came to its end.
fn without_end(runs: &[Run]) -> Execution {
    match runs.first().map(|run| (&run.vector, &run.outcome)) {
        Some((vector, Outcome::Stopped { after_ms })) => {
            let with = if vector.values.is_empty() {
                String::new()
            } else {
                format!("with {vector} ")
            };
            not(
                &format!("{with}it did not end in {}", Millis(*after_ms)),
                "it did not end in time",
            )
        }
        Some((_, Outcome::Failed { why })) => {
            not(&format!("the server says: {why}"), "the server refused it")
        }
        _ => not(
            "the time limit for all statements was over before it",
            "no time was left",
        ),
    }
}

type Found = (Outcome, Option<Explained>);

/// Executes it once; the inner error is a refusal of the gate.
async fn one(
    connection: &Connection,
    vector: &Vector,
    search_path: &[String],
    timeout: Duration,
    allowed: &Allowed,
) -> Result<Result<Found, Refusal>, Failure> {
    let statement = Explainable {
        text: &vector.text,
        parameters: 0,
        search_path,
    };
    match gated(connection, &statement, timeout, allowed).await? {
        Ok(answer) => found(answer, timeout).map(Ok),
        Err(refusal) => Ok(Err(refusal)),
    }
}

/// The output of EXPLAIN of a statement without parameters, executed once.
pub(super) async fn executed_once(
    connection: &Connection,
    statement: &Explainable<'_>,
    timeout: Duration,
    allowed: &Allowed,
) -> Result<String, Failure> {
    Ok(gated(connection, statement, timeout, allowed).await???)
}

/// Executes what passes the gate in a transaction of its own that is rolled back: what the server says, unless the gate refuses.
async fn gated(
    connection: &Connection,
    statement: &Explainable<'_>,
    timeout: Duration,
    allowed: &Allowed,
) -> Result<Result<Result<String, Error>, Refusal>, Failure> {
    if allowed.writes(statement.text) {
        connection.begin_writing().await?;
    } else {
        connection.begin().await?;
    }
    let answer = match refuses(connection, statement.text, allowed).await {
        Ok(None) => {
            let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
            let depth = Depth::Executed {
                timeout_ms: timeout_ms.max(1),
            };
            Ok(Ok(explained(connection, statement, depth).await))
        }
        Ok(Some(refusal)) => Ok(Err(refusal)),
        Err(failure) => Err(failure),
    };
    let ended = connection.end().await;
    let answer = answer?;
    if !matches!(&answer, Ok(Err(_))) {
        ended?;
    }
    Ok(answer)
}

fn found(answer: Result<String, Error>, timeout: Duration) -> Result<Found, Failure> {
    let failed = |why: String| (Outcome::Failed { why }, None);
    Ok(match answer {
        Ok(output) => match Explained::read(&output) {
            Ok(explained) => (Outcome::of(&explained), Some(explained)),
            Err(why) => failed(why),
        },
        Err(error) if error.kind == Kind::Lost => return Err(error.into()),
        Err(error) if error.sqlstate.as_deref() == Some(CANCELLED) => {
            let after_ms = timeout.as_secs_f64() * 1000.0;
            (Outcome::Stopped { after_ms }, None)
        }
        Err(error) => failed(error.message),
    })
}
