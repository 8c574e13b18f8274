//! `pgperf demo` as people run it, and as they interrupt it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use pgperf::pg::local::sweep;
use rustix::process::{Pid, Signal, kill_process};

use super::local::Parent;
use super::support::{client, servers};

/// What a server's end may take after its owner was killed.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn runs_to_its_end_and_leaves_nothing() {
    let parent = Parent::new("demo");
    let mut demo = Demo::start(&parent, &["--keep"]);
    demo.wait_for_output("The shop is kept until Ctrl-C:");
    let psql = demo.wait_for_output("psql \"");
    let conninfo = psql
        .trim()
        .trim_start_matches("psql \"")
        .trim_end_matches('"');
    let shop = client(conninfo).await;
    let recorded = "select count(*) from public.pg_stat_statements where query like 'select%' and calls >= 1000";
    let frequent: i64 = shop.query_one(recorded, &[]).await.unwrap().get(0);
    assert!(frequent >= 8, "{frequent}");
    demo.signal(Signal::INT);
    assert_eq!(demo.end().code(), Some(0));
    assert_eq!(parent.entries(), [""; 0]);
}

#[test]
fn ctrl_c_removes_the_server_before_the_command_ends() {
    for signal in [Signal::INT, Signal::TERM] {
        let parent = Parent::new("interrupted");
        let mut demo = Demo::with_running_server(&parent);
        demo.signal(signal);
        assert_eq!(demo.end().code(), Some(130));
        assert_eq!(parent.entries(), [""; 0]);
    }
}

#[test]
fn a_killed_command_takes_its_server_along() {
    let parent = Parent::new("killed");
    let mut demo = Demo::with_running_server(&parent);
    let postmaster = postmaster(&parent);
    demo.signal(Signal::KILL);
    assert_eq!(demo.end().code(), None);
    wait_until("the server is gone", || {
        parent.entries().is_empty() && !runs(postmaster)
    });
}

#[test]
fn what_a_killed_keeper_leaves_is_swept() {
    let parent = Parent::new("swept");
    let mut demo = Demo::with_running_server(&parent);
    let postmaster = postmaster(&parent);
    let keeper = keeper(&parent);
    kill_process(pid(keeper), Signal::KILL).unwrap();
    demo.signal(Signal::KILL);
    demo.end();
    wait_until("the keeper is gone", || !runs(keeper));
    assert!(runs(postmaster), "without its keeper the server lives on");
    sweep(Some(&parent.path));
    assert_eq!(parent.entries(), [""; 0]);
    wait_until("the server is gone", || !runs(postmaster));
}

/// `pgperf demo` with its server under a test's own directory.
struct Demo {
    child: Child,
    output: BufReader<ChildStdout>,
    progress: BufReader<ChildStderr>,
}

impl Demo {
    fn start(parent: &Parent, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pgperf"))
            .arg("demo")
            .args(arguments)
            .env("PGPERF_PG_BIN", &servers()[0].bin_dir)
            .env("PGPERF_TMPDIR", &parent.path)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            output: BufReader::new(child.stdout.take().unwrap()),
            progress: BufReader::new(child.stderr.take().unwrap()),
            child,
        }
    }

    fn with_running_server(parent: &Parent) -> Self {
        let mut demo = Self::start(parent, &[]);
        wait_for(&mut demo.progress, "started from");
        demo
    }

    fn wait_for_output(&mut self, text: &str) -> String {
        wait_for(&mut self.output, text)
    }

    fn signal(&self, signal: Signal) {
        kill_process(pid(self.child.id()), signal).unwrap();
    }

    fn end(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Demo {
    /// Only if the test failed; its keeper does the rest.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The next line that contains `text`.
fn wait_for(lines: &mut impl BufRead, text: &str) -> String {
    let mut lines = lines.lines().map(Result::unwrap);
    lines
        .find(|line| line.contains(text))
        .unwrap_or_else(|| panic!("the command ended without saying: {text}"))
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "not in {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(number.try_into().unwrap()).unwrap()
}

/// Whether a process exists and is no zombie.
fn runs(process: u32) -> bool {
    !arguments(process).is_empty()
}

/// The arguments of a process, each followed by a zero byte; empty if there is no such process.
fn arguments(process: u32) -> String {
    fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default()
}

/// The postmaster of the only server in `parent`.
fn postmaster(parent: &Parent) -> u32 {
    let data = parent.path.join(&parent.entries()[0]).join("data");
    let pid_file = fs::read_to_string(data.join("postmaster.pid")).unwrap();
    pid_file.lines().next().unwrap().parse().unwrap()
}

/// The process that looks after the only server in `parent`.
fn keeper(parent: &Parent) -> u32 {
    let directory: PathBuf = parent.path.join(&parent.entries()[0]);
    let mut processes = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let ending = format!("\0pgperf-keeper\0{}\0", directory.display());
    processes
        .find(|process| arguments(*process).ends_with(&ending))
        .unwrap()
}
