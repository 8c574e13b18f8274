//! Log reading, in MB/s and peak memory: all entries, and N+1 on top, for jsonlog, csvlog and the plain log of the same traffic.
//!
//! `cargo bench --bench logs -- [MB] [--pgbadger PROGRAM]`
//!
//! A log of that size (1000 MB) is made in the temporary directory for each format and removed again. With pgBadger it is timed
//! on the plain log too, by the same question: which statements ran, how often, for how long.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![allow(clippy::unwrap_used, reason = "there is nobody to tell")]

mod made;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use pgperf::cli::logs::{each_entry, n_plus_one_of_logs};
use pgperf::query::log::Prefix;

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
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{cores} cores, one used; {megabytes} MB");
    println!("format    question     seconds    MB/s   entries   statements  N+1  peak MB");
    for format in made::FORMATS {
        let path =
            std::env::temp_dir().join(format!("pgperf-bench-{}.{format}", std::process::id()));
        let bytes = made::write(&path, format, megabytes * 1_000_000).unwrap();
        measure(&path, format, bytes);
        if let Some(program) = pgbadger.filter(|_| *format == "stderr") {
            badger(program, &path, bytes);
        }
        fs::remove_file(&path).unwrap();
    }
}

#[expect(clippy::cast_precision_loss, reason = "sizes for people")]
fn rate(bytes: u64, seconds: f64) -> f64 {
    bytes as f64 / 1e6 / seconds
}

fn measure(path: &Path, format: &str, bytes: u64) {
    forget_peak();
    let begun = Instant::now();
    let mut durations = 0.0;
    let file = each_entry(path, &Prefix::new(PREFIX), &mut |entry| {
        durations += entry.duration.unwrap_or(0.0);
    });
    let seconds = begun.elapsed().as_secs_f64();
    let counts = file.unwrap().counts;
    assert_eq!(counts.malformed, 0);
    println!(
        "{format:9} entries    {seconds:8.2} {:8.0} {:9}            -    - {:8.0}",
        rate(bytes, seconds),
        counts.entries,
        peak()
    );
    forget_peak();
    let begun = Instant::now();
    let (found, read) = n_plus_one_of_logs(&[PathBuf::from(path)], PREFIX, None).unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{format:9} N+1        {seconds:8.2} {:8.0} {:9} {:12} {:4} {:8.0}",
        rate(bytes, seconds),
        read.counts().entries,
        read.statements,
        found.len(),
        peak()
    );
}

fn badger(program: &str, path: &Path, bytes: u64) {
    let begun = Instant::now();
    let status = Command::new(program)
        .args([
            "-q",
            "-f",
            "stderr",
            "-x",
            "json",
            "-o",
            "/dev/null",
            "-p",
            PREFIX,
        ])
        .arg(path)
        .stdout(Stdio::null())
        .status();
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "stderr    pgBadger   {seconds:8.2} {:8.1}   ({status:?})",
        rate(bytes, seconds)
    );
}

/// Peak of this process since it was last forgotten, MB; 0 where Linux does not tell.
fn peak() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1000.0
}

fn forget_peak() {
    // Where that is not allowed the peak is that of the whole run.
    let _ = fs::write("/proc/self/clear_refs", "5");
}
