//! One run of the real binary: how long, how much memory, what it said.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A run that ended well.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) seconds: f64,
    /// Peak resident memory, kB; 0 where there is no `/proc`.
    pub(crate) peak_kb: u64,
    /// What it said about the result.
    pub(crate) result: String,
}

/// Runs `pgperf advise` on a database.
///
/// # Errors
/// What it said when it failed.
pub(crate) fn advise(conninfo: &str, options: &[String]) -> Result<Run, String> {
    let started = Instant::now();
    let child = Command::new(env!("CARGO_BIN_EXE_pgperf"))
        .args(["advise", "--format", "json", "-d", conninfo])
        .args(options)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("pgperf starts");
    let pid = child.id();
    let ended = AtomicBool::new(false);
    let (output, seconds, peak_kb) = thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut peak = 0;
            while !ended.load(Ordering::Relaxed) {
                peak = peak.max(high_water_mark(pid));
                thread::sleep(Duration::from_millis(2));
            }
            peak
        });
        let output = child.wait_with_output().expect("pgperf ends");
        let seconds = started.elapsed().as_secs_f64();
        ended.store(true, Ordering::Relaxed);
        (output, seconds, watch.join().expect("it only reads"))
    });
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("pgperf advise: {}\n{said}", output.status));
    }
    Ok(Run {
        seconds,
        peak_kb,
        result: result(&output.stdout),
    })
}

/// `VmHWM` of a process: it only grows, so the last value seen before the end is the peak but for the last instant.
fn high_water_mark(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

fn result(stdout: &[u8]) -> String {
    let report: serde_json::Value = serde_json::from_slice(stdout).expect("JSON as asked for");
    let count = |key: &str| report[key].as_array().map_or(0, Vec::len);
    format!(
        "{}: {} recommendations; {} of {} statements analysed; planner {}, {} questions; {} gaps",
        report["outcome"].as_str().unwrap_or("?"),
        count("recommendations"),
        report["coverage"]["analysed"],
        report["coverage"]["statements"],
        report["planner"]["source"].as_str().unwrap_or("none"),
        report["planner"]["probes"],
        count("gaps"),
    )
}
