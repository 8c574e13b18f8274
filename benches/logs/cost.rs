//! What a piece of work costs: time on the clock, time of the processor, memory at its peak.

use std::fs;
use std::time::Instant;

/// A clock tick of Linux's `/proc`, seconds (`USER_HZ`).
const TICK: f64 = 0.01;

/// What was spent.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    /// Seconds on the clock.
    pub(crate) wall: f64,
    /// Seconds of the processor, user and system, programs that were started included.
    pub(crate) cpu: f64,
    /// Most memory that this process had, MB; 0 where Linux does not tell.
    pub(crate) peak: f64,
}

/// Does something, and says what it cost.
pub(crate) fn measured<T>(work: impl FnOnce() -> T) -> (T, Cost) {
    // Where that is not allowed the peak is that of the whole run.
    let _ = fs::write("/proc/self/clear_refs", "5");
    let (begun, before) = (Instant::now(), cpu());
    let done = work();
    let cost = Cost {
        wall: begun.elapsed().as_secs_f64(),
        cpu: cpu() - before,
        peak: peak(),
    };
    (done, cost)
}

/// Time of the processor that this process and those that it waited for have had.
fn cpu() -> f64 {
    let status = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name in parentheses: utime, stime, cutime and cstime are the 12th to 15th.
    let (_, fields) = status.rsplit_once(')').unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(4);
    ticks.filter_map(|n| n.parse::<f64>().ok()).sum::<f64>() * TICK
}

fn peak() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1000.0
}
