//! `pgperf demo`: the embedded default. Starts a throwaway server, loads the sample shop, runs its traffic, advises, applies the
//! advice, runs the traffic again and compares; then removes everything.

mod comparison;
mod progress;
mod shop;
mod traffic;

use clap::Args;

use super::advice::{AdviceOptions, advice};
use super::interrupt::interrupted;
use super::{Exit, Failure, file, load, output};
use crate::pg::connect::ConnectOptions;
use crate::pg::local::{
    Container, Installation, LocalOptions, LocalServer, Session, installations,
};
use comparison::Pass;
use progress::Progress;

/// Options of `pgperf demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Keep the server running until Ctrl-C, and say how to connect.
    #[arg(long)]
    keep: bool,
}

/// Runs it. Whatever ends it, also a signal, drops the server on its way out, and dropping it removes it.
pub(crate) async fn run(args: &DemoArgs) -> Result<Exit, Failure> {
    let progress = Progress::new();
    let shown = tokio::select! {
        shown = demo(&progress) => shown?,
        () = interrupted() => {
            eprintln!("\npgperf: interrupted; the server is removed");
            return Ok(Exit::Interrupted);
        }
    };
    let Some(server) = shown else {
        return Ok(Exit::Clean);
    };
    if args.keep {
        output::to_stdout(&format!(
            "The shop is kept until Ctrl-C:\n  {}\n",
            server.psql()
        ))?;
        interrupted().await;
    }
    let stopped = async {
        server.stop().await;
        Ok::<(), Failure>(())
    };
    progress.step("everything is removed", stopped).await?;
    Ok(Exit::Clean)
}

/// Where the shop is.
enum Server {
    Local(LocalServer),
    Container(Container),
}

impl Server {
    fn conninfo(&self, database: &str) -> String {
        match self {
            Self::Local(server) => server.conninfo(database),
            Self::Container(container) => container.conninfo(database),
        }
    }

    /// A command that opens psql on the shop.
    fn psql(&self) -> String {
        match self {
            Self::Local(server) => format!("psql \"{}\"", server.conninfo(shop::DATABASE)),
            Self::Container(container) => {
                format!(
                    "docker exec -it {} psql -U postgres {}",
                    container.name(),
                    shop::DATABASE
                )
            }
        }
    }

    async fn stop(self) {
        match self {
            Self::Local(server) => server.stop().await,
            Self::Container(container) => drop(container),
        }
    }
}

/// Shows everything, and returns the server if there is one.
async fn demo(progress: &Progress) -> Result<Option<Server>, Failure> {
    let Some(server) = start(progress).await? else {
        eprintln!(
            "no PostgreSQL server on this machine and no running Docker engine: showing the recorded sample shop"
        );
        advise_on(Subject::Recorded).await?;
        return Ok(None);
    };
    let conninfo = server.conninfo(shop::DATABASE);
    create_shop(&server).await?;
    shop::load(&conninfo, progress).await?;
    let session = Session::open(&conninfo).await?;
    session.run("select pg_stat_statements_reset()").await?;

    let kinds = traffic::kinds();
    let what = format!("the shop's traffic, {} kinds of statements", kinds.len());
    let measured = progress
        .step(&what, traffic::run(&kinds, &conninfo))
        .await?;
    let ddl = advise_on(Subject::Live(&conninfo)).await?;
    if !ddl.is_empty() {
        let costs = comparison::costs(&session, &kinds, &measured).await?;
        let before = Pass { measured, costs };
        let what = format!("applying {} statements of advice", ddl.len());
        progress.step(&what, apply(&session, &ddl)).await?;
        let measured = progress
            .step("the same traffic again", traffic::run(&kinds, &conninfo))
            .await?;
        let costs = comparison::costs(&session, &kinds, &measured).await?;
        let after = Pass { measured, costs };
        output::to_stdout(&format!(
            "\n{}\n",
            comparison::table(&kinds, &before, &after)
        ))?;
    }
    Ok(Some(server))
}

/// What is to be advised on.
enum Subject<'a> {
    /// A database, by its conninfo.
    Live(&'a str),
    /// The snapshot that was recorded from such a database.
    Recorded,
}

