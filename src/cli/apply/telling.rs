//! What is seen of applying, on stderr: a line when a change begins and when it has ended, and in between, in a terminal, one
//! that shows how far it is.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _, stderr};
use std::time::{Duration, Instant};

use crate::cli::apply::step::Outcome;
use crate::model::build::Activity;
use crate::model::change::Change;
use crate::model::unit::{Millis, Percent};
use crate::report::{one_line, sql_line};

/// Who waits is not told of at once: most waits are over by then.
const PATIENCE: Duration = Duration::from_secs(1);
/// A log is told again after this time that it still waits.
const REMINDER: Duration = Duration::from_secs(60);
/// Characters of the bar.
const BAR: usize = 24;

/// Where it is told.
pub(super) struct Telling {
    terminal: bool,
    total: usize,
    number: usize,
    began: Instant,
    step: Instant,
    wait: Option<Wait>,
}

/// What was waited for when looked at last.
struct Wait {
    /// For what and for whom, without their ages.
    key: (Option<String>, Vec<i32>),
    since: Instant,
    told: Option<Instant>,
}

impl Telling {
    pub(super) fn new(total: usize) -> Self {
        Self {
            terminal: stderr().is_terminal(),
            total,
            number: 0,
            began: Instant::now(),
            step: Instant::now(),
            wait: None,
        }
    }

    /// A change begins.
    pub(super) fn start(&mut self, change: &Change) {
        self.number += 1;
        self.step = Instant::now();
        self.wait = None;
        let ddl = sql_line(&change.to_string());
        self.clear();
        eprintln!("[{}/{}] {ddl}", self.number, self.total);
    }

    /// It has ended.
    pub(super) fn end(&mut self, outcome: &Outcome) {
        self.line(&match outcome {
            Outcome::Done(time) => format!("done in {}", millis(*time)),
            Outcome::Skipped(why) => (*why).to_owned(),
            Outcome::Failed(why, _) => format!("failed: {why}"),
            Outcome::Stopped => "interrupted".to_owned(),
            Outcome::NotTried => "not tried".to_owned(),
        });
        if let Outcome::Failed(_, Some(hint)) = outcome {
            self.line(&format!("try: {hint}"));
        }
    }

    /// Something that happened on the way.
    pub(super) fn line(&self, text: &str) {
        self.clear();
        eprintln!("      {}", one_line(text));
    }

    /// What the server is doing at the moment.
    pub(super) fn now(&mut self, activity: &Activity) {
        let waits = self.waits(activity);
        if self.terminal {
            let text = picture(activity, self.step.elapsed());
            let text: String = text.chars().take(columns().saturating_sub(1)).collect();
            self.clear();
            eprint!("{text}");
            let _ = stderr().flush();
        } else if waits && let Some(text) = activity.waiting() {
            self.line(&text);
        }
    }

    /// Since the first change began.
    pub(super) fn elapsed(&self) -> String {
        millis(self.began.elapsed())
    }

    /// Whether it is time to tell a log that it waits.
    fn waits(&mut self, activity: &Activity) -> bool {
        let pids = activity.blockers.iter().map(|b| b.pid).collect();
        let key = (activity.waits_for.clone(), pids);
        if key.0.is_none() {
            self.wait = None;
            return false;
        }
        let now = Instant::now();
        let wait = match &mut self.wait {
            Some(wait) if wait.key == key => wait,
            wait => wait.insert(Wait {
                key,
                since: now,
                told: None,
            }),
        };
        let due = match wait.told {
            None => now - wait.since >= PATIENCE,
            Some(told) => now - told >= REMINDER,
        };
        if due {
            wait.told = Some(now);
        }
        due
    }

    fn clear(&self) {
        if self.terminal {
            eprint!("\r\x1b[K");
        }
    }
}

/// One line: the phase, how far it is, since when, and whom it waits for.
fn picture(activity: &Activity, elapsed: Duration) -> String {
    let mut text = format!("      {:.0} s", elapsed.as_secs_f64());
    match (&activity.phase, &activity.waits_for) {
        (Some(phase), _) => text = format!("{text}  {phase}"),
        (None, Some(_)) => {}
        (None, None) => text += "  running",
    }
    if let Some(share) = activity.share() {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a few characters"
        )]
        let full = (share * BAR as f64) as usize;
        let bar = "#".repeat(full) + &".".repeat(BAR - full);
        let _ = write!(text, "  [{bar}] {}", Percent(share));
    }
    if activity.lockers_total > 0 {
        let (done, total) = (activity.lockers_done, activity.lockers_total);
        let _ = write!(text, "  {done} of {total}");
    }
    // A phase of waiting says itself for what.
    let waiting = match &activity.phase {
        Some(phase) if phase.starts_with("waiting") => Some(activity.who()),
        _ => activity.waiting(),
    };
    if let Some(waiting) = waiting.filter(|w| !w.is_empty()) {
        let _ = write!(text, "  {}", one_line(&waiting));
    }
    text
}

fn millis(time: Duration) -> String {
    Millis(time.as_secs_f64() * 1000.0).to_string()
}

fn columns() -> usize {
    let size = rustix::termios::tcgetwinsize(stderr()).ok();
    let width = size.map_or(80, |size| usize::from(size.ws_col));
    if width == 0 { 80 } else { width }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::build::Blocker;

    fn waiting(pid: i32) -> Activity {
        Activity {
            waits_for: Some("virtualxid".into()),
            blockers: vec![Blocker {
                pid,
                ..Blocker::default()
            }],
            ..Activity::default()
        }
    }

    #[test]
    fn the_picture_shows_what_the_server_counts() {
        let scanning = Activity {
            phase: Some("building index: scanning table".into()),
            blocks_total: 4,
            blocks_done: 1,
            ..Activity::default()
        };
        assert_eq!(
            picture(&scanning, Duration::from_secs(12)),
            "      12 s  building index: scanning table  [######..................] 25.0 %"
        );
        let waits = Activity {
            phase: Some("waiting for old snapshots".into()),
            lockers_total: 2,
            lockers_done: 1,
            ..waiting(7)
        };
        assert!(picture(&waits, Duration::ZERO).contains("old snapshots  1 of 2  pid 7 ("));
    }

    #[test]
    fn a_log_is_told_of_each_wait_once() {
        let mut telling = Telling::new(1);
        assert!(!telling.waits(&waiting(7)), "it may be over in a moment");
        let wait = telling.wait.as_mut().expect("it waits");
        wait.since = wait.since.checked_sub(PATIENCE).expect("a past");
        assert!(telling.waits(&waiting(7)));
        assert!(!telling.waits(&waiting(7)), "said already");
        let wait = telling.wait.as_mut().expect("it waits");
        wait.told = wait.told.and_then(|told| told.checked_sub(REMINDER));
        assert!(telling.waits(&waiting(7)), "a reminder");
        assert!(!telling.waits(&waiting(8)), "somebody else, for a moment");
        assert!(!telling.waits(&Activity::default()));
        assert!(telling.wait.is_none());
    }
}
