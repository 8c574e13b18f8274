//! Somebody in the way, a signal, a crash: nothing unusable stays that could go, and the next run goes on.

use rustix::process::{Pid, Signal, kill_process};
use tokio_postgres::Client;

use super::{BOTH, Beside, ONE, apply, indexes, listed, set_up, until};
use crate::live::support;

/// A transaction that is older than the build to come and has nothing to do with its table.
const OLD: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1";
/// The build waits for it when all is read.
const WAITS: &str = "EXISTS (SELECT FROM pg_stat_progress_create_index
    WHERE datname = current_database() AND phase = 'waiting for old snapshots')";
/// No session of the program's is left.
const GONE: &str = "NOT EXISTS (SELECT FROM pg_stat_activity
    WHERE application_name LIKE 'pgperf%' AND datname = current_database())";

fn signal(run: &Beside, signal: Signal) {
    let pid = Pid::from_raw(run.child.as_ref().unwrap().id().try_into().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

async fn pid(client: &Client) -> i32 {
    let row = client.query_one("SELECT pg_backend_pid()", &[]).await;
    row.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_released_in_time_is_waited_for() {
    support::on_each_version(|major| async move {
        let (conninfo, client) = set_up(major).await;
        let lock = "BEGIN; LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE";
        client.batch_execute(lock).await.unwrap();
        let mut run = Beside::start(&conninfo, ONE);
        run.until("; try 2 in");
        let holder = format!("pid {}", pid(&client).await);
        assert!(run.said.contains(&holder), "{major}: {}", run.said);
        client.batch_execute("COMMIT").await.unwrap();
        let run = run.end();
        assert_eq!(run.code, Some(0), "{major}: {run:?}");
        assert_eq!(indexes(&client).await, ["t_a_idx (a)"], "{major}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_never_released_is_given_up() {
    for major in [13, 18] {
        let (conninfo, client) = set_up(major).await;
        let lock = "BEGIN; LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE";
        client.batch_execute(lock).await.unwrap();
        let run = apply(&conninfo, BOTH);
        assert_eq!(run.code, Some(5), "{major}: {run:?}");
        let gave_up = format!(
            "gave up after 6 tries: waits for a lock on the table, held by pid {}",
            pid(&client).await
        );
        assert!(run.stderr.contains(&gave_up), "{major}: {run:?}");
        let open = ["CREATE INDEX CONCURRENTLY t_a_idx ON public.t (a);"];
        assert_eq!(listed(&run, "not done:"), open, "{major}");
        // The other table is not concerned.
        assert_eq!(indexes(&client).await, ["u_a_idx (a)"], "{major}");
    }
}

/// It waits longer than `--lock-timeout`, which is for locks on tables, and says for whom.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_transaction_is_waited_for_and_named() {
    support::on_each_version(|major| async move {
        let (conninfo, client) = set_up(major).await;
        let old = support::client(&conninfo).await;
        old.batch_execute(OLD).await.unwrap();
        let mut run = Beside::start(&conninfo, ONE);
        run.until(&format!(
            "waits for the end of a transaction older than it: pid {} (role postgres, idle in transaction, its transaction began",
            pid(&old).await
        ));
        old.batch_execute("COMMIT").await.unwrap();
        let run = run.end();
        assert_eq!(run.code, Some(0), "{major}: {run:?}");
        assert!(!run.stderr.contains("try 2"), "{major}: {run:?}");
        assert_eq!(indexes(&client).await, ["t_a_idx (a)"], "{major}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupted_it_removes_what_is_unfinished() {
    support::on_each_version(|major| async move {
        let (conninfo, client) = set_up(major).await;
        let old = support::client(&conninfo).await;
        old.batch_execute(OLD).await.unwrap();
        let run = Beside::start(&conninfo, BOTH);
        until(&client, WAITS).await;
        assert_eq!(indexes(&client).await, ["t_a_idx (a) INVALID"], "{major}");
        let ending = if major % 2 == 0 {
            Signal::INT
        } else {
            Signal::TERM
        };
        signal(&run, ending);
        let run = run.end();
        assert_eq!(run.code, Some(130), "{major}: {run:?}");
        assert!(
            run.stderr
                .contains("public.t_a_idx, unfinished, is removed"),
            "{major}: {run:?}"
        );
        assert_eq!(listed(&run, "not done:").len(), 2, "{major}: {run:?}");
        assert!(indexes(&client).await.is_empty(), "{major}: {run:?}");
        until(&client, GONE).await;
        old.batch_execute("COMMIT").await.unwrap();
        let run = apply(&conninfo, BOTH);
        assert_eq!(run.code, Some(0), "{major}: {run:?}");
        assert_eq!(
            indexes(&client).await,
            ["t_a_idx (a)", "u_a_idx (a)"],
            "{major}"
        );
    })
    .await;
}

/// The old transaction has written to the table itself: nobody can drop an index of it before that has ended.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_removed_is_named_and_removed_the_next_time() {
    let (conninfo, client) = set_up(18).await;
    let old = support::client(&conninfo).await;
    old.batch_execute("BEGIN; INSERT INTO t VALUES (1, 1, 1)")
        .await
        .unwrap();
    let mut run = Beside::start(&conninfo, ONE);
    run.until("waits for the end of a transaction older than it");
    signal(&run, Signal::INT);
    let run = run.end();
    assert_eq!(run.code, Some(130), "{run:?}");
    let left = "public.t_a_idx is left INVALID, it could not be removed (waits for the end of a transaction older than it: pid";
    assert!(run.stderr.contains(left), "{run:?}");
    assert_eq!(indexes(&client).await, ["t_a_idx (a) INVALID"]);
    old.batch_execute("COMMIT").await.unwrap();
    let run = apply(&conninfo, ONE);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(indexes(&client).await, ["t_a_idx (a)"]);
}

/// Killed, it can remove nothing. From 14 on the server ends the build of a client that is gone; 13 builds to the end.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_the_next_run_goes_on() {
    support::on_each_version(|major| async move {
        let (conninfo, client) = set_up(major).await;
        let old = support::client(&conninfo).await;
        old.batch_execute(OLD).await.unwrap();
        let run = Beside::start(&conninfo, ONE);
        until(&client, WAITS).await;
        signal(&run, Signal::KILL);
        assert_eq!(run.end().code, None, "{major}");
        if major >= 14 {
            until(&client, GONE).await;
            assert_eq!(indexes(&client).await, ["t_a_idx (a) INVALID"], "{major}");
            old.batch_execute("COMMIT").await.unwrap();
        } else {
            let run = apply(&conninfo, ONE);
            assert_eq!(run.code, Some(5), "{major}: {run:?}");
            assert!(
                run.stderr.contains("another pgperf (pid "),
                "{major}: {run:?}"
            );
            old.batch_execute("COMMIT").await.unwrap();
            until(&client, GONE).await;
        }
        let run = apply(&conninfo, ONE);
        assert_eq!(run.code, Some(0), "{major}: {run:?}");
        assert_eq!(indexes(&client).await, ["t_a_idx (a)"], "{major}: {run:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_are_one_too_many() {
    let (conninfo, client) = set_up(18).await;
    let old = support::client(&conninfo).await;
    old.batch_execute(OLD).await.unwrap();
    let first = Beside::start(&conninfo, ONE);
    until(&client, WAITS).await;
    let second = apply(&conninfo, BOTH);
    assert_eq!(second.code, Some(5), "{second:?}");
    assert!(
        second.stderr.contains("is applying advice in database"),
        "{second:?}"
    );
    assert_eq!(indexes(&client).await, ["t_a_idx (a) INVALID"]);
    // In another database one may.
    let (elsewhere, other) = set_up(18).await;
    assert_eq!(apply(&elsewhere, ONE).code, Some(0));
    assert_eq!(indexes(&other).await, ["t_a_idx (a)"]);
    old.batch_execute("COMMIT").await.unwrap();
    let first = first.end();
    assert_eq!(first.code, Some(0), "{first:?}");
    assert_eq!(indexes(&client).await, ["t_a_idx (a)"]);
}

/// Somebody on the server ends the build, or its session.
#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_is_ended_from_outside_has_failed() {
    let find = "FROM pg_stat_progress_create_index WHERE datname = current_database()";
    for (end, said, left) in [
        (
            "pg_cancel_backend",
            "canceling statement due to user request",
            vec![],
        ),
        (
            "pg_terminate_backend",
            "it goes on where this one ended",
            vec!["t_a_idx (a) INVALID"],
        ),
    ] {
        let (conninfo, client) = set_up(18).await;
        let old = support::client(&conninfo).await;
        old.batch_execute(OLD).await.unwrap();
        let run = Beside::start(&conninfo, ONE);
        until(&client, WAITS).await;
        client
            .batch_execute(&format!("SELECT {end}(pid) {find}"))
            .await
            .unwrap();
        let run = run.end();
        assert_eq!(run.code, Some(5), "{end}: {run:?}");
        assert!(run.stderr.contains(said), "{end}: {run:?}");
        assert_eq!(indexes(&client).await, left, "{end}: {run:?}");
        old.batch_execute("COMMIT").await.unwrap();
        assert_eq!(apply(&conninfo, ONE).code, Some(0), "{end}");
        assert_eq!(indexes(&client).await, ["t_a_idx (a)"], "{end}");
    }
}
