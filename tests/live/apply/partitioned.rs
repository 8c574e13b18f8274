//! Indexes of partitioned tables: built part by part, and taken up again in the middle.

use super::{Beside, apply, indexes, listed};
use crate::live::support;

const EVENTS: &str = "CREATE TABLE events (id int, blog_id int) PARTITION BY HASH (blog_id);
    CREATE TABLE events_0 PARTITION OF events FOR VALUES WITH (MODULUS 3, REMAINDER 0);
    CREATE TABLE events_1 PARTITION OF events FOR VALUES WITH (MODULUS 3, REMAINDER 1)
        PARTITION BY HASH (id);
    CREATE TABLE events_1a PARTITION OF events_1 FOR VALUES WITH (MODULUS 1, REMAINDER 0);
    CREATE TABLE events_2 PARTITION OF events FOR VALUES WITH (MODULUS 3, REMAINDER 2);
    INSERT INTO events (id, blog_id) SELECT n, n FROM generate_series(1, 90000) n;
    ANALYZE;";

const ONE: &str = "SELECT * FROM events WHERE id = 1;";

const WHOLE: [&str; 5] = [
    "events_0_id_idx (id)",
    "events_1_id_idx (id)",
    "events_1a_id_idx (id)",
    "events_2_id_idx (id)",
    "events_id_idx (id)",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_part_is_built_and_attached() {
    support::on_each_version(|major| async move {
        let conninfo = support::database(major).await;
        let client = support::client(&conninfo).await;
        client.batch_execute(EVENTS).await.unwrap();
        let run = apply(&conninfo, ONE);
        assert_eq!(run.code, Some(0), "{major}: {run:?}");
        assert_eq!(indexes(&client).await, WHOLE, "{major}: {run:?}");
        let again = apply(&conninfo, ONE);
        assert_eq!(again.stderr, "nothing to apply\n", "{major}");
        let undo = listed(&run, "to undo:");
        assert_eq!(undo, ["DROP INDEX public.events_id_idx;"], "{major}");
        client.batch_execute(&undo[0]).await.unwrap();
        assert!(indexes(&client).await.is_empty(), "{major}");
    })
    .await;
}

/// The last partition is locked: what stands then is a part, and the next run adds the rest.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_is_added_to() {
    support::on_each_version(|major| async move {
        let conninfo = support::database(major).await;
        let client = support::client(&conninfo).await;
        client.batch_execute(EVENTS).await.unwrap();
        let lock = "BEGIN; LOCK TABLE events_2 IN SHARE UPDATE EXCLUSIVE MODE";
        client.batch_execute(lock).await.unwrap();
        let run = apply(&conninfo, ONE);
        client.batch_execute("COMMIT").await.unwrap();
        assert_eq!(run.code, Some(5), "{major}: {run:?}");
        assert!(run.stderr.contains("not tried"), "{major}: {run:?}");
        let part = [WHOLE[0], WHOLE[1], WHOLE[2], "events_id_idx (id) INVALID"];
        assert_eq!(indexes(&client).await, part, "{major}: {run:?}");
        let run = apply(&conninfo, ONE);
        assert_eq!(run.code, Some(0), "{major}: {run:?}");
        let made: Vec<&str> = (run.stderr.lines())
            .filter_map(|line| line.strip_prefix('[')?.split_once("] "))
            .map(|(_, ddl)| ddl)
            .collect();
        let missing = [
            "CREATE INDEX CONCURRENTLY events_2_id_idx ON public.events_2 (id);",
            "ALTER INDEX public.events_id_idx ATTACH PARTITION public.events_2_id_idx;",
        ];
        assert_eq!(made, missing, "{major}");
        assert_eq!(indexes(&client).await, WHOLE, "{major}");
        let undo = listed(&run, "to undo:");
        assert_eq!(undo, ["DROP INDEX public.events_id_idx;"], "{major}");
    })
    .await;
}

/// The undo of a part leaves nothing of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_can_be_undone() {
    let conninfo = support::database(18).await;
    let client = support::client(&conninfo).await;
    client.batch_execute(EVENTS).await.unwrap();
    let lock = "BEGIN; LOCK TABLE events_1a IN SHARE UPDATE EXCLUSIVE MODE";
    client.batch_execute(lock).await.unwrap();
    let run = apply(&conninfo, ONE);
    client.batch_execute("COMMIT").await.unwrap();
    assert_eq!(run.code, Some(5), "{run:?}");
    assert_eq!(indexes(&client).await.len(), 3, "{run:?}");
    for undo in listed(&run, "to undo:") {
        client.batch_execute(&undo).await.unwrap();
    }
    assert!(indexes(&client).await.is_empty(), "{run:?}");
}

/// The index of the parent needs a lock that writers hold: others must not queue behind it for long.
#[tokio::test(flavor = "multi_thread")]
async fn writers_are_not_kept_waiting() {
    for major in [13, 18] {
        let conninfo = support::database(major).await;
        let client = support::client(&conninfo).await;
        client.batch_execute(EVENTS).await.unwrap();
        client
            .batch_execute("BEGIN; INSERT INTO events VALUES (1, 1)")
            .await
            .unwrap();
        let mut run = Beside::start(&conninfo, ONE);
        run.until("; try 2 in");
        // Nobody waits in a queue now.
        let other = support::client(&conninfo).await;
        let write = "SET lock_timeout = '5s'; INSERT INTO events VALUES (2, 2)";
        other.batch_execute(write).await.unwrap();
        client.batch_execute("COMMIT").await.unwrap();
        let run = run.end();
        assert_eq!(run.code, Some(0), "{major}: {run:?}");
        assert_eq!(indexes(&client).await, WHOLE, "{major}: {run:?}");
    }
}

/// A partition has such an index already: it is attached, and the undo, which cannot detach it, builds it again.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_partition_had_before_it_has_after_the_undo() {
    let conninfo = support::database(18).await;
    let client = support::client(&conninfo).await;
    client.batch_execute(EVENTS).await.unwrap();
    let own = "CREATE INDEX own ON events_0 (id)";
    client.batch_execute(own).await.unwrap();
    let run = apply(&conninfo, "SELECT * FROM events WHERE id > 89990;");
    assert_eq!(run.code, Some(0), "{run:?}");
    let made = indexes(&client).await;
    assert_eq!(made.len(), 5, "{run:?}");
    assert!(made.contains(&"own (id)".to_owned()), "{made:?}");
    for undo in listed(&run, "to undo:") {
        client.batch_execute(&undo).await.unwrap();
    }
    assert_eq!(indexes(&client).await, ["own (id)"], "{run:?}");
}
