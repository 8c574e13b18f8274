//! What is to be explained: a statement as it was typed, pasted or found in `pg_stat_statements`, or a recorded plan.

use std::io::IsTerminal as _;
use std::path::Path;

use super::super::{Exit, Failure, load};
use super::ExplainArgs;
use crate::model::explained::Explained;
use crate::model::gap::Part;
use crate::model::snapshot::Snapshot;
use crate::query::given::{Given, given};
use crate::query::split::statements_from_sql;

/// What the user gave.
pub(super) enum Subject {
    /// The text of a statement.
    Statement(String),
    /// The statement of this queryid.
    Queryid(i64),
    /// A recorded plan, with the name of where it was read from.
    Plan { text: String, name: String },
}

/// What the user gave.
pub(super) fn subject(args: &ExplainArgs) -> Result<Subject, Failure> {
    if let Some(id) = args.queryid {
        return Ok(Subject::Queryid(id));
    }
    if let Some(text) = &args.command {
        return Ok(Subject::Statement(text.clone()));
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
    Ok(if is_plan {
        Subject::Plan { text, name }
    } else {
        Subject::Statement(text)
    })
}

pub(super) fn plan_of_file(path: &Path) -> Result<Explained, Failure> {
    let (name, text) = load::text(path)?;
    read(&text, &name)
}

pub(super) fn read(text: &str, name: &str) -> Result<Explained, Failure> {
    Explained::read(text).map_err(|why| {
        Failure::new(Exit::Usage, format!("{name}: {why}"))
            .hint("what EXPLAIN prints, as text or with FORMAT JSON")
    })
}

/// The statement that is meant.
pub(super) fn statement(subject: Subject, snapshot: &Snapshot) -> Result<Given, Failure> {
    match subject {
        Subject::Queryid(id) => Ok(Given {
            text: of_queryid(snapshot, id)?,
            notes: Vec::new(),
        }),
        Subject::Statement(text) | Subject::Plan { text, .. } => one_statement(&text),
    }
}

/// The one statement of a text.
fn one_statement(text: &str) -> Result<Given, Failure> {
    let script = statements_from_sql(text);
    if let Some(error) = script.errors.first() {
        return Err(Failure::new(Exit::Usage, error.to_string()).hint("one statement of SQL"));
    }
    let mut statements = script.statements.into_iter().filter_map(|s| s.query);
    match (statements.next(), statements.next()) {
        (Some(one), None) => Ok(given(&one)),
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

/// What was seen, with this statement as the whole load.
pub(super) fn alone(snapshot: &Snapshot, text: &str, queryid: Option<i64>) -> Snapshot {
    let mut alone = snapshot.clone();
    let known = alone.statements.into_iter();
    let known = known.filter(|s| s.queryid.is_some() && s.queryid == queryid);
    alone.statements = known.collect();
    if alone.statements.is_empty() {
        alone.statements = statements_from_sql(text).statements;
        alone.gaps.retain(|gap| gap.part != Part::Statements);
    }
    alone
}
