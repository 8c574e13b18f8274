//! What watching costs: `pgperf top` beside `pg_activity` and `pg_top`, on one server with 5,000 statements, 14 MB of texts and
//! 2,000 tables, at the same interval.
//!
//! `cargo bench --bench top -- [--seconds 30] [--major 15] [--parts] [PROGRAM …]`; `--parts` lists what each statement has taken
//!
//! Each program runs in a terminal (tmux) of 120x40 at 2 s, behind a socket that counts bytes, as a role of `pg_monitor`. Measured are
//! the server's time for its statements and the temporary blocks that they write (`pg_stat_statements`), bytes from the server, the
//! program's own processor time and memory, and how long it takes until the first screen. Goals are those of the issue: 10 ms of
//! server time a refresh, no temporary blocks, 2 % of a core, 40 MB, 300 ms.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![allow(clippy::unwrap_used, reason = "there is nobody to tell")]

mod server;
mod terminal;
mod wire;

use std::time::{Duration, Instant};

use server::{Server, Spent};
use terminal::Terminal;
use wire::Wire;

/// Until texts are read and caches are filled.
const WARM_UP: Duration = Duration::from_secs(25);

/// Seconds between refreshes, of all programs.
const INTERVAL: u64 = 2;

/// A program, how it is called, and what its first screen shows.
struct Program {
    name: &'static str,
    command: fn(&str, u16) -> String,
    first: &'static str,
}

/// Ours, on a screen.
fn own(directory: &str, port: u16, screen: &str) -> String {
    let program = env!("CARGO_BIN_EXE_pgperf");
    format!("{program} top -h {directory} -p {port} -U watcher -d bench -i {INTERVAL} -s {screen}")
}

const PROGRAMS: &[Program] = &[
    Program {
        name: "pgperf",
        command: |directory, port| own(directory, port, "queries"),
        first: "select",
    },
    Program {
        name: "pgperf tables",
        command: |directory, port| own(directory, port, "tables"),
        first: "plain_",
    },
    Program {
        name: "pgperf activity",
        command: |directory, port| own(directory, port, "activity"),
        first: "STATE",
    },
    Program {
        name: "pg_activity",
        command: |directory, port| {
            format!("pg_activity -h {directory} -p {port} -U watcher -d bench --refresh {INTERVAL}")
        },
        first: "RUNNING QUERIES",
    },
    Program {
        name: "pg_top",
        command: |directory, port| {
            format!("pg_top -h {directory} -p {port} -U watcher -d bench -s {INTERVAL}")
        },
        first: "USERNAME",
    },
];

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|a| a == name)?;
        arguments.get(at + 1)?.parse::<u64>().ok()
    };
    let seconds = value("--seconds").unwrap_or(30);
    let major = value("--major").and_then(|major| u32::try_from(major).ok());
    let chosen = |program: &&Program| {
        let named: Vec<&String> = arguments.iter().filter(|a| a.starts_with("pg")).collect();
        named.is_empty() || named.iter().any(|name| *name == program.name)
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let server = Server::start(major).await;
        println!("{}", server.describe().await);
        println!("{seconds} s each, every {INTERVAL} s, 120x40, role of pg_monitor");
        println!(
            "program          server ms/refresh  temp blocks/refresh  kB/refresh  statements/refresh  client cpu %  memory MB  first screen ms"
        );
        println!(
            "{:<16} {:>17.2}  nothing read but pg_stat_statements(false), as often",
            "(floor)",
            floor(&server, seconds).await
        );
        for program in PROGRAMS.iter().filter(chosen) {
            match measure(&server, program, seconds).await {
                Some(line) => {
                    println!("{line}");
                    if arguments.iter().any(|a| a == "--parts") {
                        println!("{}", server.parts().await);
                    }
                }
                None => println!("{:<16} is not here, or showed no screen", program.name),
            }
        }
        server.stop().await;
    });
}

/// What whoever reads the counters of statements cannot do without, ms a reading: the function alone, at the interval of all.
async fn floor(server: &Server, seconds: u64) -> f64 {
    let session = server.watcher().await;
    let before = server.spent().await;
    for _ in 0..seconds / INTERVAL {
        session
            .batch_execute("select count(*) from pg_stat_statements(false)")
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_secs(INTERVAL)).await;
    }
    let Spent { ms, calls, .. } = server.spent().await.minus(&before);
    ms / calls
}

/// Runs a program for so long, and gives the line of its figures.
async fn measure(server: &Server, program: &Program, seconds: u64) -> Option<String> {
    let wire = Wire::new(&server.socket());
    let start = Instant::now();
    let terminal = Terminal::run(&(program.command)(&wire.directory(), wire::PORT))?;
    let first = terminal
        .shows(program.first, Duration::from_secs(20))
        .map(|()| start.elapsed());
    let Some(first) = first else {
        println!("{}", terminal.screen());
        return None;
    };
    // What is done once is not what watching costs.
    tokio::time::sleep(WARM_UP).await;
    let (spent, bytes, cpu) = (server.spent().await, wire.bytes(), terminal.cpu_seconds()?);
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let (spent_now, bytes_now, cpu_now) =
        (server.spent().await, wire.bytes(), terminal.cpu_seconds()?);
    let memory = terminal.memory_mb()?;
    drop(terminal);
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let (seconds, refreshes, bytes) = (
        seconds as f64,
        (seconds / INTERVAL) as f64,
        (bytes_now - bytes) as f64,
    );
    let Spent {
        ms,
        calls,
        temp_blocks,
    } = spent_now.minus(&spent);
    Some(format!(
        "{:<16} {:>17.2}  {:>19.1}  {:>10.1}  {:>18.1}  {:>12.2}  {:>9.1}  {:>15}",
        program.name,
        ms / refreshes,
        temp_blocks / refreshes,
        bytes / refreshes / 1000.0,
        calls / refreshes,
        (cpu_now - cpu) / seconds * 100.0,
        memory,
        first.as_millis()
    ))
}
