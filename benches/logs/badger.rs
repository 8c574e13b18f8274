//! pgBadger asked the same question: which statements ran, how often, for how long.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Map, Value};

use crate::Answer;
use crate::cost::measured;

/// Its other reports, which it shall not spend time on.
const NOT_ASKED: &[&str] = &[
    "--disable-error",
    "--disable-hourly",
    "--disable-type",
    "--disable-session",
    "--disable-connection",
    "--disable-lock",
    "--disable-temporary",
    "--disable-checkpoint",
    "--disable-autovacuum",
    "--no-prettify",
    "--no-progressbar",
    "--quiet",
];

/// Runs it on a log.
pub(crate) fn ask(
    program: &str,
    path: &Path,
    format: &str,
    prefix: &str,
) -> Result<Answer, String> {
    let out = path.with_extension("json");
    let mut command = Command::new(program);
    command
        .args(NOT_ASKED)
        .args(["--extension", "json", "--outfile"])
        .arg(&out);
    match format {
        "csvlog" => command.args(["--format", "csv"]),
        "jsonlog" => command.args(["--format", "jsonlog"]),
        _ => command.args(["--format", "stderr", "--prefix", prefix]),
    };
    command.arg(path).stdout(Stdio::null());
    let (status, cost) = measured(|| command.status());
    let status = status.map_err(|e| format!("{program} cannot be started: {e}"))?;
    if !status.success() {
        return Err(format!("it ended with {status}"));
    }
    let text = fs::read_to_string(&out).map_err(|e| e.to_string())?;
    // A file that stays is no harm.
    let _ = fs::remove_file(&out);
    let report: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
    let databases = report["normalyzed_info"].as_object();
    let statements = (databases.into_iter().flat_map(Map::values))
        .filter_map(Value::as_object)
        .flat_map(Map::values);
    let (mut executions, mut total_ms) = (Vec::new(), 0.0);
    for statement in statements {
        let count = number(&statement["count"]).round().max(0.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count"
        )]
        executions.push(count as u64);
        total_ms += number(&statement["duration"]);
    }
    Ok(Answer::new(executions, total_ms, cost))
}

/// A number, which it writes as a string at times.
fn number(value: &Value) -> f64 {
    let text = value.as_str().and_then(|s| s.parse().ok());
    value.as_f64().or(text).unwrap_or(0.0)
}
