//! `pgperf explain --from SNAPSHOT`: without the observed server. A statistics clone plans; of a recorded plan the statement is guessed.

use std::path::Path;

use super::super::clone::{cache, installation};
use super::super::{Exit, Failure, load};
use super::subject::{Subject, read, statement};
use super::{ExplainArgs, Shown, advised, explainable, write};
use crate::advisor::size::heights;
use crate::model::explained::Explained;
use crate::model::snapshot::Snapshot;
use crate::pg::clone::StatisticsClone;
use crate::query::from_plan::statement_of;
use crate::query::parse;

/// Explains what was given with what a snapshot file knows.
pub(super) async fn offline(
    args: &ExplainArgs,
    path: &Path,
    subject: Subject,
) -> Result<Exit, Failure> {
    if args.analyze {
        return Err(Failure::new(
            Exit::Usage,
            "a snapshot has no rows to execute a statement on",
        )
        .hint("without --from, against a database; without --analyze it is planned"));
    }
    let snapshot = load::snapshot(path)?;
    match subject {
        Subject::Plan { text, name } => recorded(args, &snapshot, &text, &name).await,
        subject => planned(args, &snapshot, subject).await,
    }
}

/// A statement, planned by a clone.
async fn planned(
    args: &ExplainArgs,
    snapshot: &Snapshot,
    subject: Subject,
) -> Result<Exit, Failure> {
    let given = statement(subject, snapshot)?;
    let statement = parse::explainable(&given.text).map_err(|why| super::no_statement(&why))?;
    let installation = installation(snapshot)?;
    let mut clone = StatisticsClone::hydrate(
        snapshot,
        &heights(snapshot),
        &installation,
        cache().as_deref(),
    )
    .await?;
    let output = clone.explained(&explainable(&statement)).await;
    clone.stop().await;
    let plan = read(&output?, "the clone")?;
    let mut notes = given.notes;
    let (own, theirs) = (installation.major(), snapshot.server.major());
    if own != theirs {
        notes.push(format!(
            "the clone runs PostgreSQL {own}, the server {theirs}: plans and costs may differ"
        ));
    }
    let kind = if statement.parameters > 0 {
        "generic plan, made without values by a clone of the snapshot"
    } else {
        "planned by a clone of the snapshot, not executed"
    };
    let report = if args.no_advice {
        None
    } else {
        Some(advised(args, None, snapshot, &given.text).await?)
    };
    let shown = Shown {
        statement: Some(&given.text),
        source: kind,
        plan: &plan,
        snapshot: Some(snapshot),
        advice: report.as_ref(),
        notes: &notes,
    };
    write(args, &shown)?;
    Ok(Exit::Clean)
}

/// A recorded plan, with advice for its statement if that is known or can be made from the plan.
async fn recorded(
    args: &ExplainArgs,
    snapshot: &Snapshot,
    text: &str,
    name: &str,
) -> Result<Exit, Failure> {
    let plan = read(text, name)?;
    let known = query_text(&plan).map(str::to_owned);
    let mut notes = Vec::new();
    let statement = known
        .clone()
        .or_else(|| statement_of(&plan.plan()?, snapshot));
    let report = match &statement {
        Some(statement) if !args.no_advice => Some(advised(args, None, snapshot, statement).await?),
        _ => None,
    };
    if known.is_none() && !args.no_advice {
        notes.push(match &statement {
            Some(made) => format!(
                "the plan does not tell its statement; the index advice is for one made from its conditions: {made}"
            ),
            None => "no index advice: the plan does not tell its statement, and its tables are not in the snapshot".to_owned(),
        });
    }
    let source = format!("read from {name}");
    let shown = Shown {
        statement: known.as_deref(),
        source: &source,
        plan: &plan,
        snapshot: Some(snapshot),
        advice: report.as_ref(),
        notes: &notes,
    };
    write(args, &shown)?;
    Ok(Exit::Clean)
}

/// The statement that `auto_explain` writes beside a plan.
fn query_text(plan: &Explained) -> Option<&str> {
    plan.properties
        .get("Query Text")
        .and_then(|text| text.as_str())
}
