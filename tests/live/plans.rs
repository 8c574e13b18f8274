//! The scenarios of `testdata/plans` on every version: the rules find in each plan what the scenario says, and the plan as text is
//! the plan as JSON. With `PGPERF_RECORD=1` the plans are written down, for tests that need no server.

use std::fs;

use pgperf::pg::local::{LocalOptions, LocalServer};
use tokio_postgres::{Client, SimpleQueryMessage};

use super::scenario::{Scenario, folder};
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

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_find_what_each_scenario_says() {
    let record = std::env::var("PGPERF_RECORD").is_ok();
    on_each_version(move |major| async move {
        let server = LocalServer::start(&installation(major), &settings()).await;
        let server = server.unwrap();
        let session = client(&server.conninfo("postgres")).await;
        let schema = fs::read_to_string(folder().join("schema.sql")).unwrap();
        for statement in schema.split_inclusive(";\n") {
            session.batch_execute(statement).await.unwrap();
        }
        let snapshot = snapshot(&server.conninfo("postgres")).await;
        let write = |file: String, text: &str| {
            let recorded = folder().join("recorded");
            fs::create_dir_all(&recorded).unwrap();
            fs::write(recorded.join(file), text).unwrap();
        };
        // Tables are the same on all versions.
        if record && major == 18 {
            let text = serde_json::to_string(&snapshot).unwrap();
            write("snapshot.json".to_owned(), &text);
        }
        let mut mistakes = Vec::new();
        for scenario in Scenario::all() {
            if major < scenario.since() {
                continue;
            }
            for (format, form) in [("json", "json"), ("text", "txt")] {
                let output = explain(&scenario, &session, format).await;
                if record {
                    write(format!("{}.{major}.{form}", scenario.name), &output);
                }
                let (found, told) = scenario.found(&output, &snapshot);
                if found != scenario.expected(major) {
                    let expected = scenario.expected(major);
                    mistakes.push(format!(
                        "{} on {major} as {form}: found {found:?}, expected {expected:?}\n{output}\n{told}",
                        scenario.name
                    ));
                }
            }
        }
        server.stop().await;
        assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
    })
    .await;
}
