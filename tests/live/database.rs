//! Rules about the database, on real servers: what was planted is found, and what stands beside it is not.

use super::binary::pgperf;
use super::support::{client, database, on_each_version, snapshot};

/// Each line that plants something has a sound neighbour: a key that is indexed, a table that is vacuumed, a sequence that lasts.
const PLANTED: &[&str] = &[
    "create table parents (id bigint primary key)",
    "insert into parents select generate_series(1, 2000)",
    "create table children (id int generated always as identity primary key, parent_id int references parents, other bigint)",
    "insert into children (parent_id, other) select n % 1000 + 1, n / 2 from generate_series(1, 5000) n",
    "create table siblings (id bigint generated always as identity primary key, parent_id bigint references parents, other bigint)",
    "insert into siblings (parent_id, other) select n % 1000 + 1, n % 100 from generate_series(1, 5000) n",
    "create index siblings_parent on siblings (parent_id)",
    "create index siblings_other on siblings (other)",
    "create index siblings_twin on siblings (other)",
    "create index children_narrow on children (other)",
    "create index children_wide on children (other, id)",
    "alter table siblings add constraint positive check (id > 0) not valid",
    "alter table children add constraint positive check (id > 0)",
    "select setval('children_id_seq', 2000000000)",
    "create table keyless (a int)",
    "insert into keyless values (1)",
    "create table events (at date not null) partition by range (at)",
    "create table events_2020 partition of events for values from ('2020-01-01') to ('2021-01-01')",
    "create table events_other partition of events default",
    "insert into events select '2020-01-01'::date + n % 2000 from generate_series(1, 5000) n",
    "create unlogged table cache (id int primary key)",
    "insert into cache values (1)",
    "create materialized view totals as select n, repeat('x', 100) as x from generate_series(1, 20000) n",
    "create materialized view uniques as select n, repeat('x', 100) as x from generate_series(1, 20000) n",
    "create unique index uniques_n on uniques (n)",
    "create table worn (id int primary key) with (autovacuum_enabled = false)",
    "insert into worn select generate_series(1, 50000)",
    "create table unread (id int primary key) with (autovacuum_enabled = false)",
    "insert into unread select generate_series(1, 20000)",
    "vacuum analyze parents, children, siblings, keyless, cache, totals, uniques, worn",
    "analyze events",
    "delete from worn where id % 2 = 0",
    "delete from parents where id > 1900",
];

/// Rule and what it is told of.
const EXPECTED: &[(&str, &str)] = &[
    ("autovacuum-off", "public.unread"),
    ("autovacuum-off", "public.worn"),
    ("constraint-not-valid", "positive of public.siblings"),
    ("default-partition-filled", "public.events_other"),
    ("duplicate-index", "public.siblings_twin"),
    (
        "foreign-key-no-index",
        "children_parent_id_fkey of public.children",
    ),
    (
        "foreign-key-types",
        "children_parent_id_fkey of public.children",
    ),
    ("invalid-index", "public.children_broken"),
    ("matview-no-unique-index", "public.totals"),
    ("missing-primary-key", "public.events"),
    ("missing-primary-key", "public.keyless"),
    ("redundant-index", "public.children_narrow"),
    ("sequence-exhaustion", "public.children_id_seq"),
    ("stale-statistics", "public.unread"),
    ("unlogged-table", "public.cache"),
    ("vacuum-lag", "public.worn"),
];

async fn judged(major: u32) {
    let conninfo = database(major).await;
    let session = client(&conninfo).await;
    for statement in PLANTED {
        session
            .batch_execute(statement)
            .await
            .unwrap_or_else(|e| panic!("{major}: {statement}: {e}"));
    }
    // It fails on a duplicate, and leaves the index behind.
    let broken = "create unique index concurrently children_broken on children (other)";
    session.batch_execute(broken).await.unwrap_err();
    counted(&session).await;
    let run = pgperf(&["audit", &conninfo, "--no-advice", "--format", "json"], "");
    assert_eq!(run.code, Some(0), "{major}: {run:?}");
    let report = run.json();
    let mut found: Vec<(String, String)> = (report["findings"].as_array().unwrap().iter())
        .map(|f| {
            (
                f["rule"].as_str().unwrap().to_owned(),
                f["object"].as_str().unwrap().to_owned(),
            )
        })
        // What is said of the server is how tests set it up, and what other tests do there.
        .filter(|(_, object)| object.contains("public."))
        .collect();
    found.sort();
    let expected: Vec<(String, String)> = EXPECTED
        .iter()
        .map(|(rule, object)| ((*rule).to_owned(), (*object).to_owned()))
        .collect();
    assert_eq!(found, expected, "{major}: {:#}", report["findings"]);
    let fingerprints: std::collections::BTreeSet<&str> =
        (report["findings"].as_array().unwrap().iter())
            .map(|f| f["fingerprint"].as_str().unwrap())
            .collect();
    assert_eq!(
        fingerprints.len(),
        report["findings"].as_array().unwrap().len(),
        "{major}"
    );
}

/// Counters reach the views somewhat after the transactions that they count.
async fn counted(session: &tokio_postgres::Client) {
    let sql = "select count(*) filter (where relname = 'parents' and n_tup_del = 100)
            + count(*) filter (where relname = 'worn' and n_dead_tup = 25000)
            + count(*) filter (where relname = 'unread' and n_live_tup = 20000)
        from pg_stat_user_tables";
    for _ in 0..300 {
        let row = session.query_one(sql, &[]).await.unwrap();
        if row.get::<_, i64>(0) == 3 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the counters of the tables never came");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_planted_is_found_and_nothing_else() {
    on_each_version(judged).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_seen_as_a_whole() {
    on_each_version(seen).await;
}

async fn seen(major: u32) {
    let conninfo = database(major).await;
    let session = client(&conninfo).await;
    for statement in [
        "create sequence s",
        "select nextval('s'), nextval('s')",
        "begin",
        "select 1",
    ] {
        session.batch_execute(statement).await.unwrap();
    }
    let snapshot = snapshot(&conninfo).await;
    let cluster = snapshot
        .cluster
        .as_ref()
        .unwrap_or_else(|| panic!("{major}: {:?}", snapshot.gaps));
    assert!(
        cluster
            .databases
            .iter()
            .any(|d| d.name == snapshot.server.database && d.xid_age > 0.0),
        "{major}: {cluster:?}"
    );
    let counters = cluster.counters.as_ref().unwrap();
    assert_eq!(
        counters.sessions.is_some(),
        major >= 14,
        "{major}: {counters:?}"
    );
    assert!(cluster.checkpoints.is_some(), "{major}");
    assert_eq!(cluster.wal.is_some(), major >= 14, "{major}");
    let open = cluster.sessions.iter().any(|s| {
        s.database.as_deref() == Some(snapshot.server.database.as_str())
            && s.state.as_deref() == Some("idle in transaction")
            && s.xact_start.is_some()
    });
    assert!(open, "{major}: {:?}", cluster.sessions);
    assert_eq!(
        snapshot.sequences[0].last_value,
        Some(2),
        "{major}: {:?}",
        snapshot.sequences
    );
    assert_eq!(cluster.changed_collations, [], "{major}");
}
