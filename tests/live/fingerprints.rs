//! A statement has one fingerprint on every version: `pg_stat_statements` writes it down in several ways.

use std::collections::BTreeMap;

use pgperf::query::workload::{WorkloadOptions, workload};

use super::support::{client, database, servers, shown};

/// Statements as programs send them: each is written down otherwise by some version (lists, comments, typed constants), and some
/// are the same as the one before.
const SENT: &[&str] = &[
    "select * from orders where id in (1, 2, 3)",
    "select * from orders where id in (4, 5, 6, 7, 8, 9)",
    "/* request 7 */ select note from orders where id = 5",
    "select note from orders where id = 6 -- and a comment",
    "select id from orders where placed > date '2024-01-01' - interval '3 days'",
    "select extract(year from placed), count(*) from orders group by 1 having count(*) > 1",
    "select o.note from orders as o inner join orders p on p.id = o.id where o.note is not null and p.id < 7 order by o.id asc limit 3",
    "SELECT Note FROM orders WHERE ID = 7",
    "insert into orders values (100, now(), 'a'), (101, now(), 'b')",
    "insert into orders values (102, now(), 'c')",
    "update orders set note = 'x' where id = 100",
    "delete from orders where id = any (array[100, 101, 102])",
];

/// Fingerprints with the calls of each.
async fn fingerprints(major: u32) -> BTreeMap<u64, i64> {
    let conninfo = database(major).await;
    let session = client(&conninfo).await;
    let made = [
        "set pg_stat_statements.track = 'none'",
        "create extension pg_stat_statements",
        "create table orders (id int primary key, placed timestamptz not null, note text)",
        "set pg_stat_statements.track = 'top'",
    ];
    for statement in made.iter().chain(SENT) {
        session.batch_execute(statement).await.unwrap();
    }
    let snapshot = shown(&conninfo).await;
    let load = workload(&snapshot, &WorkloadOptions::default());
    let mut all = BTreeMap::new();
    for query in &load.queries {
        #[expect(clippy::cast_possible_truncation, reason = "a handful of calls")]
        let calls = query.calls.round() as i64;
        *all.entry(query.fingerprint).or_default() += calls;
    }
    assert!(all.len() >= 6, "{major}: {load:#?}");
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_is_the_same_on_every_version() {
    let mut first: Option<(u32, BTreeMap<u64, i64>)> = None;
    for installation in servers() {
        let major = installation.major();
        let found = fingerprints(major).await;
        match &first {
            None => first = Some((major, found)),
            Some((oldest, expected)) => assert_eq!(&found, expected, "{major} against {oldest}"),
        }
    }
    // Lists of any length are one statement, and so are the three look-ups of a note.
    let (_, all) = first.unwrap();
    assert!(all.values().any(|calls| *calls == 3), "{all:?}");
    assert!(all.values().any(|calls| *calls == 2), "{all:?}");
}
