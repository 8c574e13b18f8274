//! A terminal for a program, and what the program takes of the machine.

use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A terminal of 120x40, until it is dropped.
pub(crate) struct Terminal {
    socket: String,
}

fn tmux(socket: &str, args: &[&str]) -> Option<Output> {
    let mut command = Command::new("tmux");
    command.args(["-L", socket]).args(args).env_remove("TMUX");
    command
        .output()
        .ok()
        .filter(|output| output.status.success())
}

impl Terminal {
    /// Runs a program in it.
    pub(crate) fn run(command: &str) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let socket = format!("pgperf-bench-{}-{number}", std::process::id());
        let shell = format!("exec env LC_ALL=C.UTF-8 TERM=screen {command}");
        let size = [
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            "120",
            "-y",
            "40",
        ];
        tmux(&socket, &[&size[..], &["sh", "-c", &shell]].concat())?;
        Some(Self { socket })
    }

    /// What is on it.
    pub(crate) fn screen(&self) -> String {
        let output = tmux(&self.socket, &["capture-pane", "-p"]);
        output.map_or_else(String::new, |o| {
            String::from_utf8_lossy(&o.stdout).into_owned()
        })
    }

    /// Waits until it shows a text.
    pub(crate) fn shows(&self, text: &str, patience: Duration) -> Option<()> {
        let start = Instant::now();
        while start.elapsed() < patience {
            if self.screen().contains(text) {
                return Some(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        None
    }

    fn pid(&self) -> Option<u32> {
        let output = tmux(&self.socket, &["display-message", "-p", "#{pane_pid}"])?;
        String::from_utf8_lossy(&output.stdout).trim().parse().ok()
    }

    /// Processor time that the program has used.
    pub(crate) fn cpu_seconds(&self) -> Option<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid()?)).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
        // USER_HZ, which is 100 on every Linux.
        Some(ticks / 100.0)
    }

    /// The most memory that it has used.
    pub(crate) fn memory_mb(&self) -> Option<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()?)).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kb: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
        Some(kb / 1000.0)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        tmux(&self.socket, &["kill-server"]);
    }
}
