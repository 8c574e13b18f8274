//! Bad input: one clear line saying what, where and what to try, and the documented exit code.

use std::collections::BTreeSet;
use std::fs;

use crate::live::binary::{Run, pgperf};
use crate::live::support;

/// A failed run: this exit code, nothing on stdout, one message line (and one hint line) that say all of this.
fn refused(run: &Run, code: i32, says: &[&str]) {
    assert_eq!(run.code, Some(code), "{run:?}");
    assert_eq!(run.stdout, "", "{run:?}");
    let lines: Vec<&str> = run.stderr.lines().collect();
    assert!(
        (1..=2).contains(&lines.len()),
        "one line and a hint: {run:?}"
    );
    assert!(lines[0].starts_with("pgperf: "), "{run:?}");
    assert!(
        lines.iter().skip(1).all(|l| l.starts_with("  try: ")),
        "{run:?}"
    );
    for text in says {
        assert!(run.stderr.contains(text), "{text:?} is missing: {run:?}");
    }
}

#[test]
fn unreachable_host() {
    // Port 1 of the loopback address: nobody listens there.
    let run = pgperf(
        &[
            "advise",
            "-h",
            "127.0.0.1",
            "-p",
            "1",
            "-U",
            "nobody",
            "-d",
            "shop",
        ],
        "",
    );
    refused(&run, 3, &["127.0.0.1", "try:"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_such_database() {
    let server = support::server(15).await;
    let run = pgperf(&["advise", &server.conninfo("not_there")], "");
    refused(&run, 3, &["not_there", "try:"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_such_role() {
    let conninfo = support::database(15).await;
    let run = pgperf(&["advise", &conninfo, "-U", "no_such_role"], "");
    refused(&run, 3, &["no_such_role"]);
}

#[test]
fn unknown_option_and_unknown_parameter() {
    assert_eq!(pgperf(&["advise", "--bugdet", "2GB"], "").code, Some(2));
    let run = pgperf(&["advise", "host=localhost sslmod=require"], "");
    refused(&run, 2, &["sslmod"]);
    let run = pgperf(&["advise", "--budget", "two", "host=localhost"], "");
    refused(&run, 2, &["--budget two", "try:"]);
    let run = pgperf(&["advise", "--format", "yaml", "host=localhost"], "");
    refused(&run, 2, &["yaml", "json"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_statements_with_a_syntax_error() {
    let conninfo = support::database(15).await;
    let run = pgperf(
        &["advise", &conninfo, "--queries", "-"],
        "SELECT 1;\nSELECT * FORM t WHERE (a = 1;\n",
    );
    refused(&run, 2, &["stdin:2", "try:"]);
    // What may be SQL that only the server understands is asked about, if there is somebody to ask.
    for (planner, says) in [
        ("estimate", ""),
        ("clone", "; the planner: syntax error at or near \"t\""),
    ] {
        let run = pgperf(
            &["advise", &conninfo, "--queries", "-", "--planner", planner],
            "SELECT 1;\nSELECT trim(BOTH FROM 'x') FORM t;\n",
        );
        let says = format!("stdin:2:23: Expected: ), found: 'x'{says}\n");
        refused(&run, 2, &[&says, "try:"]);
    }
    let run = pgperf(
        &["advise", &conninfo, "--queries", "/nowhere/queries.sql"],
        "",
    );
    refused(&run, 2, &["/nowhere/queries.sql", "try:"]);
    let run = pgperf(
        &["advise", &conninfo, "--queries", "-"],
        "-- nothing here\n",
    );
    refused(&run, 2, &["no statements"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshot_files_that_cannot_be_read() {
    let conninfo = support::database(15).await;
    let directory = std::env::temp_dir().join(format!("pgperf-inputs-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let path = |name: &str| directory.join(name).display().to_string();
    let good = path("good.json.gz");
    let run = pgperf(&["snapshot", &conninfo, "-o", &good], "");
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(pgperf(&["advise", "--from", &good], "").code, Some(0));

    let bytes = fs::read(&good).unwrap();
    fs::write(path("half.gz"), &bytes[..bytes.len() / 2]).unwrap();
    fs::write(path("empty"), "").unwrap();
    fs::write(path("other.json"), "{\"hello\": 1}").unwrap();
    fs::write(
        path("newer.json"),
        "{\"format\": 99, \"pgperf\": \"9.0.0\"}",
    )
    .unwrap();
    for (name, says) in [
        ("half.gz", "half.gz"),
        ("empty", "empty"),
        ("other.json", "other.json"),
        ("newer.json", "9.0.0"),
        ("missing", "missing"),
    ] {
        refused(&pgperf(&["advise", "--from", &path(name)], ""), 2, &[says]);
    }
    fs::remove_dir_all(&directory).unwrap();
}

/// A server without `pg_stat_statements`: the gap is named with what closes it, and statements from elsewhere are advised on.
#[tokio::test(flavor = "multi_thread")]
async fn without_pg_stat_statements() {
    let conninfo = support::database(16).await;
    let setup = "CREATE TABLE parent (id int PRIMARY KEY);
        CREATE TABLE child (id int PRIMARY KEY, parent_id int NOT NULL REFERENCES parent, kind int);
        INSERT INTO parent SELECT n FROM generate_series(1, 1000) n;
        INSERT INTO child SELECT n, n % 900 + 1, n % 7 FROM generate_series(1, 50000) n;
        CREATE INDEX child_kind_a ON child (kind); CREATE INDEX child_kind_b ON child (kind);
        DELETE FROM parent WHERE id > 990; ANALYZE;";
    let client = support::client(&conninfo).await;
    client.batch_execute(setup).await.unwrap();
    drop(client);
    let sql = "SELECT * FROM child WHERE parent_id = 7;";
    let run = pgperf(
        &["advise", &conninfo, "--queries", "-", "--format", "json"],
        sql,
    );
    assert_eq!(run.created(), ["public.child (parent_id)"], "{run:?}");

    let run = pgperf(&["advise", &conninfo, "--format", "json"], "");
    assert_eq!(run.code, Some(0), "{run:?}");
    let report = run.json();
    let gaps = report["gaps"].to_string();
    assert!(
        gaps.contains("CREATE EXTENSION") && gaps.contains("pg_stat_statements"),
        "{gaps}"
    );
    let actions: Vec<&str> = report["recommendations"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|r| r["action"].as_str())
        .collect();
    assert!(
        actions.contains(&"drop"),
        "the duplicate index is seen without statements: {report:#}"
    );
    let run = pgperf(&["advise", &conninfo, "--strict"], "");
    assert!(run.stdout.contains("pg_stat_statements"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_of_running_sessions() {
    let conninfo = support::database(15).await;
    let client = support::client(&conninfo).await;
    client
        .batch_execute("CREATE TABLE t (id int, a int); INSERT INTO t SELECT n, n % 5000 FROM generate_series(1, 100000) n; ANALYZE t")
        .await
        .unwrap();
    client
        .simple_query("SELECT * FROM t WHERE a = 17")
        .await
        .unwrap();
    let run = pgperf(&["advise", &conninfo, "--activity", "--format", "json"], "");
    assert_eq!(run.created(), ["public.t (a)"], "{run:?}");
}

/// Offline, from the recorded shop.
#[test]
fn the_frontier_shows_what_each_budget_buys() {
    let asked = |format: &str| {
        let snapshot = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/testdata/snapshots/shop.json.gz"
        );
        let options = ["--planner", "estimate", "--frontier", "--format", format];
        let run = pgperf(
            &[&["advise", "--from", snapshot][..], &options].concat(),
            "",
        );
        assert_eq!(run.code, Some(0), "{run:?}");
        run
    };
    let report = asked("json").json();
    let steps = report["summary"]["frontier"].as_array().unwrap().clone();
    assert!(steps.len() >= 5, "{steps:#?}");
    let number = |step: &serde_json::Value, name: &str| step[name].as_f64().unwrap();
    assert!(
        steps[0]["budget_bytes"].is_null(),
        "the first is as large as is of any use"
    );
    for pair in steps.windows(2) {
        let (size, budget) = (
            number(&pair[1], "size_bytes"),
            number(&pair[1], "budget_bytes"),
        );
        assert!(
            size <= budget && budget <= number(&pair[0], "size_bytes") / 2.0,
            "{pair:#?}"
        );
        assert!(
            number(&pair[1], "load_share_saved") <= number(&pair[0], "load_share_saved"),
            "{pair:#?}"
        );
    }
    assert_eq!(steps.iter().filter(|s| s["knee"] == true).count(), 1);
    let text = asked("text").stdout;
    assert!(
        text.contains("What space buys") && text.contains("curve bends"),
        "{text}"
    );
    assert_eq!(text, asked("text").stdout);
}

/// Offline, from the recorded shop.
#[test]
fn no_more_indexes_are_advised_than_are_wanted() {
    let asked = |limits: &[&str], format: &str| {
        let snapshot = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/testdata/snapshots/shop.json.gz"
        );
        let options = ["--from", snapshot, "--planner", "estimate", "--format"];
        let run = pgperf(&[&["advise"], &options[..], &[format], limits].concat(), "");
        assert_eq!(run.code, Some(0), "{run:?}");
        run
    };
    let all = asked(&[], "json").created();
    assert!(all.len() > 5, "{all:?}");
    let run = asked(&["--max-indexes", "3"], "json");
    assert_eq!(run.created().len(), 3);
    let summary = &run.json()["summary"];
    assert_eq!(summary["max_indexes"], 3);
    assert!(summary["gap"].as_f64().unwrap() < 0.01, "{summary}");
    let text = asked(&["--max-indexes", "3"], "text").stdout;
    assert!(text.contains("limit       at most 3 new indexes"), "{text}");
    // Two of what is advised without a limit are on one table.
    let table = |index: &String| index.split(" (").next().unwrap().to_owned();
    let tables = |indexes: &[String]| indexes.iter().map(table).collect::<BTreeSet<_>>().len();
    assert!(tables(&all) < all.len(), "{all:?}");
    let each = asked(&["--max-indexes-per-table", "1"], "json").created();
    assert_eq!(tables(&each), each.len(), "{each:?}");
    // Both, beside a budget.
    let budget = ["--max-indexes", "2", "--budget", "10MB"];
    let run = asked(&budget, "json");
    assert!(run.created().len() <= 2);
    assert!(run.json()["summary"]["size_bytes"].as_f64().unwrap() <= 10_485_760.0);
    let none = pgperf(&["advise", "--max-indexes", "0", "host=localhost"], "");
    assert_eq!(none.code, Some(2), "{none:?}");
}

#[test]
fn what_the_time_limit_left_out_does_not_look_like_nothing_found() {
    let reasons = |deadline: &str, budget: &str| -> Vec<String> {
        let snapshot = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/testdata/snapshots/shop.json.gz"
        );
        let options = [
            "--planner",
            "estimate",
            "--deadline",
            deadline,
            "--budget",
            budget,
        ];
        let asked = [
            &["advise", "--from", snapshot, "--format", "json"][..],
            &options,
        ]
        .concat();
        let report = pgperf(&asked, "").json();
        let unhelped = report["unhelped"].as_array().unwrap().iter();
        unhelped
            .map(|u| u["reason"].as_str().unwrap().to_owned())
            .collect()
    };
    let late = "the time limit came before the planner was asked about it";
    assert!(reasons("0", "1GB").iter().any(|r| r == late));
    assert!(reasons("600", "1GB").iter().all(|r| r != late));
    // What has no room is asked about none the less.
    let tight = reasons("600", "8kB");
    assert!(tight.iter().all(|r| r != late));
    let no_room = "all indexes that could help it are larger than the budget of 8.0 kB; the smallest of them, shop.";
    assert!(tight.iter().any(|r| r.starts_with(no_room)), "{tight:#?}");
}

/// A clone that is not ready in time is not waited for: another source answers, if any may.
#[test]
fn the_time_limit_holds_for_the_clone() {
    let snapshot = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/testdata/snapshots/shop.json.gz"
    );
    let asked = |planner: &str| {
        let options = ["--deadline", "0", "--planner", planner, "--format", "json"];
        pgperf(
            &[&["advise", "--from", snapshot][..], &options].concat(),
            "",
        )
    };
    let refused = asked("clone");
    assert_eq!(refused.code, Some(5), "{refused:?}");
    assert!(
        refused
            .stderr
            .contains("the time limit came before the clone was ready"),
        "{refused:?}"
    );
    let other = asked("auto");
    assert_eq!(other.code, Some(0), "{other:?}");
    let report = other.json();
    assert_ne!(report["planner"]["source"], "clone");
    let gaps = report["gaps"].to_string();
    assert!(gaps.contains("the time limit ended the search"), "{gaps}");
}
