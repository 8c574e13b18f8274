//! Progress on stderr: one line a step, with its time, printed when the step is done.

use std::io::{IsTerminal as _, stderr};
use std::time::Instant;

/// Where steps are announced.
pub(super) struct Progress {
    /// Only a terminal shows what is going on at the moment; a log shows what was done.
    terminal: bool,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self {
            terminal: stderr().is_terminal(),
        }
    }

    /// Does `work`, and says what it was and how long it took.
    pub(super) async fn step<T, E>(
        &self,
        what: &str,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let start = Instant::now();
        self.now(what);
        let done = work.await;
        self.clear();
        if done.is_ok() {
            eprintln!("{:7.1} s  {what}", start.elapsed().as_secs_f64());
        }
        done
    }

    /// Shows what is going on inside of a step.
    pub(super) fn now(&self, what: &str) {
        self.clear();
        if self.terminal {
            eprint!("      …    {what}");
        }
    }

    fn clear(&self) {
        if self.terminal {
            eprint!("\r\x1b[K");
        }
    }
}
