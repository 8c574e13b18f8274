//! `pgperf advise --apply` on real servers: what it makes, what it leaves alone, and what is left of it when it is disturbed.

mod disturbed;
mod partitioned;

use std::io::{BufRead as _, BufReader};
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use tokio_postgres::Client;

use crate::live::binary::{Run, finish, pgperf, start};
use crate::live::connect::{Server, answering};
use crate::live::support;

/// Two tables; looking for something in the first one saves more.
const TABLES: &str = "CREATE TABLE t (id int, a int, b int);
    INSERT INTO t SELECT n, n % 5000, n % 5000 FROM generate_series(1, 60000) n;
    CREATE TABLE u (id int, a int, b int);
    INSERT INTO u SELECT n, n % 5000, n % 5000 FROM generate_series(1, 30000) n;
    ANALYZE;";

/// Asks for an index on `t (a)`.
const ONE: &str = "SELECT * FROM t WHERE a = 5;";
/// Asks for one on `u (a)` too, which comes second.
const BOTH: &str = "-- calls=3\nSELECT * FROM t WHERE a = 5;\nSELECT * FROM u WHERE a = 5;";

/// Nothing here takes as long.
const LONGEST: Duration = Duration::from_secs(60);

fn arguments<'a>(conninfo: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec![
        "advise",
        conninfo,
        "--queries",
        "-",
        "--planner",
        "estimate",
    ];
    arguments.extend(["--yes", "--lock-timeout", "0.1"]);
    arguments.extend(more);
    arguments
}

/// Applies the advice for these statements, to the end.
fn apply(conninfo: &str, sql: &str) -> Run {
    Beside::start(conninfo, sql).end()
}

/// A run that goes on beside the test, and ends with it.
struct Beside {
    child: Option<Child>,
    lines: Receiver<String>,
    said: String,
}

impl Beside {
    fn start(conninfo: &str, sql: &str) -> Self {
        let mut child = start(&arguments(conninfo, &["--apply"]), sql);
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        Self {
            child: Some(child),
            lines,
            said: String::new(),
        }
    }

    /// Waits until it says this.
    fn until(&mut self, what: &str) {
        loop {
            let line = self.lines.recv_timeout(LONGEST);
            let line = line.unwrap_or_else(|e| panic!("never said {what} ({e}): {}", self.said));
            self.hear(&line);
            if line.contains(what) {
                return;
            }
        }
    }

    fn hear(&mut self, line: &str) {
        self.said.push_str(line);
        self.said.push('\n');
    }

