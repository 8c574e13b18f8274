//! The real binary in a real terminal: a tmux server of the test's own, keys to it, its screen as text.

use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Longest that something may take to appear, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);

/// A terminal, until it is dropped.
pub(crate) struct Terminal {
    socket: String,
}

impl Terminal {
    /// Runs a shell command in a terminal of this size. When it has ended its exit code and the terminal's settings are shown.
    pub(crate) fn run(command: &str, width: u16, height: u16) -> Self {
        let shell = format!("{command}; echo \"ended with $?\"; stty -a; exec sleep 1000");
        Self::open(&shell, width, height)
    }

    /// Runs a shell command as it is.
    pub(crate) fn open(shell: &str, width: u16, height: u16) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let terminal = Self {
            socket: format!("pgperf-test-{}-{number}", std::process::id()),
        };
        let (width, height) = (width.to_string(), height.to_string());
        let started = terminal.tmux(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            &width,
            "-y",
            &height,
            "env",
            "LC_ALL=C.UTF-8",
            "TERM=screen",
            "sh",
            "-c",
            shell,
        ]);
        assert!(
            started.status.success(),
            "tmux (tests/servers installs it): {started:?}"
        );
        terminal
    }

    fn tmux(&self, args: &[&str]) -> Output {
        let mut command = Command::new("tmux");
        command.args(["-L", &self.socket]).args(args);
        for name in [
            "PGHOST",
            "PGPORT",
            "PGUSER",
            "PGDATABASE",
            "PGPASSWORD",
            "NO_COLOR",
            "TMUX",
        ] {
            command.env_remove(name);
        }
        command
            .env("PGPERF_CACHE_DIR", "")
            .output()
            .expect("tmux runs")
    }

    /// Presses keys, as tmux names them: `Enter`, `C-z`, `q`.
    pub(crate) fn press(&self, keys: &[&str]) {
        let args: Vec<&str> = ["send-keys"]
            .into_iter()
            .chain(keys.iter().copied())
            .collect();
        assert!(self.tmux(&args).status.success());
    }

    /// Types a text.
    pub(crate) fn type_text(&self, text: &str) {
        assert!(self.tmux(&["send-keys", "-l", text]).status.success());
    }

    /// Gives it another size.
    pub(crate) fn resize(&self, width: u16, height: u16) {
        let (width, height) = (width.to_string(), height.to_string());
        assert!(
            self.tmux(&["resize-window", "-x", &width, "-y", &height])
                .status
                .success()
        );
    }

    /// What is on it.
    pub(crate) fn screen(&self) -> String {
        String::from_utf8_lossy(&self.tmux(&["capture-pane", "-p"]).stdout).into_owned()
    }

    /// What is on it, with its escape sequences.
    pub(crate) fn coloured_screen(&self) -> String {
        String::from_utf8_lossy(&self.tmux(&["capture-pane", "-p", "-e"]).stdout).into_owned()
    }

    /// Waits until the screen is so; gives it.
    ///
    /// # Panics
    /// When it does not come to be so, with the screen that there is instead.
    pub(crate) fn until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let screen = self.screen();
            if is_so(&screen) {
                return screen;
            }
            assert!(start.elapsed() < PATIENCE, "waiting for {what}:\n{screen}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the screen shows a text.
    pub(crate) fn shows(&self, text: &str) -> String {
        self.until(&format!("{text:?}"), |screen| screen.contains(text))
    }

    /// Waits for the end, with this exit code; the terminal is as it was before.
    pub(crate) fn ends(&self, code: i32) {
        let screen = self.shows("ended with");
        assert!(screen.contains(&format!("ended with {code}")), "{screen}");
        let screen = self.shows("-echonl");
        for setting in [" icanon ", " echo ", " isig ", " opost "] {
            assert!(
                screen.replace('\n', " ").contains(setting),
                "{setting}:\n{screen}"
            );
        }
    }

    /// The process that was started in it.
    pub(crate) fn pid_of(&self, name: &str) -> String {
        let shell = self.tmux(&["display-message", "-p", "#{pane_pid}"]);
        let shell = String::from_utf8_lossy(&shell.stdout).trim().to_owned();
        let found = Command::new("pgrep")
            .args(["-P", &shell, "-f", name])
            .output()
            .expect("pgrep");
        String::from_utf8_lossy(&found.stdout).trim().to_owned()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}