/// The snapshot of a shop after its traffic, for machines without a server; made by `pgperf snapshot` on a kept demo.
const RECORDED: &[u8] = include_bytes!("../../testdata/snapshots/shop.json.gz");

/// Prints advice, and returns its DDL, one statement an item, to be tried on the throwaway server.
async fn advise_on(subject: Subject<'_>) -> Result<Vec<String>, Failure> {
    let (snapshot, connection) = match subject {
        Subject::Live(conninfo) => {
            let options = ConnectOptions {
                dbname: Some(conninfo.to_owned()),
                ..ConnectOptions::default()
            };
            let (connection, snapshot) = load::live(&options, true, false).await?;
            (snapshot, Some(connection))
        }
        Subject::Recorded => (file::embedded(RECORDED, "the recorded shop")?, None),
    };
    let report = advice(&snapshot, connection.as_ref(), &AdviceOptions::default()).await?;
    output::print(&report)?;
    let changes = report.recommendations.iter().flat_map(|r| &r.changes);
    Ok(changes.map(ToString::to_string).collect())
}

async fn start(progress: &Progress) -> Result<Option<Server>, Failure> {
    let options = LocalOptions {
        preload: vec!["pg_stat_statements".to_owned()],
        settings: [
            ("shared_buffers", "256MB"),
            ("maintenance_work_mem", "128MB"),
            ("random_page_cost", "1.1"),
            ("jit", "off"),
            ("pg_stat_statements.max", "10000"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
        ..LocalOptions::default()
    };
    if let Some(installation) = best(installations()) {
        let what = format!(
            "PostgreSQL {} started from {}",
            installation.version(),
            installation.bin_dir.display()
        );
        let server = progress
            .step(&what, LocalServer::start(&installation, &options))
            .await?;
        if server.preloaded().is_empty() {
            return Err(Failure::new(
                Exit::Staging,
                format!(
                    "{} has no pg_stat_statements",
                    installation.bin_dir.display()
                ),
            )
            .hint("install the contrib package of this PostgreSQL (postgresql-contrib)"));
        }
        return Ok(Some(Server::Local(server)));
    }
    if Container::is_possible().await {
        let container = progress
            .step("PostgreSQL started in Docker", Container::start(&options))
            .await?;
        return Ok(Some(Server::Container(container)));
    }
    Ok(None)
}

/// The newest one with `HypoPG`, which makes the better advice, else with `pg_stat_statements`, else the newest.
fn best(found: Vec<Installation>) -> Option<Installation> {
    let rank = |installation: &Installation| {
        (
            installation.has_extension("hypopg"),
            installation.has_extension("pg_stat_statements"),
            installation.version_num,
        )
    };
    found
        .into_iter()
        .filter(|installation| installation.major() >= 13)
        .max_by_key(rank)
}

/// A new database with the extensions.
async fn create_shop(server: &Server) -> Result<(), Failure> {
    let postgres = Session::open(&server.conninfo("postgres")).await?;
    postgres
        .run(&format!("create database {}", shop::DATABASE))
        .await?;
    let session = Session::open(&server.conninfo(shop::DATABASE)).await?;
    session.run("create extension pg_stat_statements").await?;
    let available = "select name from pg_available_extensions where name = 'hypopg'";
    if !session.column(available).await?.is_empty() {
        session.run("create extension hypopg").await?;
    }
    Ok(())
}

/// One at a time, because `CREATE INDEX CONCURRENTLY` refuses to run in a transaction.
async fn apply(session: &Session, ddl: &[String]) -> Result<(), Failure> {
    for statement in ddl {
        session.run(statement).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_servers_are_passed_over() {
        let installation = |version_num| Installation {
            version_num,
            bin_dir: "/no such directory".into(),
        };
        assert_eq!(best(vec![installation(120_022)]), None);
        let newest = best(vec![
            installation(130_023),
            installation(180_004),
            installation(120_022),
        ]);
        assert_eq!(newest, Some(installation(180_004)));
    }
}
