//! Inputs: a live database, a snapshot file, a file of SQL.

use std::io::Read as _;
use std::path::Path;

use super::{Exit, Failure};
use crate::model::snapshot::Snapshot;
use crate::pg::collect::{CollectOptions, collect};
use crate::pg::connect::{ConnectOptions, Connection, Target};

/// Connects and collects. The session stays open for what-if questions.
pub(crate) async fn live(
    options: &ConnectOptions,
    statements: bool,
    activity: bool,
) -> Result<(Connection, Snapshot), Failure> {
    let connection = connect(options).await?;
    let snapshot = collected(&connection, statements, activity).await?;
    Ok((connection, snapshot))
}

/// Collects, and keeps what is asked from now on out of the users' statements.
pub(crate) async fn collected(
    connection: &Connection,
    statements: bool,
    activity: bool,
) -> Result<Snapshot, Failure> {
    let snapshot = collect(
        connection,
        &CollectOptions {
            statements,
            activity,
            ..CollectOptions::default()
        },
    )
    .await?;
    if snapshot.server.is_superuser && !connection.is_pooled() {
        // Our EXPLAINs would push the users' statements out of pg_stat_statements. Only a superuser may switch this off for
        // its own session; a refusal changes nothing.
        let _ = connection
            .simple("SET pg_stat_statements.track = 'none'")
            .await;
    }
    Ok(snapshot)
}

/// Connects; warnings go to stderr.
pub(crate) async fn connect(options: &ConnectOptions) -> Result<Connection, Failure> {
    let (target, warnings) = Target::resolve(options, &|name| std::env::var(name).ok())?;
    for warning in warnings {
        eprintln!("pgperf: warning: {warning}");
    }
    Ok(Connection::open(&target).await?)
}

/// Connects without a word: nothing may be written over a screen.
pub(crate) async fn connect_quietly(options: &ConnectOptions) -> Result<Connection, Failure> {
    Ok(Connection::open(&target(options)?).await?)
}

/// The target once more, for other sessions to it; its warnings were told.
pub(crate) fn target(options: &ConnectOptions) -> Result<Target, Failure> {
    let (target, _) = Target::resolve(options, &|name| std::env::var(name).ok())?;
    Ok(target)
}

/// Most bytes of a file of statements.
const LARGEST_TEXT: u64 = 256 << 20;

/// A file of SQL, or stdin for `-`: its name for messages, and its text.
pub(crate) fn text(path: &Path) -> Result<(String, String), Failure> {
    let name = if path.as_os_str() == "-" {
        "stdin".to_owned()
    } else {
        path.display().to_string()
    };
    let mut bytes = Vec::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin()
            .lock()
            .take(LARGEST_TEXT)
            .read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(LARGEST_TEXT).read_to_end(&mut bytes))
    };
    read.map_err(|error| {
        Failure::new(Exit::Usage, format!("cannot read {name}: {error}"))
            .hint("a file of SQL statements, or - for stdin")
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        Failure::new(
            Exit::Usage,
            format!(
                "{name}: not UTF-8 text at byte {}",
                error.utf8_error().valid_up_to()
            ),
        )
        .hint("convert the file to UTF-8")
    })?;
    Ok((name, text))
}

/// A snapshot file.
pub(crate) fn snapshot(path: &Path) -> Result<Snapshot, Failure> {
    super::file::read(path)
}
