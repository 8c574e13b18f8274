//! `pgperf clone`: a statistics clone to look into by hand: EXPLAIN as on the observed server, without it.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::interrupt::interrupted;
use super::{ConnectArgs, Exit, Failure, load, output};
use crate::advisor::size::heights;
use crate::model::snapshot::Snapshot;
use crate::model::unit::Bytes;
use crate::pg::clone::StatisticsClone;
use crate::pg::local::{Installation, installations};

/// Options of `pgperf clone`.
#[derive(Debug, Args)]
pub(crate) struct CloneArgs {
    #[command(flatten)]
    connect: ConnectArgs,
    /// Clone a snapshot file (pgperf snapshot) instead of a live database.
    #[arg(long, value_name = "SNAPSHOT", conflicts_with_all = ["target", "dbname", "host", "port", "user"])]
    from: Option<PathBuf>,
    /// Run this with PGHOST, PGPORT, PGUSER and PGDATABASE set to the clone (`-- psql`), and end with it.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Runs it. The clone goes with the process, whatever ends it.
pub(crate) async fn run(args: &CloneArgs) -> Result<Exit, Failure> {
    let snapshot = if let Some(path) = &args.from {
        load::snapshot(path)?
    } else {
        let (connection, snapshot) = load::live(&args.connect.options(), false, false).await?;
        connection.close().await;
        snapshot
    };
    let installation = installation(&snapshot)?;
    let heights = heights(&snapshot);
    let cache = cache().filter(|_| args.from.is_some());
    let clone =
        StatisticsClone::hydrate(&snapshot, &heights, &installation, cache.as_deref()).await?;
    eprint!("{}", summary(&clone, &snapshot, &installation));
    let exit = if args.command.is_empty() {
        output::to_stdout(&format!(
            "The clone is kept until Ctrl-C:\n  psql \"{}\"\n",
            clone.conninfo()
        ))?;
        interrupted().await;
        Exit::Clean
    } else {
        command(&args.command, &clone).await?
    };
    clone.stop().await;
    Ok(exit)
}

async fn command(command: &[String], clone: &StatisticsClone) -> Result<Exit, Failure> {
    let (program, arguments) = command.split_first().unwrap_or((&command[0], &[]));
    let mut child = tokio::process::Command::new(program);
    // A connection that the environment names elsewhere would lead past the clone.
    for name in [
        "PGSERVICE",
        "PGHOSTADDR",
        "PGOPTIONS",
        "PGPASSWORD",
        "PGSSLMODE",
    ] {
        child.env_remove(name);
    }
    let mut running = child
        .args(arguments)
        .envs(clone.environment())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| {
            Failure::new(Exit::Usage, format!("cannot run {program}: {error}"))
                .hint("a program of PATH, after --")
        })?;
    // Ctrl-C is for the program: psql stays, others end.
    let status = loop {
        tokio::select! {
            status = running.wait() => break status,
            () = interrupted() => {}
        }
    };
    match status {
        Ok(status) if status.success() => Ok(Exit::Clean),
        Ok(status) => Err(Failure::new(
            Exit::Staging,
            format!("{program} ended with {status}"),
        )),
        Err(error) => Err(Failure::new(Exit::Staging, format!("{program}: {error}"))),
    }
}

fn summary(clone: &StatisticsClone, snapshot: &Snapshot, installation: &Installation) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a size for people")]
    let taken = Bytes(clone.disk_usage() as f64);
    let mut text = format!(
        "clone of {}: schema and statistics, no rows; PostgreSQL {}, {taken}\n",
        snapshot.server.database,
        installation.version(),
    );
    let (own, theirs) = (installation.major(), snapshot.server.major());
    if own != theirs {
        let _ = writeln!(
            text,
            "it runs PostgreSQL {own}, the server {theirs}: plans and costs may differ"
        );
    }
    for gap in clone.gaps() {
        let _ = writeln!(text, "missing: {}", gap.what);
    }
    text
}

/// Where clones of snapshot files are kept: in `PGPERF_CACHE_DIR`, which is empty for nowhere, else in the user's cache
/// directory.
pub(crate) fn cache() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let usual = || match set("XDG_CACHE_HOME").filter(|path| path.is_absolute()) {
        Some(path) => Some(path.join("pgperf")),
        None => Some(set("HOME")?.join(".cache/pgperf")),
    };
    let directory = set("PGPERF_CACHE_DIR").or_else(usual)?;
    directory.is_absolute().then(|| directory.join("clones"))
}

/// The installation for a clone: of the server's major version, else the oldest newer one, else the newest.
pub(crate) fn installation(snapshot: &Snapshot) -> Result<Installation, Failure> {
    let major = snapshot.server.major();
    let mut found = installations();
    found.sort_by_key(|i| (i.major() < major, i.major().abs_diff(major)));
    found.into_iter().next().ok_or_else(|| {
        Failure::new(
            Exit::Usage,
            "a clone needs a PostgreSQL server's programs on this machine, and none was found",
        )
        .hint(format!(
            "install PostgreSQL {major} (Debian: apt install postgresql-{major}), or say where it is: PGPERF_PG_BIN=/…/bin"
        ))
    })
}
