//! Log reading, in MB/s and peak memory, for jsonlog, csvlog and the plain log of the same traffic; pgBadger beside it.
//!
//! `cargo bench --bench logs -- [MB] [--pgbadger PROGRAM] [FORMAT …]`
//!
//! A log of that size (1000 MB) is made in the temporary directory for each format and removed again. Three questions are asked of
//! it: all entries; which statements ran, how often and for how long; and that with the search for N+1 on top. pgBadger is asked
//! the second one, of the same file, with all its other reports switched off. Its answer has to be ours.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![allow(clippy::unwrap_used, reason = "there is nobody to tell")]

mod badger;
mod cost;
mod made;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use pgperf::cli::logs::{each_entry, n_plus_one_of_logs};
use pgperf::query::log::Prefix;
use pgperf::query::n_plus_one::Loops;

use crate::cost::{Cost, measured};

const PREFIX: &str = "%m [%p] %q%u@%d %c %v %a ";

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let megabytes = arguments
        .iter()
        .find_map(|a| a.parse::<u64>().ok())
        .unwrap_or(1000);
    let named = arguments.iter().position(|a| a == "--pgbadger");
    let pgbadger = named.and_then(|at| arguments.get(at + 1));
    let wanted: Vec<&str> = (made::FORMATS.iter().copied())
        .filter(|format| arguments.iter().any(|a| a == format))
        .collect();
    let formats = if wanted.is_empty() {
        made::FORMATS
    } else {
        &wanted
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "{cores} cores, one used; {megabytes} MB of each; MB/s by time on the clock and by time of the processor"
    );
    println!("format   question       wall s    cpu s  MB/s wall  MB/s cpu  peak MB  answer");
    for format in formats {
        let path =
            std::env::temp_dir().join(format!("pgperf-bench-{}.{format}", std::process::id()));
        let bytes = made::write(&path, format, megabytes * 1_000_000).unwrap();
        let ours = measure(&path, format, bytes);
        if let Some(program) = pgbadger {
            beside(program, &path, format, bytes, &ours);
        }
        fs::remove_file(&path).unwrap();
    }
}

/// What was found out about the statements of a log.
#[derive(Debug, Clone, Default)]
struct Answer {
    statements: usize,
    executions: u64,
    total_ms: f64,
    /// Executions of the most frequent statements, most first.
    frequent: Vec<u64>,
    cost: Cost,
}

/// How many of the most frequent statements are compared.
const MOST: usize = 5;

impl Answer {
    fn new(mut executions: Vec<u64>, total_ms: f64, cost: Cost) -> Self {
        executions.sort_unstable_by(|a, b| b.cmp(a));
        Self {
            statements: executions.len(),
            executions: executions.iter().sum(),
            total_ms,
            frequent: executions.into_iter().take(MOST).collect(),
            cost,
        }
    }

    fn show(&self) -> String {
        format!(
            "{} statements, {} executions, {:.0} ms",
            self.statements, self.executions, self.total_ms
        )
    }
}

fn print(format: &str, question: &str, bytes: u64, cost: &Cost, answer: &str) {
    println!(
        "{format:8} {question:13} {:7.2} {:8.2} {:10.0} {:9.0} {:8.0}  {answer}",
        cost.wall,
        cost.cpu,
        rate(bytes, cost.wall),
        rate(bytes, cost.cpu),
        cost.peak,
    );
}

#[expect(clippy::cast_precision_loss, reason = "sizes for people")]
fn rate(bytes: u64, seconds: f64) -> f64 {
    bytes as f64 / 1e6 / seconds
}

fn measure(path: &Path, format: &str, bytes: u64) -> Answer {
    let prefix = Prefix::new(PREFIX);
    let mut entries = BTreeMap::new();
    let (file, cost) = measured(|| {
        let mut last = 0.0;
        each_entry(path, &prefix, &mut |entry| {
            last = entry.time.unwrap_or(last);
            *entries.entry(entry.pid).or_insert(0_u64) += 1;
        })
    });
    let counts = file.unwrap().counts;
    assert_eq!(counts.malformed, 0);
    let answer = format!("{} of {} sessions", counts.entries, entries.len());
    print(format, "entries", bytes, &cost, &answer);

    let (loops, cost) = measured(|| {
        let mut loops = Loops::new(prefix.resolution());
        each_entry(path, &prefix, &mut |entry| loops.observe(entry)).unwrap();
        loops
    });
    let calls = loops.ran().map(|ran| ran.calls).collect();
    let answer = Answer::new(calls, loops.ran().map(|ran| ran.total_ms).sum(), cost);
    print(format, "statements", bytes, &answer.cost, &answer.show());

    let ((found, _), cost) =
        measured(|| n_plus_one_of_logs(&[PathBuf::from(path)], PREFIX, None).unwrap());
    let shown = format!("{} N+1", found.len());
    print(format, "N+1", bytes, &cost, &shown);
    answer
}

/// Asks pgBadger, and says how much faster we were.
fn beside(program: &str, path: &Path, format: &str, bytes: u64, ours: &Answer) {
    let theirs = match badger::ask(program, path, format, PREFIX) {
        Ok(theirs) => theirs,
        Err(why) => {
            println!("{format:8} pgBadger: {why}");
            return;
        }
    };
    let difference = if theirs.frequent == ours.frequent && theirs.executions == ours.executions {
        ", the same as ours"
    } else {
        ", which is NOT ours"
    };
    let shown = format!("{}{difference}", theirs.show());
    print(format, "pgBadger", bytes, &theirs.cost, &shown);
    println!(
        "{format:8} we are {:.1} times as fast by the clock, {:.1} times by the processor",
        theirs.cost.wall / ours.cost.wall,
        theirs.cost.cpu / ours.cost.cpu
    );
}
