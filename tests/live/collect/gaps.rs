//! What cannot be seen: without a privilege, behind a lock, without the extension. Each gap says how to close it.

use std::time::{Duration, Instant};

use pgperf::model::gap::Part;
use pgperf::pg::collect::{CollectOptions, collect};
use pgperf::pg::local::{LocalOptions, LocalServer};

use super::{as_role, connect, gap, index, prepared, snapshot_of, table};
use crate::live::support;

#[tokio::test(flavor = "multi_thread")]
async fn a_role_sees_less_and_every_gap_says_what_to_grant() {
    for installation in support::servers() {
        let major = installation.major();
        let (conninfo, client) = prepared(major).await;
        client
            .batch_execute(
                "do $$ begin
                     create role \"Plain Role\" login;
                     create role monitor login;
                     grant pg_monitor to monitor;
                     alter role monitor set search_path = \"$user\", \"My Schema\", public;
                 exception when duplicate_object then null;
                 end $$",
            )
            .await
            .unwrap();

        let snapshot = snapshot_of(&as_role(&conninfo, "'Plain Role'")).await;
        let hidden = gap(
            &snapshot,
            "hidden from \"Plain Role\", who may not read them",
        );
        let grant = if major >= 14 {
            "GRANT pg_read_all_data TO \"Plain Role\";"
        } else {
            "GRANT SELECT ON ALL TABLES IN SCHEMA \"My Schema\" TO \"Plain Role\";"
        };
        assert_eq!(hidden.close[0], grant);
        let texts = gap(&snapshot, "of other roles are hidden from \"Plain Role\"");
        assert_eq!(texts.close, ["GRANT pg_monitor TO \"Plain Role\";"]);
        assert!(texts.count.unwrap() > 0);
        assert!(table(&snapshot, "customers").columns[0].stats.is_none());
        assert!(!index(&snapshot, "customers_partial").incomplete);

        let snapshot = snapshot_of(&as_role(&conninfo, "monitor")).await;
        assert!(snapshot.server.reads_all_stats());
        assert!(
            !snapshot
                .gaps
                .iter()
                .any(|g| g.part == Part::Statements && g.what.contains("hidden"))
        );
        let oid = *snapshot
            .server
            .roles
            .iter()
            .find(|(_, name)| *name == "monitor")
            .unwrap()
            .0;
        assert_eq!(
            snapshot.server.role_search_paths[&oid],
            ["monitor", "My Schema", "public"]
        );

        // The command closes the gap.
        for command in &hidden.close {
            client.batch_execute(command).await.unwrap();
        }
        let snapshot = snapshot_of(&as_role(&conninfo, "'Plain Role'")).await;
        assert!(
            table(&snapshot, "customers").columns[0].stats.is_some(),
            "{major}"
        );
        assert!(
            !snapshot
                .gaps
                .iter()
                .any(|g| g.what.contains("may not read"))
        );
        // Before 14 nothing but owning the index shows what is known of its expressions, and the gap says so.
        let of_expressions = (snapshot.gaps.iter())
            .filter(|g| g.what.starts_with("statistics of expressions in"))
            .count();
        let seen = snapshot.definitions.expression_stats.len();
        assert_eq!(
            (of_expressions, seen > 0),
            if major >= 14 { (0, true) } else { (1, false) },
            "{major}"
        );
        client
            .batch_execute(&format!(
                "drop owned by \"Plain Role\"; {}",
                if major >= 14 {
                    "revoke pg_read_all_data from \"Plain Role\""
                } else {
                    ""
                }
            ))
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn locked_tables_are_left_alone() {
    for installation in support::servers() {
        let major = installation.major();
        let (conninfo, client) = prepared(major).await;
        let reader = support::client(&conninfo).await;
        reader
            .batch_execute("begin; select 1 from \"My Schema\".\"we\"\"ird; drop table x\"")
            .await
            .unwrap();
        // One lock is held; the other is awaited, behind the reader.
        client
            .batch_execute("begin; lock customers in access exclusive mode")
            .await
            .unwrap();
        let waiter = support::client(&conninfo).await;
        let waiting = tokio::spawn(async move {
            let lock =
                "begin; lock \"My Schema\".\"we\"\"ird; drop table x\" in access exclusive mode";
            waiter.batch_execute(lock).await
        });
        let watcher = support::client(&conninfo).await;
        while watcher
            .query_one(
                "select count(*) from pg_locks where not granted and mode = 'AccessExclusiveLock'",
                &[],
            )
            .await
            .unwrap()
            .get::<_, i64>(0)
            == 0
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }

        let connection = connect(&conninfo).await;
        let started = Instant::now();
        let snapshot = collect(&connection, &CollectOptions::default())
            .await
            .unwrap();
        let took = started.elapsed();
        assert!(took < Duration::from_secs(1), "{major}: {took:?}");

        let gap = gap(&snapshot, "ACCESS EXCLUSIVE lock on");
        assert!(gap.what.contains("public.customers"), "{}", gap.what);
        assert!(gap.what.contains("drop table x"), "{}", gap.what);
        for name in ["customers_expression", "customers_partial"] {
            assert!(index(&snapshot, name).incomplete, "{major} {name}");
        }
        assert!(!index(&snapshot, "customers_options").incomplete);
        assert!(table(&snapshot, "moods").view_definition.is_none());
        assert!(table(&snapshot, "customers").columns[0].stats.is_some());

        client.batch_execute("rollback").await.unwrap();
        reader.batch_execute("rollback").await.unwrap();
        waiting.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_extension_the_gap_says_how_to_get_it() {
    let installation = support::installation(15);
    let options = LocalOptions {
        settings: vec![("shared_preload_libraries".into(), "auto_explain".into())],
        ..LocalOptions::default()
    };
    let server = LocalServer::start(&installation, &options).await.unwrap();
    let conninfo = server.conninfo("postgres");
    let client = support::client(&conninfo).await;
    let commands = [
        "ALTER SYSTEM SET shared_preload_libraries = 'auto_explain', 'pg_stat_statements';",
        "-- restart the server",
        "CREATE EXTENSION pg_stat_statements;",
    ];
    let other = support::client(&conninfo).await;
    other.batch_execute("select 'seen running'").await.unwrap();

    let snapshot = snapshot_of(&conninfo).await;
    assert_eq!(gap(&snapshot, "not installed in database").close, commands);
    // The statements that sessions run stand in.
    let running: Vec<_> = snapshot
        .statements
        .iter()
        .filter_map(|s| s.query.as_deref())
        .collect();
    assert!(running.contains(&"select 'seen running'"), "{running:?}");

    client.batch_execute(commands[2]).await.unwrap();
    let snapshot = snapshot_of(&conninfo).await;
    assert_eq!(
        gap(&snapshot, "its library is not loaded").close,
        commands[..2]
    );

    // What ALTER SYSTEM wrote is a list of two libraries, not one with a strange name.
    client.batch_execute(commands[0]).await.unwrap();
    let row = client
        .query_one("select setting from pg_file_settings where name = 'shared_preload_libraries' order by seqno desc limit 1", &[])
        .await
        .unwrap();
    assert_eq!(row.get::<_, &str>(0), "auto_explain, pg_stat_statements");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_extension_still_gives_figures() {
    let conninfo = support::database(15).await;
    let client = support::client(&conninfo).await;
    client
        .batch_execute("create schema \"We Ird\"; create extension pg_stat_statements schema \"We Ird\" version '1.7'")
        .await
        .unwrap();
    client.batch_execute("select 4711 as marked").await.unwrap();
    let snapshot = snapshot_of(&conninfo).await;
    let statement = snapshot
        .statements
        .iter()
        .find(|s| s.query.as_deref() == Some("select $1 as marked"))
        .unwrap();
    assert_eq!(statement.calls, 1);
    assert!(statement.total_exec_time.is_some() && statement.wal_bytes.is_none());
}
