//! The real binary, run as its user would.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// What a run printed and how it ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// The report that `--format json` printed.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("no JSON ({e}): {self:?}"))
    }

    /// What the report would create, as `schema.table (keys…)`, sorted.
    pub(crate) fn created(&self) -> Vec<String> {
        let report = self.json();
        let created = report["recommendations"]
            .as_array()
            .expect("recommendations")
            .iter()
            .filter(|r| r["action"] == "create" || r["action"] == "replace");
        let mut indexes: Vec<String> = created
            .map(|r| {
                let (_, tail) = r["ddl"]
                    .as_str()
                    .expect("ddl")
                    .split_once(" ON ")
                    .expect("CREATE INDEX … ON …");
                let first = tail
                    .lines()
                    .next()
                    .expect("a statement")
                    .trim_end_matches(';');
                first.strip_prefix("ONLY ").unwrap_or(first).to_owned()
            })
            .collect();
        indexes.sort();
        indexes
    }
}

/// Runs `pgperf` with these arguments and this on stdin. The environment's own connection settings are left out.
pub(crate) fn pgperf(args: &[&str], stdin: &str) -> Run {
    finish(start(args, stdin))
}

/// The same with a place for what is kept for the next run.
pub(crate) fn pgperf_caching(args: &[&str], stdin: &str, cache: &Path) -> Run {
    finish(start_caching(args, stdin, cache))
}

/// Starts it.
pub(crate) fn start(args: &[&str], stdin: &str) -> Child {
    // What is kept for the next run is the user's.
    start_caching(args, stdin, Path::new(""))
}

/// Runs it with these programs of PostgreSQL's, and no others, for a clone.
pub(crate) fn pgperf_cloning(args: &[&str], bin_dir: &Path) -> Run {
    finish(start_with(
        args,
        "",
        &[
            ("PGPERF_CACHE_DIR", Path::new("")),
            ("PGPERF_PG_BIN", bin_dir),
        ],
    ))
}

fn start_caching(args: &[&str], stdin: &str, cache: &Path) -> Child {
    start_with(args, stdin, &[("PGPERF_CACHE_DIR", cache)])
}

fn start_with(args: &[&str], stdin: &str, environment: &[(&str, &Path)]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgperf"));
    for name in [
        "PGHOST",
        "PGPORT",
        "PGUSER",
        "PGDATABASE",
        "PGPASSWORD",
        "PGSERVICE",
        "PGPERF_DSN",
        "DATABASE_URL",
        "PGPASSFILE",
    ] {
        command.env_remove(name);
    }
    command.envs(environment.iter().copied());
    let mut child = command
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    // It may end before it has read everything; that is not what is tested here.
    let _ = child
        .stdin
        .take()
        .expect("stdin")
        .write_all(stdin.as_bytes());
    child
}

/// Waits for the first line on stderr. The rest is left to [`finish`].
pub(crate) fn first_line(child: &mut Child) -> String {
    let stderr = child.stderr.as_mut().expect("stderr is ours");
    // Byte by byte: what a buffer had read beyond the line would be lost.
    let (mut line, mut byte) = (Vec::new(), [0]);
    while stderr.read(&mut byte).expect("stderr is read") == 1 && byte != *b"\n" {
        line.extend(byte);
    }
    String::from_utf8(line).expect("UTF-8 on stderr")
}

/// Waits for its end.
pub(crate) fn finish(child: Child) -> Run {
    let output = child.wait_with_output().expect("it ends");
    Run {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("UTF-8 on stdout"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8 on stderr"),
    }
}
