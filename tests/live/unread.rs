//! Statements whose SQL only the server understands are advised on by their plans.

use std::fs;
use std::path::Path;

use tokio_postgres::Client;

use super::binary::{Run, pgperf, pgperf_cloning};
use super::support::{
    client, database, hypopg_major, installation, on_each_version, vacuum_analyze,
};

const SCHEMA: &str = "
create extension pg_stat_statements;
create table users (id int primary key, email varchar(80) not null, name text not null, age int not null, tags text[], note text);
insert into users select n, 'u' || n || '@example.org', ' name ' || n, n % 80, array['t' || n % 9], 'note ' || n % 9000 || repeat('x', 40) from generate_series(1, 60000) n;
create table orders (id int primary key, user_id int not null, status text not null, created_at timestamptz not null, note text);
insert into orders select n, 1 + n * 7 % 60000, (array['new', 'paid', 'sent'])[1 + n % 3], timestamptz '2024-01-01' + n * interval '1 min', 'note ' || n % 20000 || repeat('y', 50)
    from generate_series(1, 100000) n;
create table gone as select n as id, 'x ' || n as name from generate_series(1, 1000) n;
create table logs (id int not null, at timestamptz not null) partition by range (at);
create table logs_1 partition of logs for values from ('2024-01-01') to ('2024-07-01');
create table logs_2 partition of logs for values from ('2024-07-01') to ('2025-01-01');
insert into logs select n * 37 % 50000, timestamptz '2024-01-01' + n * interval '5 min' from generate_series(1, 100000) n;";

/// From which version on, the statement, and the index that it needs.
const STATEMENTS: &[(u32, &str, &str)] = &[
    (
        13,
        "select trim(both from name), email from users where email = 'u77@example.org'",
        "public.users (email)",
    ),
    (
        13,
        "select n, o.note from rows from (unnest(array[1, 2, 3]::int[])) with ordinality as t (a, n) join orders o on o.user_id = t.a",
        "public.orders (user_id)",
    ),
    (
        13,
        "update users set tags[1] = 'x' where name = ' name 77'",
        "public.users (name)",
    ),
    (
        13,
        "select xmlelement(name u, name, note) from users where age = 77 order by email desc limit 5",
        "public.users (age, email)",
    ),
    (
        13,
        "select concat(variadic array['a', note]) from users where lower(email) = 'u78@example.org'",
        "public.users (lower(email))",
    ),
    (
        13,
        "select * from logs * where id = 5",
        "public.logs (id)",
    ),
    (
        14,
        "with recursive t as (select id, user_id, 1::int as step from orders where note = 'z' union all
             select o.id, o.user_id, step + 1 from orders o join t on o.user_id = t.id where step < 3) search depth first by id set place select * from t",
        "public.orders (note)",
    ),
    (
        18,
        "update users set age = 5 where note = 'old' returning old.name, new.name",
        "public.users (note)",
    ),
];

/// Was run when its table was there.
const GONE: &str = "select trim(both from name) from gone where id = 5";

async fn explain(session: &Client, sql: &str) -> String {
    let rows = session
        .simple_query(&format!("explain {sql}"))
        .await
        .unwrap();
    format!("{rows:?}")
}

/// By a clone of the server's own version.
fn advise(major: u32, source: &[&str]) -> Run {
    let options = ["--planner", "clone", "--format", "json"];
    let args = [&["advise"], source, &options].concat();
    let run = pgperf_cloning(&args, &installation(major).bin_dir);
    assert_eq!(run.code, Some(0), "{run:?}");
    run
}

/// How often a skipped reason holds both words.
fn skipped(run: &Run, words: &[&str]) -> u64 {
    let report = run.json();
    let groups = report["coverage"]["skipped"].as_array().unwrap();
    let has = |g: &&serde_json::Value| {
        let reason = g["reason"].as_str().unwrap();
        words.iter().all(|w| reason.contains(w))
    };
    let counts = groups.iter().filter(has).map(|g| g["statements"].as_u64());
    counts.map(Option::unwrap).sum()
}

/// A case of [`STATEMENTS`].
type Case = (u32, &'static str, &'static str);

/// Runs what a version understands, and then takes one table away: the cases.
async fn run_all(major: u32, session: &Client) -> Vec<Case> {
    session.batch_execute(SCHEMA).await.unwrap();
    vacuum_analyze(session).await;
    let cases: Vec<Case> = (STATEMENTS.iter().copied())
        .filter(|(since, ..)| *since <= major)
        .collect();
    for sql in cases.iter().map(|(_, sql, _)| *sql).chain([GONE]) {
        for _ in 0..3 {
            session.batch_execute(sql).await.unwrap();
        }
    }
    session.batch_execute("drop table gone").await.unwrap();
    cases
}

