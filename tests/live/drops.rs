//! An index is dropped only if the statements can do without it, and the report says what the planner thinks.

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::binary::{Run, pgperf};
use super::support::{client, database, hypopg_major, vacuum_analyze};

/// What is asked of `wider`, `missed` and `bound` wants an index on both columns, of which theirs is the beginning; who counts
/// rows of `missed` would miss the short one, and `bound` is clustered by it. `pairs_a` is the beginning of `pairs_a_b`, which is more than twice as long; `pairs_c` exists twice; `plain_a` is a beginning that nothing reads.
const SCHEMA: &str = "
    create table pairs (a int not null, b int not null, c int not null, filler text);
    insert into pairs select n % 1000, n / 1000 % 100, n, 'filler ' || n from generate_series(1, 200000) n;
    create index pairs_a on pairs (a);
    create index pairs_a_b on pairs (a, b);
    create index pairs_c on pairs (c);
    create index pairs_c_2 on pairs (c);
    create table wider (a int not null, b int not null, filler text);
    insert into wider select n % 500, n / 500 % 20, 'filler ' || n from generate_series(1, 200000) n;
    create index wider_a on wider (a);
    create table missed (a int not null, b int not null, filler text);
    insert into missed select n % 1000, n / 1000 % 50, 'filler ' || n from generate_series(1, 200000) n;
    create index missed_a on missed (a);
    create table bound (a int not null, b int not null, filler text);
    insert into bound select n % 500, n / 500 % 20, 'filler ' || n from generate_series(1, 200000) n;
    create index bound_a on bound (a);
    alter table bound cluster on bound_a;
    create table logged (id int primary key, a int, b int);
    insert into logged select n, n % 1000, n % 1000 from generate_series(1, 100000) n;
    create index logged_a on logged (a);
    create index logged_b on logged (b);
    create table plain (a int, b int);
    insert into plain select n, n from generate_series(1, 50000) n;
    create index plain_a on plain (a);
    create index plain_a_b on plain (a, b);
    create table parts (a int, b int) partition by hash (b);
    create table parts_0 partition of parts for values with (modulus 2, remainder 0);
    create table parts_1 partition of parts for values with (modulus 2, remainder 1);
    insert into parts select n % 20000, n from generate_series(1, 100000) n;
    create index parts_a on parts (a);
    create index parts_a_2 on parts (a);";

fn drops(run: &Run) -> Vec<(String, String, String)> {
    assert_eq!(run.code, Some(0), "{run:?}");
    let report = run.json();
    let all = report["recommendations"].as_array().unwrap();
    let drops = all.iter().filter(|r| r["action"] == "drop");
    let text = |r: &Value, name: &str| r[name].as_str().unwrap().to_owned();
    drops
        .map(|r| (text(r, "index"), text(r, "confidence"), text(r, "risk")))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_planner_would_miss_is_kept() {
    let major = hypopg_major();
    let conninfo = database(major).await;
    let session = client(&conninfo).await;
    session.batch_execute(SCHEMA).await.unwrap();
    session
        .batch_execute("create extension hypopg")
        .await
        .unwrap();
    vacuum_analyze(&session).await;
    let asked = |planner: &str, sql: &str| {
        let arguments = ["advise", &conninfo, "--queries", "-", "--format", "json"];
        let planner = ["--planner", planner];
        drops(&pgperf(&[&arguments[..], &planner].concat(), sql))
    };
    // Half of the pages to read, index only: the short one is missed. The twin is not, whatever reads it.
    let counting = "select count(*) from pairs where a < 300; select filler from pairs where c = 7; select b from parts where a = 7;";
    for planner in ["clone", "auto", "estimate"] {
        let found = asked(planner, counting);
        let names: Vec<&str> = found.iter().map(|d| d.0.as_str()).collect();
        assert_eq!(names, ["pairs_c_2", "plain_a", "parts_a_2"], "{planner}");
        let (_, confidence, risk) = &found[0];
        // Which of two equal ones a plan has is as it happens.
        let how = match planner {
            "estimate" => "none uses it",
            _ => "1 can use it, at the same cost without it",
        };
        assert_eq!(
            *risk,
            format!("none seen: of 2 analysed statements on public.pairs {how}")
        );
        assert_eq!(confidence, "high");
        assert_eq!(
            found[1].2,
            "scans of the wider public.plain_a_b read somewhat more; no analysed statement reads public.plain"
        );
    }
    // One row at a time the longer one is as good.
    let looking = "select filler from pairs where a = 7 and c = 8;";
    let found = asked("clone", looking);
    assert_eq!(found[0].0, "pairs_a");
    // A new index takes the place of one that is its beginning, if nobody would miss that.
    let widening =
        "select filler from wider where a = 7 and b = 8; select filler from wider where a = 9;
        select filler from missed where a = 7 and b = 8; select count(*) from missed where a < 300;
        select filler from bound where a = 7 and b = 8; select filler from bound where a = 9;";
    let advised = |planner: &str| -> Vec<(String, String, String)> {
        let arguments = ["advise", &conninfo, "--queries", "-", "--format", "json"];
        let run = pgperf(
            &[&arguments[..], &["--planner", planner]].concat(),
            widening,
        );
        assert_eq!(run.code, Some(0), "{run:?}");
        let report = run.json();
        let all = report["recommendations"].as_array().unwrap().iter();
        let text = |r: &Value, name: &str| r[name].as_str().unwrap().to_owned();
        let new = all.filter(|r| r["action"] == "create" || r["action"] == "replace");
        let mut new: Vec<_> = new
            .map(|r| (text(r, "table"), text(r, "ddl"), text(r, "reason")))
            .collect();
        new.sort();
        new
    };
    for planner in ["clone", "estimate"] {
        let new = advised(planner);
        let [bound, missed, wider] = &new[..] else {
            panic!("{planner}: {new:#?}");
        };
        assert_eq!(
            bound.1,
            "CREATE INDEX CONCURRENTLY bound_a_b_idx ON public.bound (a, b);"
        );
        assert!(!bound.2.contains("bound_a"), "{}", bound.2);
        assert_eq!(
            missed.1,
            "CREATE INDEX CONCURRENTLY missed_a_b_idx ON public.missed (a, b);"
        );
        let stays = "public.missed_a is the beginning of it, but stays: of 2 analysed statements on public.missed 1 would cost more without it";
        assert!(missed.2.contains(stays), "{planner}: {}", missed.2);
        assert_eq!(
            wider.1,
            "CREATE INDEX CONCURRENTLY wider_a_b_idx ON public.wider (a, b);\nDROP INDEX CONCURRENTLY public.wider_a;"
        );
        let goes = "public.wider_a is the beginning of it and is dropped once it is there";
        assert!(wider.2.contains(goes), "{planner}: {}", wider.2);
    }
    let new = advised("hypopg");
    assert!(new.iter().all(|r| !r.1.contains("DROP")), "{new:#?}");
    let unasked = "public.wider_a is the beginning of it, but stays: whether statements would miss it was not checked";
    assert!(new[2].2.contains(unasked), "{new:#?}");
    // It cannot be asked, and the report says so.
    let found = asked("hypopg", counting);
    assert_eq!(found[0].0, "pairs_a");
    assert_eq!(
        found[0].2,
        "scans of the wider public.pairs_a_b read somewhat more; not checked for 2 statements: hypopg was not asked about dropped indexes"
    );
}

/// A file name of its own.
fn temporary(extension: &str) -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!(
        "pgperf-test-{}-drops-{number}.{extension}",
        std::process::id()
    );
    std::env::temp_dir().join(name)
}

