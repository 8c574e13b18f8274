//! The scenarios of `testdata/plans` on servers: what they print is read, the plan as text is the plan as JSON, and what nodes took
//! sums to the root. With `PGPERF_RECORD=1` the plans of all versions are written down, for rules to be judged by.

use std::fs;

use pgperf::pg::local::{LocalOptions, LocalServer};
use tokio_postgres::{Client, SimpleQueryMessage};

use super::scenario::{Scenario, folder, same_plan, sums_to_the_root};
use super::support::{client, installation, on_each_version, snapshot};

/// What comes before the statement of a scenario, and the statement.
fn statements(scenario: &Scenario) -> (String, String) {
    let code = scenario
        .text
        .lines()
        .filter(|line| !line.starts_with("-- "));
    let code = code.collect::<Vec<_>>().join("\n");
    let code = code.trim().trim_end_matches(';');
    match code.rsplit_once(";\n") {
        Some((before, statement)) => (before.to_owned(), statement.to_owned()),
        None => (String::new(), code.to_owned()),
    }
}

/// What EXPLAIN prints of a scenario: executed, unless it says "-- explain: verbose", and with all that it does undone where it says
/// "-- explain: rollback".
async fn explain(scenario: &Scenario, session: &Client, format: &str) -> String {
    let (before, statement) = statements(scenario);
    let options = match scenario.says("explain") {
        Some("verbose") => "verbose",
        _ => "analyze, buffers, verbose, settings",
    };
    session.batch_execute("reset all").await.unwrap();
    let undo = scenario.says("explain") == Some("rollback");
    if undo {
        session.batch_execute("begin").await.unwrap();
    }
    session.batch_execute(&before).await.unwrap();
    let explain = format!("explain ({options}, format {format}) {statement}");
    let answer = session.simple_query(&explain).await;
    let answer = answer.unwrap_or_else(|error| panic!("{}: {error}", scenario.name));
    if undo {
        session.batch_execute("rollback").await.unwrap();
    }
    let rows = answer.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    rows.collect::<Vec<_>>().join("\n") + "\n"
}

/// Nothing runs beside the statements: autovacuum would hold back what VACUUM may see.
fn settings() -> LocalOptions {
    let off = |name: &str| (name.to_owned(), "off".to_owned());
    LocalOptions {
        settings: vec![off("autovacuum"), off("jit")],
        ..LocalOptions::default()
    }
}

/// Each scenario on a server of its own: its plan, as JSON and as text.
async fn plans(major: u32) -> Vec<(Scenario, [String; 2])> {
    let server = LocalServer::start(&installation(major), &settings()).await;
    let server = server.unwrap();
    let session = client(&server.conninfo("postgres")).await;
    let schema = fs::read_to_string(folder().join("schema.sql")).unwrap();
    for statement in schema.split_inclusive(";\n") {
        session.batch_execute(statement).await.unwrap();
    }
    // Tables are the same on all versions.
    if recording() && major == 18 {
        let snapshot = snapshot(&server.conninfo("postgres")).await;
        write("snapshot.json", &serde_json::to_string(&snapshot).unwrap());
    }
    let mut all = Vec::new();
    for scenario in Scenario::all() {
        if major >= scenario.since() {
            let json = explain(&scenario, &session, "json").await;
            let text = explain(&scenario, &session, "text").await;
            all.push((scenario, [json, text]));
        }
    }
    server.stop().await;
    all
}

/// What a time of one loop is rounded by, ms.
const HALF_A_MICROSECOND: f64 = 0.0005;

fn recording() -> bool {
    std::env::var("PGPERF_RECORD").is_ok()
}

fn write(file: &str, text: &str) {
    let recorded = folder().join("recorded");
    fs::create_dir_all(&recorded).unwrap();
    fs::write(recorded.join(file), text).unwrap();
}

/// Which rules apply hangs on times, and is judged on what was recorded (`tests/corpus`).
#[tokio::test(flavor = "multi_thread")]
async fn what_servers_print_is_read_in_both_forms() {
    on_each_version(|major| async move {
        // Between the two ends no form has changed in a way that the recorded plans do not show.
        if !recording() && (14..18).contains(&major) {
            return;
        }
        for (scenario, [json, text]) in plans(major).await {
            let place = format!("{} on {major}", scenario.name);
            if recording() {
                write(&format!("{}.{major}.json", scenario.name), &json);
                write(&format!("{}.{major}.txt", scenario.name), &text);
            }
            same_plan(&place, &json, &text);
            sums_to_the_root(&place, &json, HALF_A_MICROSECOND);
            sums_to_the_root(&place, &text, HALF_A_MICROSECOND);
        }
    })
    .await;
}
