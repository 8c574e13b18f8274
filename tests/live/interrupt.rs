//! Ctrl-C: what runs on the server ends, and the command with it.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio_postgres::Client;

use crate::live::support;

/// A function that the planner runs, because it is called immutable, and that takes its time.
const SETUP: &str = "CREATE TABLE t AS SELECT n AS a FROM generate_series(1, 100000) n; ANALYZE t;
    CREATE EXTENSION hypopg;
    CREATE FUNCTION slow() RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(25); RETURN 1; END';";

const PATIENCE: Duration = Duration::from_secs(10);

fn start(args: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_pgperf"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Ctrl-C; the exit code, and how long it took to come.
fn interrupt(mut child: Child) -> (Option<i32>, Duration) {
    let pid = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    let begun = Instant::now();
    kill_process(pid, Signal::INT).unwrap();
    (child.wait().unwrap().code(), begun.elapsed())
}

async fn sessions(client: &Client, with: &str) -> i64 {
    let sql = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pgperf%' AND datname = current_database() AND {with}"
    );
    client.query_one(&sql, &[]).await.unwrap().get(0)
}

async fn until(what: &str, client: &Client, with: &str, wanted: i64) {
    let begun = Instant::now();
    while sessions(client, with).await != wanted {
        assert!(begun.elapsed() < PATIENCE, "not in {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_on_the_server_is_cancelled() {
    let conninfo = support::database(support::hypopg_major()).await;
    let client = support::client(&conninfo).await;
    client.batch_execute(SETUP).await.unwrap();
    let mut child = start(&["advise", &conninfo, "--queries", "-", "--planner", "hypopg"]);
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(b"SELECT * FROM t WHERE a = slow();")
        .unwrap();
    drop(stdin);
    let running = "state = 'active' AND query LIKE '%slow()%'";
    until("it runs", &client, running, 1).await;
    let (code, took) = interrupt(child);
    assert_eq!(code, Some(130));
    assert!(took < Duration::from_secs(2), "{took:?}");
    until("its session is gone", &client, "true", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_of_stdin_is_left() {
    let mut child = start(&["advise", "--queries", "-"]);
    let mut stdin = child.stdin.take().unwrap();
    // More than a pipe holds: when it is written, somebody reads.
    stdin.write_all(&vec![b' '; 100_000]).unwrap();
    let (code, took) = interrupt(child);
    assert_eq!(code, Some(130));
    assert!(took < Duration::from_secs(1), "{took:?}");
}
