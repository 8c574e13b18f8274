//! `--watch`: samples of `pg_stat_statements` over some time, evenly spaced.

use std::io::{IsTerminal as _, stderr};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::{ConnectArgs, Failure, load};
use crate::model::snapshot::Snapshot;
use crate::model::unit::Count;
use crate::pg::collect::sample;
use crate::pg::connect::Connection;
use crate::query::n_plus_one::{Sample, watched};

/// Most intervals between samples: more show no more, and each costs the server a look at all its counters.
const MOST: u32 = 12;

/// Shortest interval: in a shorter one, a list and what is asked for its rows fall apart.
const SHORTEST: Duration = Duration::from_secs(2);

/// Longest time to watch.
const LONGEST: u64 = 24 * 3600;

/// `60s`, `10m`, `2h`; a number alone is seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        _ => return Err("a time is written as 60s, 10m or 2h".to_owned()),
    };
    let number = digits.trim().parse::<u64>().ok();
    let seconds = number.and_then(|n| n.checked_mul(unit));
    match seconds {
        Some(seconds @ 1..=LONGEST) => Ok(Duration::from_secs(seconds)),
        Some(_) => Err("from 1s to 24h".to_owned()),
        None => Err("a time is written as 60s, 10m or 2h".to_owned()),
    }
}

/// Between how many samples the time is divided.
fn intervals(time: Duration) -> u32 {
    let fit = time.as_secs() / SHORTEST.as_secs();
    u32::try_from(fit).unwrap_or(MOST).clamp(1, MOST)
}

/// Connects, watches, and collects: the last sample is the Snapshot, the others come before it.
pub(crate) async fn watch(
    connect: &ConnectArgs,
    time: Duration,
) -> Result<(Connection, Snapshot, Vec<Snapshot>), Failure> {
    let connection = connect.open().await?;
    let mut samples = vec![sample(&connection).await?];
    if samples[0]
        .server
        .extensions
        .contains_key("pg_stat_statements")
    {
        let start = Instant::now();
        let count = intervals(time);
        let progress = Progress::new(time);
        progress.tell(start.elapsed(), &samples);
        for number in 1..=count {
            let until = start + time * number / count;
            progress.wait(start, until, &samples).await;
            if number < count {
                samples.push(sample(&connection).await?);
            }
        }
        progress.done(&samples);
    }
    let snapshot = load::collected(&connection, true, false).await?;
    Ok((connection, snapshot, samples))
}

/// What is going on, on stderr: a line that changes in a terminal, else one at the beginning.
struct Progress {
    terminal: bool,
    time: Duration,
}

impl Progress {
    fn new(time: Duration) -> Self {
        let progress = Self {
            terminal: stderr().is_terminal(),
            time,
        };
        if !progress.terminal {
            eprintln!(
                "pgperf: watching pg_stat_statements for {} s",
                time.as_secs()
            );
        }
        progress
    }

    /// Waits; in a terminal it says each second how far it is.
    async fn wait(&self, start: Instant, until: Instant, samples: &[Snapshot]) {
        const SECOND: Duration = Duration::from_secs(1);
        while self.terminal && Instant::now() + SECOND < until {
            sleep_until(Instant::now() + SECOND).await;
            self.tell(start.elapsed(), samples);
        }
        sleep_until(until).await;
    }

    fn tell(&self, elapsed: Duration, samples: &[Snapshot]) {
        if self.terminal {
            let calls = samples.last().map_or(0.0, |last| {
                let samples: Vec<Sample<'_>> = samples.iter().map(Sample::from).collect();
                watched(last, &samples).calls
            });
            eprint!(
                "\r\x1b[Kpgperf: watching pg_stat_statements, {} of {} s, {} executions (Ctrl-C ends)",
                elapsed.as_secs(),
                self.time.as_secs(),
                Count(calls)
            );
        }
    }

    fn done(&self, samples: &[Snapshot]) {
        if self.terminal {
            eprint!("\r\x1b[K");
        } else {
            eprintln!("pgperf: {} samples were taken", samples.len() + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        for (text, expected) in [
            ("60", Some(60)),
            ("60s", Some(60)),
            ("10m", Some(600)),
            ("2h", Some(7200)),
            ("24h", Some(86_400)),
            ("25h", None),
            ("0s", None),
            ("", None),
            ("s", None),
            ("1.5m", None),
            ("5 days", None),
            ("99999999999999999999h", None),
        ] {
            let read = duration(text).ok().map(|time| time.as_secs());
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn the_time_is_divided_evenly() {
        for (seconds, expected) in [(1, 1), (3, 1), (4, 2), (10, 5), (60, 12), (3600, 12)] {
            assert_eq!(
                intervals(Duration::from_secs(seconds)),
                expected,
                "{seconds} s"
            );
        }
    }
}