/// A snapshot of `SCHEMA` with its rows.
async fn snapshot() -> Value {
    let conninfo = database(hypopg_major()).await;
    let session = client(&conninfo).await;
    session.batch_execute(SCHEMA).await.unwrap();
    vacuum_analyze(&session).await;
    let file = temporary("gz");
    let run = pgperf(&["snapshot", &conninfo, "-o", &file.to_string_lossy()], "");
    assert_eq!(run.code, Some(0), "{run:?}");
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(&file).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    std::fs::remove_file(&file).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Into `table` two million rows a day were inserted, and all counters are so many hours old.
fn written_to(snapshot: &mut Value, table: &str, hours: i32) {
    let since = snapshot["taken_at"].as_f64().unwrap() - f64::from(hours) * 3600.0;
    snapshot["server"]["stats_reset"] = json!(since);
    snapshot["server"]["statements_reset"] = json!(since);
    for any in snapshot["tables"].as_array_mut().unwrap() {
        if any["name"] == table {
            any["stats"]["n_tup_ins"] = json!(hours * 83_000);
        }
    }
}

/// The advice for a snapshot with these statements.
fn advised_for(snapshot: &Value, planner: &str) -> Run {
    let file = temporary("json");
    std::fs::write(&file, snapshot.to_string()).unwrap();
    let name = file.display().to_string();
    let arguments = ["advise", "--from", &name, "--format", "json"];
    let run = pgperf(&[&arguments[..], &["--planner", planner]].concat(), "");
    std::fs::remove_file(&file).unwrap();
    run
}

/// The advice for a snapshot whose counters are so many hours old: two million rows a day were inserted into `logged`, nearly one
/// statement a second looks for `b`, and `logged_a` was scanned so often.
fn advised_on(mut snapshot: Value, hours: i32, scans: i32, planner: &str, more: &Value) -> Run {
    written_to(&mut snapshot, "logged", hours);
    for index in snapshot["indexes"].as_array_mut().unwrap() {
        if index["name"] == "logged_a" {
            index["stats"]["idx_scan"] = json!(scans);
        }
    }
    snapshot["statements"] = json!([{
        "queryid": 1, "dbid": snapshot["server"]["database_oid"], "toplevel": true,
        "query": "SELECT id FROM logged WHERE b = $1",
        "calls": hours * 3_300, "total_exec_time": hours * 1_700, "rows": hours * 330_000
    }]);
    let statements = snapshot["statements"].as_array_mut().unwrap();
    statements.extend(more.as_array().into_iter().flatten().cloned());
    advised_for(&snapshot, planner)
}

/// An index that replaces one has to be worth what writes pay for it more, not what they pay for it; if the other one stays after
/// all, the choice is made again.
#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_replaces_another_has_to_be_worth_the_difference() {
    let snapshot = snapshot().await;
    // For so many ms a day somebody looks for both columns of a table.
    let advised = |table: &str, ms_per_day: f64, planner: &str| {
        let mut snapshot = snapshot.clone();
        written_to(&mut snapshot, table, 240);
        let dbid = snapshot["server"]["database_oid"].clone();
        snapshot["statements"] = json!([
            {"queryid": 1, "dbid": dbid, "toplevel": true, "calls": 100_000, "total_exec_time": 10.0 * ms_per_day,
             "rows": 2_000_000, "query": format!("SELECT filler FROM {table} WHERE a = $1 AND b = $2")},
            {"queryid": 2, "dbid": dbid, "toplevel": true, "calls": 10, "total_exec_time": 5e6,
             "rows": 10, "query": "SELECT count(*) FROM missed WHERE a < 300"},
        ]);
        let run = advised_for(&snapshot, planner);
        assert_eq!(run.code, Some(0), "{run:?}");
        let report = run.json();
        let all = report["recommendations"].as_array().unwrap().iter();
        let mut new = all.filter(|r| r["action"] == "create" || r["action"] == "replace");
        new.find(|r| r["table"] == table).cloned()
    };
    for planner in ["clone", "estimate"] {
        let dear = advised("wider", 1e6, planner).expect("worth any price");
        assert_eq!(dear["action"], "replace", "{planner}: {dear:#}");
        let spared = dear["replaces"][0]["write_ms_per_day"].as_f64().unwrap();
        let net = dear["benefit"]["write_ms_per_day"].as_f64().unwrap();
        // All of that time saved would not pay for the new index alone.
        let little = net + 0.7 * spared;
        assert!(net < 0.5 * spared, "{planner}: {net} {spared}");
        let cheap = advised("wider", little, planner);
        let cheap = cheap.unwrap_or_else(|| panic!("{planner}: nothing for {little} ms a day"));
        assert_eq!(cheap["action"], "replace", "{planner}: {cheap:#}");
        // Below the difference it is not worth it.
        let none = advised("wider", 0.5 * net, planner);
        assert!(none.is_none(), "{planner}: {none:#?}");
        // The one that others miss stays, and the new one has to pay for itself.
        let dear = advised("missed", 1e6, planner).expect("worth any price");
        assert_eq!(dear["action"], "create", "{planner}: {dear:#}");
        let gross = dear["benefit"]["write_ms_per_day"].as_f64().unwrap();
        assert!(
            advised("missed", 3.0 * gross, planner).is_some(),
            "{planner}"
        );
        let none = advised("missed", 0.7 * gross, planner);
        assert!(none.is_none(), "{planner}: {none:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_writes_pay_more_for_than_it_saves_is_dropped() {
    let snapshot = snapshot().await;
    let dropped = |hours: i32, scans: i32, planner: &str| {
        let all = drops(&advised_on(
            snapshot.clone(),
            hours,
            scans,
            planner,
            &json!([]),
        ));
        let of_it = all.into_iter().filter(|d| d.0.starts_with("logged"));
        of_it.collect::<Vec<_>>()
    };
    let found = dropped(960, 0, "clone");
    let [(name, confidence, risk)] = &found[..] else {
        panic!("{found:#?}");
    };
    assert_eq!((name.as_str(), confidence.as_str()), ("logged_a", "medium"));
    let none = "of 1 analysed statements on public.logged none uses it; what reads it more rarely than every 40.0 days, or on a replica, is not seen";
    assert!(risk.starts_with(none), "{risk}");
    let found = dropped(72, 0, "clone");
    assert_eq!(
        (found[0].0.as_str(), found[0].1.as_str()),
        ("logged_a", "low")
    );
    // Somebody reads it; half a day has no night.
    assert_eq!(dropped(960, 3, "clone"), []);
    assert_eq!(dropped(12, 0, "clone"), []);
    // Nobody to ask is not nothing found.
    // What cannot be planned may need it.
    let strange = json!([{
        "queryid": 2, "dbid": snapshot["server"]["database_oid"], "toplevel": true,
        "query": "SELECT strange(id) FROM logged WHERE a = $1", "calls": 1, "total_exec_time": 1, "rows": 1
    }]);
    for (planner, more, why) in [
        ("estimate", json!([]), "only a clone can tell"),
        (
            "clone",
            strange,
            "statements on their tables could not be planned",
        ),
    ] {
        let run = advised_on(snapshot.clone(), 960, 0, planner, &more);
        assert!(drops(&run).iter().all(|d| d.0 != "logged_a"), "{planner}");
        let report = run.json();
        let unweighed =
            format!("existing indexes that writes pay much for, e.g. public.logged_a: {why}");
        let mut gaps = report["gaps"].as_array().unwrap().iter();
        assert!(
            gaps.any(|g| g["what"].as_str().unwrap().starts_with(&unweighed)),
            "{report:#}"
        );
    }
}
