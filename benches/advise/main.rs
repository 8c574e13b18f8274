//! `cargo bench --bench advise`: what `pgperf advise` costs on a live server with 5,000 statements, 500 tables and 2,000
//! indexes: wall time, peak memory, and time of the server. The goals are those of the first release.
//!
//! - `-- --tables 1000` makes twice as many (ask for `--top 5000` then, and the goals are others).
//! - `-- --major 15` chooses the server, `-- --runs 5` how often; what is left goes to `pgperf advise` (`-- --planner estimate`).
//! - `-- --print` writes the script that makes the installation, for `psql -f -`.
//! - `-- --serve` makes it, says how to connect, and keeps it until the end of stdin.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

mod fleet;
mod measure;
mod random;
mod server;
mod statements;

use std::io::Read as _;
use std::process::ExitCode;
use std::time::Instant;

use measure::Run;
use server::{Server, Share};

/// Seconds, megabytes, and milliseconds of the server besides EXPLAIN.
const GOALS: (f64, f64, f64) = (10.0, 200.0, 1000.0);

#[derive(Debug, Default)]
struct Options {
    print: bool,
    serve: bool,
    major: Option<u32>,
    runs: Option<usize>,
    tables: Option<usize>,
    advise: Vec<String>,
}

impl Options {
    fn parse(arguments: impl Iterator<Item = String>) -> Self {
        let mut options = Self::default();
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                // Cargo says so to every benchmark.
                "--bench" => {}
                "--print" => options.print = true,
                "--serve" => options.serve = true,
                "--major" => options.major = arguments.next().and_then(|a| a.parse().ok()),
                "--tables" => options.tables = arguments.next().and_then(|a| a.parse().ok()),
                "--runs" => options.runs = arguments.next().and_then(|a| a.parse().ok()),
                _ => options.advise.push(argument),
            }
        }
        options
    }

    fn tables(&self) -> usize {
        self.tables.unwrap_or(fleet::TABLES).min(1000)
    }
}

fn main() -> ExitCode {
    let options = Options::parse(std::env::args().skip(1));
    if options.print {
        print_script(options.tables());
        return ExitCode::SUCCESS;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    match runtime.block_on(bench(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            println!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn print_script(tables: usize) {
    let mut random = random::Random(1);
    let tables = fleet::tables(&mut random, tables);
    for statement in fleet::script(&tables) {
        println!("{statement};");
    }
    println!("VACUUM ANALYZE;");
    for statement in statements::executions(&mut random, &tables) {
        println!("{statement};");
    }
}

async fn bench(options: &Options) -> Result<(), String> {
    let installation = server::installation(options.major)
        .ok_or("no such PostgreSQL on this machine: set PGPERF_PG_BIN to the folder of one")?;
    let started = Instant::now();
    let server = Server::start(&installation, options.tables()).await;
    println!(
        "{} statements, {} tables, {} indexes on PostgreSQL {}{}, made in {:.0} s; {} cores",
        statements::STATEMENTS,
        options.tables(),
        4 * options.tables(),
        installation.version(),
        if server.hypopg { " with hypopg" } else { "" },
        started.elapsed().as_secs_f64(),
        std::thread::available_parallelism().map_or(1, usize::from),
    );
    let conninfo = server.conninfo();
    let outcome = if options.serve {
        println!("{conninfo}\nserving until the end of stdin");
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        Ok(())
    } else {
        measure_runs(&server, &conninfo, options).await
    };
    server.local.stop().await;
    outcome
}

async fn measure_runs(server: &Server, conninfo: &str, options: &Options) -> Result<(), String> {
    let mut runs = Vec::new();
    for _ in 0..options.runs.unwrap_or(5).max(1) {
        server.forget().await;
        runs.push(measure::advise(conninfo, &options.advise)?);
    }
    print_runs(&mut runs);
    print_shares(&server.shares().await, &server.dearest().await);
    Ok(())
}

fn print_runs(runs: &mut [Run]) {
    runs.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    let (first, last) = (&runs[0], &runs[runs.len() - 1]);
    let median = runs[runs.len() / 2].seconds;
    println!(
        "wall time    median {median:.2} s (min {:.2}, max {:.2}, {} runs)   {}",
        first.seconds,
        last.seconds,
        runs.len(),
        goal(median, GOALS.0, "s")
    );
    let peak = runs.iter().map(|r| r.peak_kb).max().unwrap_or(0);
    #[expect(clippy::cast_precision_loss, reason = "no machine has 2^52 kB")]
    let megabytes = peak as f64 / 1024.0;
    println!(
        "peak memory  {megabytes:.0} MB   {}",
        goal(megabytes, GOALS.1, "MB")
    );
    println!("result       {}", first.result);
    for run in runs.iter().filter(|r| r.result != first.result) {
        println!("but also     {}", run.result);
    }
}

/// The shares are those of the last run.
fn print_shares(shares: &[Share], dearest: &[Share]) {
    let besides: f64 = shares
        .iter()
        .filter(|s| s.group != "EXPLAIN")
        .map(|s| s.ms)
        .sum();
    for share in shares {
        println!(
            "server       {:<8} {:>8.0} ms in {} calls",
            share.group, share.ms, share.calls
        );
    }
    println!(
        "server       besides EXPLAIN {besides:.0} ms   {}",
        goal(besides, GOALS.2, "ms")
    );
    for share in dearest {
        println!(
            "  {:>8.1} ms {:>6} calls  {}",
            share.ms, share.calls, share.group
        );
    }
}

fn goal(measured: f64, goal: f64, unit: &str) -> String {
    let met = if measured <= goal { "met" } else { "MISSED" };
    format!("[goal {goal} {unit}: {met}]")
}