/// All cases are analysed by their plans and each gets its index; the one without a table says both reasons.
fn check(run: &Run, cases: &[Case], source: &str) {
    let report = run.json();
    let place = format!("{} by {source}", report["target"]["server_version"]);
    let mut needed: Vec<&str> = cases.iter().map(|(.., index)| *index).collect();
    needed.sort_unstable();
    assert_eq!(run.created(), needed, "{place}");
    assert_eq!(report["planner"]["source"], source, "{place}");
    assert_eq!(report["coverage"]["by_plan"], cases.len(), "{place}");
    let both = [
        "not understood",
        "and not planned: relation \"gone\" does not exist",
    ];
    assert_eq!(skipped(run, &both), 1, "{place}");
    let advice = report["recommendations"].to_string();
    assert!(advice.contains("\"unread\":\"Expected: "), "{place}");
}

/// Without a clone the observed server tells its plans, whoever judges the candidates; what it refuses ends no session.
async fn check_observed(major: u32, conninfo: &str, session: &Client, cases: &[Case]) {
    let advise = |planner: &str| {
        let options = ["--planner", planner, "--format", "json"];
        let args = [&["advise", conninfo], &options[..]].concat();
        pgperf_cloning(&args, Path::new("/nowhere"))
    };
    check(&advise("auto"), cases, "estimate");
    if major == hypopg_major() {
        let create = "create extension hypopg";
        session.batch_execute(create).await.unwrap();
        check(&advise("hypopg"), cases, "hypopg");
    }
    // A file of statements is taken at the server's word as well.
    let (_, sql, index) = cases[0];
    let queries = ["advise", conninfo, "--queries", "-", "--format", "json"];
    assert_eq!(pgperf(&queries, sql).created(), [index], "{major}");
}

/// From a file there is only the clone, in which the same holds; without it everything stays as it is.
fn check_file(major: u32, conninfo: &str, cases: &[Case]) {
    let name = format!("pgperf-unread-{}-{major}.json", std::process::id());
    let file = std::env::temp_dir().join(name);
    let path = file.to_str().unwrap();
    let snapshot = pgperf(&["snapshot", conninfo, "-o", path], "");
    assert_eq!(snapshot.code, Some(0), "{snapshot:?}");
    check(&advise(major, &["--from", path]), cases, "clone");
    let options = ["--planner", "estimate", "--format", "json"];
    let estimate = pgperf(&[&["advise", "--from", path], &options[..]].concat(), "");
    fs::remove_file(&file).unwrap();
    assert_eq!(
        skipped(&estimate, &["not understood"]),
        cases.len() as u64 + 1
    );
    assert_eq!(skipped(&estimate, &["and not planned"]), 0);
    let gaps = estimate.json()["gaps"].to_string();
    assert!(gaps.contains("--planner clone"), "{major}: {gaps}");
}

/// What is advised is used when built.
async fn check_built(session: &Client, report: &serde_json::Value, cases: &[Case]) {
    let advice = report["recommendations"].as_array().unwrap();
    let text = |recommendation: &serde_json::Value, field: &str| -> String {
        recommendation[field].as_str().unwrap().to_owned()
    };
    for statement in advice.iter().flat_map(|r| {
        let ddl = text(r, "ddl").replace(" CONCURRENTLY", "");
        ddl.lines().map(str::to_owned).collect::<Vec<_>>()
    }) {
        session.batch_execute(&statement).await.unwrap();
    }
    for (_, sql, index) in cases {
        let fits = |r: &&serde_json::Value| {
            let ddl = text(r, "ddl").replace("ON ONLY ", "ON ");
            ddl.contains(&format!(" ON {index}"))
        };
        let name = text(advice.iter().find(fits).unwrap(), "index");
        // A partition's index has the partition's name in the place of the table's.
        let partition = name.replacen("logs_", "logs_1_", 1);
        let plan = explain(session, sql).await;
        assert!(
            plan.contains(&name) || plan.contains(&partition),
            "{sql} does not use {name}\n{plan}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_server_understands_is_advised_on() {
    on_each_version(async |major| {
        if ![13, 15, 18].contains(&major) {
            return;
        }
        let conninfo = database(major).await;
        let session = client(&conninfo).await;
        let cases = run_all(major, &session).await;
        let run = advise(major, &[&conninfo]);
        check(&run, &cases, "clone");
        check_observed(major, &conninfo, &session, &cases).await;
        check_file(major, &conninfo, &cases);
        check_built(&session, &run.json(), &cases).await;
    })
    .await;
}
