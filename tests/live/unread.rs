//! Statements whose SQL only the server understands are advised on by their plans.

use std::fs;

use tokio_postgres::Client;

use super::binary::{Run, pgperf, pgperf_cloning};
use super::support::{client, database, installation, on_each_version};

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

#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_server_understands_is_advised_on() {
    on_each_version(async |major| {
        if ![13, 15, 18].contains(&major) {
            return;
        }
        let conninfo = database(major).await;
        let session = client(&conninfo).await;
        session.batch_execute(SCHEMA).await.unwrap();
        session.batch_execute("vacuum analyze").await.unwrap();
        let cases: Vec<_> = (STATEMENTS.iter())
            .filter(|(since, ..)| *since <= major)
            .collect();
        for sql in cases.iter().map(|(_, sql, _)| *sql).chain([GONE]) {
            for _ in 0..3 {
                session.batch_execute(sql).await.unwrap();
            }
        }
        session.batch_execute("drop table gone").await.unwrap();

        let run = advise(major, &[&conninfo]);
        let created = run.created();
        for (_, sql, index) in &cases {
            assert!(
                created.iter().any(|i| i.starts_with(index)),
                "{major}: {sql} needs {index}, advised {created:?}"
            );
        }
        let report = run.json();
        let coverage = &report["coverage"];
        assert_eq!(coverage["by_plan"], cases.len(), "{major}: {coverage}");
        let both = [
            "not understood",
            "and not planned: relation \"gone\" does not exist",
        ];
        assert_eq!(skipped(&run, &both), 1, "{major}: {coverage}");
        let helped = report["recommendations"].to_string();
        assert!(
            helped.contains("\"unread\":\"Expected: "),
            "{major}: {helped}"
        );

        // From a file there is the clone only, in which the same holds; without it everything stays as it is.
        let file =
            std::env::temp_dir().join(format!("pgperf-unread-{}-{major}.json", std::process::id()));
        let path = file.to_str().unwrap();
        assert_eq!(
            pgperf(&["snapshot", &conninfo, "-o", path], "").code,
            Some(0)
        );
        let again = advise(major, &["--from", path]);
        assert_eq!(again.created(), created, "{major}");
        let estimate = [
            "advise",
            "--from",
            path,
            "--format",
            "json",
            "--planner",
            "estimate",
        ];
        let estimate = pgperf(&estimate, "");
        fs::remove_file(&file).unwrap();
        assert_eq!(
            skipped(&estimate, &["not understood"]),
            cases.len() as u64 + 1
        );
        assert_eq!(skipped(&estimate, &["and not planned"]), 0);
        let gaps = estimate.json()["gaps"].to_string();
        assert!(gaps.contains("--planner clone"), "{major}: {gaps}");

        for recommendation in report["recommendations"].as_array().unwrap() {
            let ddl = recommendation["ddl"].as_str().unwrap();
            for statement in ddl.lines() {
                session
                    .batch_execute(&statement.replace(" CONCURRENTLY", ""))
                    .await
                    .unwrap();
            }
        }
        for (_, sql, index) in &cases {
            let advice = report["recommendations"].as_array().unwrap().iter();
            let fits = |r: &&serde_json::Value| {
                let ddl = r["ddl"].as_str().unwrap().replace("ON ONLY ", "ON ");
                ddl.contains(&format!(" ON {index}"))
            };
            let name = advice.clone().find(fits).unwrap()["index"]
                .as_str()
                .unwrap();
            // A partition's index has the partition's name in the place of the table's.
            let partition = name.replacen("logs_", "logs_1_", 1);
            let plan = explain(&session, sql).await;
            assert!(
                plan.contains(name) || plan.contains(&partition),
                "{major}: {sql} does not use {name}\n{plan}"
            );
        }
    })
    .await;
}
