//! `pgperf snapshot` and `pgperf doctor` as programs.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pgperf::model::snapshot::Snapshot;

use super::{index, prepared};
use crate::live::support;

fn pgperf(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pgperf"))
        .args(arguments)
        .env_clear()
        .output()
        .unwrap()
}

/// A path for a file of this test, and none there yet.
fn fresh(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("pgperf-test-{}-{name}", std::process::id()));
    let _ = fs::remove_file(&path);
    path
}

fn unpacked(path: &Path) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(fs::File::open(path).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    fs::remove_file(path).unwrap();
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_file_holds_the_same_each_time_and_nothing_when_redacted() {
    for installation in support::servers() {
        let major = installation.major();
        let (conninfo, _client) = prepared(major).await;
        let take = |extra: &[&str]| {
            let path = fresh(&format!("{major}.json.gz"));
            let shown = path.to_string_lossy().into_owned();
            let mut arguments = vec!["snapshot", &conninfo, "-o", &shown];
            arguments.extend(extra);
            let output = pgperf(&arguments);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{major} {said}");
            assert!(output.stdout.is_empty());
            (unpacked(&path), said)
        };
        let (first, said) = take(&[]);
        assert!(said.contains("real column values"), "{said}");
        let (second, _) = take(&[]);
        let (first_lines, second_lines) = (lines(&first), lines(&second));
        for (i, (a, b)) in first_lines.lines().zip(second_lines.lines()).enumerate() {
            let around: Vec<_> = first_lines
                .lines()
                .skip(i.saturating_sub(8))
                .take(9)
                .collect();
            assert_eq!(a, b, "{major} {around:#?}");
        }
        assert_eq!(first_lines, second_lines, "{major}");
        assert!(first.contains("secret"));

        let (redacted, said) = take(&["--redact"]);
        assert!(said.contains("were removed"), "{said}");
        assert!(!redacted.contains("secret"), "{major}");
        let snapshot: Snapshot = serde_json::from_str(&redacted).unwrap();
        assert!(snapshot.redacted && index(&snapshot, "customers_partial").incomplete);
        // It had a number in it.
        assert!(index(&snapshot, "customers_expression").incomplete);
        assert!(!index(&snapshot, "customers_options").incomplete);
    }
}

fn lines(json: &str) -> String {
    serde_json::to_string_pretty(&timeless(json)).unwrap()
}

/// Without times, what goes on elsewhere on the server, and what the collecting itself counts as: transaction control.
fn timeless(json: &str) -> Snapshot {
    let mut snapshot: Snapshot = serde_json::from_str(json).unwrap();
    snapshot.taken_at = 0.0;
    // Transactions of other tests age every table.
    for table in &mut snapshot.tables {
        (table.xid_age, table.mxid_age) = (None, None);
    }
    snapshot.cluster = None;
    // Another test makes roles on the same server.
    snapshot.server.roles.clear();
    snapshot.server.role_search_paths.clear();
    snapshot
        .gaps
        .retain(|gap| !gap.what.contains(" ago") && !gap.what.contains("since"));
    let control = ["begin", "set", "rollback"];
    snapshot.statements.retain(|s| {
        let text = s.query.as_deref().unwrap_or_default();
        !control.iter().any(|word| text.starts_with(word))
    });
    snapshot
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_lists_gaps_with_code_0_and_no_connection_with_3() {
    let (conninfo, _client) = prepared(15).await;
    let output = pgperf(&["doctor", &conninfo]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}");
    for line in [
        "role          postgres, superuser",
        "     do: ANALYZE public.never;",
        "     do: CREATE EXTENSION hypopg;",
    ] {
        assert!(text.lines().any(|l| l == line), "no {line:?} in\n{text}");
    }
    let output = pgperf(&["doctor", &conninfo, "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["server"]["user"], "postgres");
    assert!(json["gaps"].as_array().is_some_and(|gaps| !gaps.is_empty()));

    let nowhere = conninfo.replace("dbname=", "dbname=no_such_");
    let output = pgperf(&["doctor", &nowhere]);
    assert_eq!(output.status.code(), Some(3));
    assert!(output.stdout.is_empty());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("does not exist"), "{said}");
}