    /// Waits until it has ended; all that it said.
    fn end(mut self) -> Run {
        let begun = Instant::now();
        loop {
            match self.lines.recv_timeout(LONGEST) {
                Ok(line) => self.hear(&line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("does not end: {}", self.said),
            }
            assert!(begun.elapsed() < LONGEST, "does not end: {}", self.said);
        }
        let mut run = finish(self.child.take().unwrap());
        run.stderr = std::mem::take(&mut self.said);
        run
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Every index of the test's tables: `t_a_idx (a)`, with ` INVALID` behind it if it is.
async fn indexes(client: &Client) -> Vec<String> {
    let sql = "SELECT c.relname || ' (' || pg_get_indexdef(i.indexrelid, 1, true) || ')'
            || CASE WHEN i.indisvalid THEN '' ELSE ' INVALID' END
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE c.relnamespace = 'public'::regnamespace ORDER BY 1";
    let rows = client.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Waits until a condition holds on the server.
async fn until(client: &Client, condition: &str) {
    let begun = Instant::now();
    loop {
        let sql = format!("SELECT {condition}");
        if client.query_one(&sql, &[]).await.unwrap().get(0) {
            return;
        }
        assert!(begun.elapsed() < LONGEST, "never: {condition}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The statements that a run printed under a title.
fn listed(run: &Run, title: &str) -> Vec<String> {
    let lines = run.stderr.lines().skip_while(|line| *line != title).skip(1);
    let listed = lines.take_while(|line| line.starts_with("  "));
    listed.map(|line| line.trim().to_owned()).collect()
}

async fn set_up(major: u32) -> (String, Client) {
    let conninfo = support::database(major).await;
    let client = support::client(&conninfo).await;
    client.batch_execute(TABLES).await.unwrap();
    (conninfo, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_is_created_and_used_and_the_undo_takes_it_back() {
    support::on_each_version(|major| async move {
        let (conninfo, client) = set_up(major).await;
        let run = apply(&conninfo, ONE);
        assert_eq!(run.code, Some(0), "{major}: {run:?}");
        assert!(
            run.stdout.contains("Create an index on public.t"),
            "{major}: {run:?}"
        );
        assert!(run.stderr.contains("done in"), "{major}: {run:?}");
        assert_eq!(indexes(&client).await, ["t_a_idx (a)"], "{major}");
        let rows = client.query(&format!("EXPLAIN {ONE}"), &[]).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        assert!(plan.contains("t_a_idx"), "{major}: {plan}");
        let again = apply(&conninfo, ONE);
        assert_eq!(again.code, Some(0), "{major}: {again:?}");
        assert_eq!(again.stderr, "nothing to apply\n", "{major}");
        let undo = listed(&run, "to undo:");
        assert_eq!(undo, ["DROP INDEX CONCURRENTLY public.t_a_idx;"], "{major}");
        client.batch_execute(&undo[0]).await.unwrap();
        assert!(indexes(&client).await.is_empty(), "{major}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_it_must_be_told_yes() {
    let (conninfo, client) = set_up(18).await;
    let without: Vec<&str> = ["advise", &conninfo, "--queries", "-", "--apply"].to_vec();
    let run = pgperf(&without, ONE);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("--yes"), "{run:?}");
    assert_eq!(run.stdout, "");
    for wrong in [
        vec!["advise", "--from", "x.json", "--apply", "--yes"],
        vec!["advise", &conninfo, "--yes"],
        vec!["advise", &conninfo, "--apply=some", "--yes"],
        vec![
            "advise",
            &conninfo,
            "--apply",
            "--yes",
            "--lock-timeout",
            "0",
        ],
    ] {
        let run = pgperf(&wrong, ONE);
        assert_eq!(run.code, Some(2), "{wrong:?}: {run:?}");
    }
    assert!(indexes(&client).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn drops_are_made_only_when_asked_for() {
    let (conninfo, client) = set_up(18).await;
    let twins = "CREATE INDEX one ON t (b, id); CREATE INDEX two ON t (b, id);";
    client.batch_execute(twins).await.unwrap();
    let run = apply(&conninfo, ONE);
    assert_eq!(run.code, Some(0), "{run:?}");
    let drop = "DROP INDEX CONCURRENTLY public.two;";
    assert_eq!(listed(&run, "left to you, or to --apply=all:"), [drop]);
    assert_eq!(
        indexes(&client).await,
        ["one (b)", "t_a_idx (a)", "two (b)"]
    );
    let run = pgperf(&arguments(&conninfo, &["--apply=all"]), ONE);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(indexes(&client).await, ["one (b)", "t_a_idx (a)"]);
    let undo = listed(&run, "to undo:");
    assert_eq!(undo, ["CREATE INDEX CONCURRENTLY two ON public.t (b, id);"]);
    client.batch_execute(&undo[0]).await.unwrap();
    assert_eq!(indexes(&client).await.len(), 3);
}

/// An index that a wider one replaces is a drop too, and comes after it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_replaced_is_dropped_only_when_asked_for() {
    let (conninfo, client) = set_up(18).await;
    let table = "CREATE TABLE w AS SELECT n % 500 AS a, n / 500 % 20 AS b, 'filler ' || n AS pad FROM generate_series(1, 60000) n;
        CREATE INDEX w_a ON w (a); ANALYZE w";
    client.batch_execute(table).await.unwrap();
    let both = "SELECT * FROM w WHERE a = 5 AND b = 6; SELECT * FROM w WHERE a = 7";
    let run = apply(&conninfo, both);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(indexes(&client).await, ["w_a (a)", "w_a_b_idx (a)"]);
    let drop = "DROP INDEX CONCURRENTLY public.w_a;";
    assert_eq!(listed(&run, "left to you, or to --apply=all:"), [drop]);
    let created = ["DROP INDEX CONCURRENTLY public.w_a_b_idx;"];
    assert_eq!(listed(&run, "to undo:"), created);
    client.batch_execute(created[0]).await.unwrap();
    let run = pgperf(&arguments(&conninfo, &["--apply=all"]), both);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(indexes(&client).await, ["w_a_b_idx (a)"]);
    let undo = listed(&run, "to undo:");
    let back = "CREATE INDEX CONCURRENTLY w_a ON public.w (a);";
    assert_eq!(undo, [back, created[0]]);
    for change in undo {
        client.batch_execute(&change).await.unwrap();
    }
    assert_eq!(indexes(&client).await, ["w_a (a)"]);
}

/// Makes an INVALID index, as an interrupted build does.
async fn leave_invalid(conninfo: &str, create: &str) {
    let (old, build) = (
        support::client(conninfo).await,
        support::client(conninfo).await,
    );
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1";
    old.batch_execute(begin).await.unwrap();
    build
        .batch_execute("SET lock_timeout = '50ms'")
        .await
        .unwrap();
    build.batch_execute(create).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_interrupted_build_left_is_built_again() {
    support::on_each_version(|major| async move {
        let (conninfo, client) = set_up(major).await;
        leave_invalid(&conninfo, "CREATE INDEX CONCURRENTLY t_a_idx ON t (a)").await;
        assert_eq!(indexes(&client).await, ["t_a_idx (a) INVALID"], "{major}");
        let run = apply(&conninfo, ONE);
        assert_eq!(run.code, Some(0), "{major}: {run:?}");
        assert!(
            run.stderr.contains("removes public.t_a_idx, INVALID"),
            "{major}: {run:?}"
        );
        assert_eq!(indexes(&client).await, ["t_a_idx (a)"], "{major}: {run:?}");
    })
    .await;
}

/// With a predicate and an expression, which the server prints otherwise than the advice; and a rebuild.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_left_is_known_however_it_is_printed() {
    let (conninfo, client) = set_up(18).await;
    let sql = "ALTER TABLE t ADD email varchar; UPDATE t SET email = id || '@x.org'; ANALYZE t";
    client.batch_execute(sql).await.unwrap();
    let create = "CREATE INDEX CONCURRENTLY t_lower_idx ON t (lower(email))";
    leave_invalid(&conninfo, create).await;
    leave_invalid(&conninfo, "CREATE INDEX CONCURRENTLY broken ON t (b)").await;
    leave_invalid(&conninfo, "REINDEX INDEX CONCURRENTLY broken").await;
    let left = [
        "broken (b) INVALID",
        "broken_ccnew (b) INVALID",
        "t_lower_idx (lower(email::text)) INVALID",
    ];
    assert_eq!(indexes(&client).await, left);
    let run = apply(&conninfo, "SELECT * FROM t WHERE lower(email) = '5@x.org'");
    assert_eq!(run.code, Some(0), "{run:?}");
    let made = ["broken (b)", "t_lower_idx (lower(email::text))"];
    assert_eq!(indexes(&client).await, made, "{run:?}");
}

/// While it waits for the first table, others are at work on the second one: what is there then counts, not what was there when
/// it began.
#[tokio::test(flavor = "multi_thread")]
async fn it_looks_again_before_each_change() {
    for (meanwhile, code, said, then) in [
        (
            "CREATE INDEX u_a_idx ON u (a)",
            Some(0),
            "already there",
            ["t_a_idx (a)", "u_a_idx (a)"],
        ),
        (
            "CREATE INDEX u_a_idx ON u (b)",
            Some(5),
            "public.u_a_idx is the name of another index: public.u (b)",
            ["t_a_idx (a)", "u_a_idx (b)"],
        ),
    ] {
        let (conninfo, client) = set_up(18).await;
        let lock = "BEGIN; LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE";
        client.batch_execute(lock).await.unwrap();
        let mut run = Beside::start(&conninfo, BOTH);
        run.until("; try 2 in");
        let other = support::client(&conninfo).await;
        other.batch_execute(meanwhile).await.unwrap();
        client.batch_execute("COMMIT").await.unwrap();
        let run = run.end();
        assert_eq!(run.code, code, "{meanwhile}: {run:?}");
        assert!(run.stderr.contains(said), "{meanwhile}: {run:?}");
        assert_eq!(indexes(&client).await, then, "{meanwhile}");
        // What was there before is not this run's to take back.
        let undo = ["DROP INDEX CONCURRENTLY public.t_a_idx;"];
        assert_eq!(listed(&run, "to undo:"), undo, "{meanwhile}");
    }
}

/// An index that has the name, and is something else, from the beginning: another name is taken.
#[tokio::test(flavor = "multi_thread")]
async fn another_index_of_that_name_is_left_alone() {
    let (conninfo, client) = set_up(18).await;
    client
        .batch_execute("CREATE INDEX t_a_idx ON t (b)")
        .await
        .unwrap();
    let run = apply(&conninfo, ONE);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(indexes(&client).await, ["t_a_idx (b)", "t_a_idx1 (a)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_role_does_not_own_is_not_touched() {
    for major in [13, 18] {
        let (conninfo, client) = set_up(major).await;
        let role = "DO $$ BEGIN CREATE ROLE applier LOGIN; EXCEPTION WHEN duplicate_object THEN END $$;
             GRANT CREATE ON SCHEMA public TO applier; GRANT SELECT ON ALL TABLES IN SCHEMA public TO applier;
             GRANT pg_monitor TO applier; ALTER TABLE u OWNER TO applier";
        client.batch_execute(role).await.unwrap();
        let run = apply(&conninfo.replace("user=postgres", "user=applier"), BOTH);
        assert_eq!(run.code, Some(5), "{major}: {run:?}");
        let said = "role applier does not own public.t, whose owner is postgres";
        assert!(run.stderr.contains(said), "{major}: {run:?}");
        assert_eq!(indexes(&client).await, ["u_a_idx (a)"], "{major}: {run:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn standbys_and_poolers_are_refused() {
    let hba = "local all all trust\nlocal replication all trust\nhost all all 127.0.0.1/32 trust";
    let primary = Server::start(hba, &[]);
    let client = support::client(&primary.socket("postgres")).await;
    client.batch_execute(TABLES).await.unwrap();
    let standby = primary.standby();
    let port = answering(Vec::new(), primary.socket_path().into()).await;
    let pooler =
        format!("host=127.0.0.1 port={port} user=postgres dbname=postgres sslmode=disable");
    for (target, said) in [
        (standby.socket("postgres"), "is a standby"),
        (pooler, "a connection pooler stands before"),
    ] {
        let run = apply(&target, ONE);
        assert_eq!(run.code, Some(3), "{run:?}");
        assert!(run.stderr.contains(said), "{run:?}");
        // Advice alone is for both.
        let advice = ["advise", &target, "--queries", "-", "--planner", "estimate"];
        assert_eq!(pgperf(&advice, ONE).code, Some(0));
    }
    assert!(indexes(&client).await.is_empty());
    assert_eq!(apply(&primary.socket("postgres"), ONE).code, Some(0));
}
