//! `pgperf clone` as a program: what it keeps, what it leaves behind, what it says when it cannot.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pgperf::advisor::size::heights;
use pgperf::model::snapshot::Snapshot;
use pgperf::pg::clone::StatisticsClone;

use super::explainable;
use crate::live::binary::pgperf;
use crate::live::local::Parent;
use crate::live::support::{client, database, installation, server, snapshot};

/// The second clone of a file is the first one's copy; without it, or with something else in its place, it is made anew.
#[tokio::test(flavor = "multi_thread")]
async fn the_clone_of_a_file_is_kept() {
    let conninfo = database(15).await;
    let session = client(&conninfo).await;
    let table = "create table kept (id int primary key, kind int); insert into kept select n, n % 700 from generate_series(1, 50000) n;
        create index on kept (kind); analyze kept; create view broken as select kind from kept";
    session.batch_execute(table).await.unwrap();
    let mut snapshot = snapshot(&conninfo).await;
    let view = snapshot
        .tables
        .iter_mut()
        .find(|t| t.name == "broken")
        .unwrap();
    view.view_definition = Some("select no_such_column from kept".into());
    let parent = Parent::new("pgperf-cache");
    let cache = parent.path.join("cache");
    let entries = || {
        std::fs::read_dir(&cache)
            .unwrap()
            .map(|e| e.unwrap().path())
            .collect::<Vec<_>>()
    };

    let hydrated = async |snapshot: &Snapshot| {
        let mut clone = StatisticsClone::hydrate(
            snapshot,
            &heights(snapshot),
            &installation(15),
            Some(&cache),
        )
        .await
        .unwrap();
        let inside = client(&clone.conninfo()).await;
        let row = inside
            .query_one("select system_identifier from pg_control_system()", &[])
            .await
            .unwrap();
        let identifier: i64 = row.get(0);
        let cost = clone
            .cost(&explainable("select * from kept where kind = 3"), &[])
            .await
            .unwrap();
        let gaps = clone.gaps().to_vec();
        drop(inside);
        clone.stop().await;
        (identifier, cost, gaps)
    };
    let first = hydrated(&snapshot).await;
    assert_eq!(first.2.len(), 1);
    assert!(first.1.total < 500.0);
    assert_eq!(entries().len(), 1);
    let second = hydrated(&snapshot).await;
    assert_eq!(second, first);

    // Nothing but the owner may look: it holds values of columns.
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o077;
    assert_eq!((mode(&cache), mode(&entries()[0])), (0, 0));

    // What is damaged is made again, and what is another snapshot's is not taken.
    std::fs::remove_file(entries()[0].join("data/global/pg_control")).unwrap();
    let third = hydrated(&snapshot).await;
    assert_ne!(third.0, first.0);
    assert_eq!(third.1, first.1);
    assert_eq!(hydrated(&snapshot).await.0, third.0);
    snapshot
        .tables
        .iter_mut()
        .find(|t| t.name == "kept")
        .unwrap()
        .reltuples *= 10.0;
    let fourth = hydrated(&snapshot).await;
    assert_ne!(fourth.0, third.0);
    assert_ne!(fourth.1, first.1);
    assert_eq!(entries().len(), 2);
}

/// Our statements on this database.
const OURS: &str = "select distinct left(regexp_replace(query, '\\s+', ' ', 'g'), 200) from pg_stat_statements s join pg_database d on d.oid = s.dbid \
        where d.datname = current_database() and query like '%/* pgperf */%' and query not like '%SET pg_stat_statements.track%' order by 1";

#[tokio::test(flavor = "multi_thread")]
async fn the_target_sees_only_the_collection() {
    let major = crate::live::support::hypopg_major();
    let conninfo = database(major).await;
    let session = client(&conninfo).await;
    session
        .batch_execute("create extension pg_stat_statements; create table t as select n as a, n % 1000 as b, 'x' as c from generate_series(1, 200000) n; analyze t; select pg_stat_statements_reset(0, (select oid from pg_database where datname = current_database()), 0); select c from t where b = 5")
        .await
        .unwrap();
    let seen = |sql: &'static str| {
        let session = &session;
        async move {
            let rows = session.query(sql, &[]).await.unwrap();
            rows.iter()
                .map(|r| r.get::<_, String>(0))
                .collect::<Vec<_>>()
        }
    };
    let file = std::env::temp_dir().join(format!("pgperf-seen-{}", std::process::id()));
    let run = pgperf(&["snapshot", &conninfo, "-o", &file.to_string_lossy()], "");
    assert_eq!(run.code, Some(0), "{run:?}");
    std::fs::remove_file(&file).unwrap();
    let collection = seen(OURS).await;
    assert!(collection.len() > 10, "{collection:?}");
    session
        .batch_execute("select pg_stat_statements_reset(0, (select oid from pg_database where datname = current_database()), 0); select c from t where b = 5")
        .await
        .unwrap();
    let run = pgperf(
        &[
            "advise",
            &conninfo,
            "--planner",
            "clone",
            "--format",
            "json",
        ],
        "",
    );
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.json()["planner"]["source"], "clone");
    assert_eq!(run.created(), ["public.t (b)"]);
    assert_eq!(seen(OURS).await, collection);
    // Where a server of the same major version is installed, nobody has to ask for it.
    let run = pgperf(&["advise", &conninfo, "--format", "json"], "");
    assert_eq!(run.json()["planner"]["source"], "clone");
}

