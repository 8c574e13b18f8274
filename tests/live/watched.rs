//! `pgperf top` where the server is not reached directly, or does not write: through a pooler, and on a standby.

use std::path::PathBuf;

use super::acceptance::pooler::pooler;
use super::binary::pgperf;
use super::connect::Server;
use super::support::client;
use super::terminal::Terminal;
use super::top::{Load, SCHEMA, STATEMENT, top};

/// Keys of screens, and what stands on each whatever the server does.
const SCREENS: &[(&str, &str)] = &[
    ("1", STATEMENT),
    ("2", "checkpointer"),
    ("3", "no session waits for a lock of another"),
    ("4", "visits"),
    ("5", "visits_pkey"),
    ("6", "checkpoints"),
    ("7", "is under way"),
    ("9", "template1"),
];

/// A server that counts statements.
fn counting() -> Server {
    Server::start(
        "local all all trust\nlocal replication all trust\nhost all all 127.0.0.1/32 trust",
        &["shared_preload_libraries = 'pg_stat_statements'"],
    )
}

/// Goes through the screens: each shows something, and nothing that could not be looked at.
fn visit(terminal: &Terminal) {
    for (key, expected) in SCREENS {
        terminal.press(&[key]);
        let screen = terminal.shows(expected);
        assert!(!screen.contains("could not look"), "{screen}");
        assert!(!screen.contains("CONNECTION LOST"), "{screen}");
    }
}

/// From the statement to its plan, and to the end.
fn down_to_the_plan(terminal: &Terminal) {
    terminal.press(&["1"]);
    terminal.shows(STATEMENT);
    terminal.press(&["Enter"]);
    terminal.shows("Seq Scan on visits");
    terminal.press(&["q", "q"]);
    terminal.ends(0);
}

/// Executions a second of the statement, in a sample of its own.
fn rate(conninfo: &str) -> f64 {
    let arguments = [
        "top", conninfo, "-n", "2", "-i", "0.5", "--format", "ndjson",
    ];
    let run = pgperf(&[&arguments[..], &["--filter", "visits"]].concat(), "");
    assert_eq!(run.code, Some(0), "{run:?}");
    let last = run.stdout.lines().last().expect("a sample");
    let sample: serde_json::Value = serde_json::from_str(last).expect("JSON");
    let rows = sample["rows"].as_array().expect("rows");
    let ours = |row: &&serde_json::Value| {
        row["query"]
            .as_str()
            .is_some_and(|text| text.starts_with(STATEMENT))
    };
    rows.iter().find(ours).unwrap_or_else(|| panic!("{sample}"))["calls"]
        .as_f64()
        .expect("a rate")
}

#[tokio::test(flavor = "multi_thread")]
async fn through_a_pooler_nothing_is_missing() {
    let server = counting();
    let direct = server.socket("postgres");
    client(&direct).await.batch_execute(SCHEMA).await.unwrap();
    let port = pooler(PathBuf::from(server.socket_path())).await;
    let conninfo = format!("host=127.0.0.1 port={port} user=postgres dbname=postgres");
    let load = Load::new(&direct).await;
    assert!(rate(&conninfo) > 0.0);
    let terminal = Terminal::run(&top(&conninfo, "--idle"), 200, 40);
    visit(&terminal);
    // By sessions that are another one each time.
    down_to_the_plan(&terminal);
    load.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_is_watched_as_it_is() {
    let primary = counting();
    let writer = client(&primary.socket("postgres")).await;
    writer.batch_execute(SCHEMA).await.unwrap();
    let standby = primary.standby();
    let conninfo = standby.socket("postgres");
    let load = Load::new(&conninfo).await;
    assert!(rate(&conninfo) > 0.0);
    let terminal = Terminal::run(&top(&conninfo, "--idle"), 200, 40);
    terminal.shows("standby");
    visit(&terminal);
    down_to_the_plan(&terminal);
    load.end();
    // What follows it stands on the primary's screen.
    let run = pgperf(
        &[
            "top",
            &primary.socket("postgres"),
            "--once",
            "-i",
            "0.3",
            "-s",
            "databases",
        ],
        "",
    );
    assert!(run.stdout.contains("walreceiver"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_is_told_and_counting_goes_on() {
    let server = counting();
    let conninfo = server.socket("postgres");
    client(&conninfo).await.batch_execute(SCHEMA).await.unwrap();
    let load = Load::new(&conninfo).await;
    let terminal = Terminal::run(&top(&conninfo, "--mode reset"), 200, 40);
    terminal.shows(STATEMENT);
    server.restart();
    terminal.press(&["!"]);
    terminal.shows("connection lost");
    terminal.shows("connected again");
    terminal.shows("the server was started at");
    terminal.press(&["q"]);
    // A clean restart keeps what was counted, and it is counted further.
    terminal.until("the statement, live", |screen| {
        screen.contains(STATEMENT) && !screen.contains("CONNECTION LOST")
    });
    terminal.press(&["q"]);
    terminal.ends(0);
    load.end();
}