/// Planning runs functions that call themselves immutable; a snapshot may come from anybody.
#[tokio::test(flavor = "multi_thread")]
async fn functions_of_a_snapshot_can_do_nothing_here() {
    let major = crate::live::support::hypopg_major();
    let conninfo = database(major).await;
    let session = client(&conninfo).await;
    let mark = std::env::temp_dir().join(format!("pgperf-evil-{}", std::process::id()));
    let setup = format!(
        "create table t as select n as a from generate_series(1, 100000) n; analyze t;
         create function evil() returns int language plpgsql immutable as $$ begin
            begin reset session authorization; reset role; exception when others then null; end;
            perform lo_export(lo_from_bytea(0, 'x'), '{}'); return 1; end $$",
        mark.display()
    );
    session.batch_execute(&setup).await.unwrap();
    let run = pgperf(
        &[
            "advise",
            &conninfo,
            "--planner",
            "clone",
            "--queries",
            "-",
            "--format",
            "json",
        ],
        "select * from t where a = evil(); select * from t where a = 5; select trim(both from 'x') from t where a = evil();",
    );
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(!mark.exists(), "the function was run with privileges");
    let gaps = run.json()["gaps"].to_string();
    assert!(gaps.contains("permission denied"), "{gaps}");
    // The last one is planned without having been read.
    let skipped = run.json()["coverage"]["skipped"].to_string();
    assert!(
        skipped.contains("and not planned: permission denied"),
        "{skipped}"
    );
    assert_eq!(run.created(), ["public.t (a)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_runs_in_the_clone_and_nothing_is_left() {
    let parent = Parent::new("clone");
    let conninfo = database(crate::live::support::hypopg_major()).await;
    client(&conninfo)
        .await
        .batch_execute("create table t (a int primary key)")
        .await
        .unwrap();
    let run = |args: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_pgperf"))
            .args(args)
            .env("PGPERF_TMPDIR", &parent.path)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    let both = std::thread::scope(|scope| {
        let start = || {
            scope.spawn(|| {
                run(&[
                    "clone",
                    &conninfo,
                    "--",
                    "sh",
                    "-c",
                    "test -S $PGHOST/.s.PGSQL.$PGPORT && echo $PGUSER $PGDATABASE",
                ])
            })
        };
        let (a, b) = (start(), start());
        [a.join().unwrap(), b.join().unwrap()]
    });
    for output in both {
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "pgperf_clone clone\n",
            "{output:?}"
        );
        assert_eq!(output.status.code(), Some(0));
    }
    assert_eq!(
        run(&["clone", &conninfo, "--", "false"]).status.code(),
        Some(5)
    );
    let absent = run(&["clone", &conninfo, "--", "/no/such/program"]);
    assert_eq!(absent.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&absent.stderr).contains("cannot run /no/such/program"));
    assert_eq!(parent.entries(), [""; 0]);
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// kill -9 while the cluster is made, while the server starts, and when everything is ready.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_clone_takes_its_server_along() {
    let conninfo = database(crate::live::support::hypopg_major()).await;
    let setup = "do $$ begin for i in 1..300 loop execute 'create table t' || i || ' (a int primary key, b text)'; end loop; end $$";
    client(&conninfo).await.batch_execute(setup).await.unwrap();
    for moment in ["data/PG_VERSION", "data/postmaster.pid", "ready"] {
        let parent = Parent::new("killed-clone");
        let mut child = Command::new(env!("CARGO_BIN_EXE_pgperf"))
            .args(["clone", &conninfo])
            .env("PGPERF_TMPDIR", &parent.path)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        if moment == "ready" {
            assert!(
                output.any(|line| line.unwrap().contains("psql \"")),
                "it is ready"
            );
        } else {
            wait_until(moment, || {
                let entries = parent.entries();
                entries
                    .iter()
                    .any(|e| parent.path.join(e).join(moment).exists())
            });
        }
        assert_eq!(parent.entries().len(), 1, "{moment}");
        child.kill().unwrap();
        child.wait().unwrap();
        wait_until(moment, || parent.entries().is_empty());
    }
}

/// A file may not grow beyond 4 MB: the server's log of changes does not fit.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_one_clear_line() {
    let parent = Parent::new("full");
    let conninfo = server(crate::live::support::hypopg_major())
        .await
        .conninfo("postgres");
    let command = format!(
        "ulimit -f 8192; exec {} clone \"$0\"",
        env!("CARGO_BIN_EXE_pgperf")
    );
    let output = Command::new("sh")
        .args(["-c", &command, &conninfo])
        .env("PGPERF_TMPDIR", &parent.path)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(
        said.starts_with("pgperf: cannot start PostgreSQL"),
        "{said}"
    );
    assert_eq!(parent.entries(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_to_run_it_says_so_in_one_line() {
    let conninfo = server(crate::live::support::hypopg_major())
        .await
        .conninfo("postgres");
    let output = Command::new(env!("CARGO_BIN_EXE_pgperf"))
        .args(["clone", &conninfo])
        .env("PGPERF_PG_BIN", "/none")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.lines().count(), 2, "{said}");
    assert!(
        said.contains("none was found") && said.contains("PGPERF_PG_BIN"),
        "{said}"
    );
}
