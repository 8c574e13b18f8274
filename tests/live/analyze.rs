//! `pgperf audit --analyze` and `explain --analyze` with parameters: what is executed, with which values, and that nothing is left behind.

use pgperf::pg::local::{Installation, LocalOptions, LocalServer};
use tokio_postgres::Client;

use super::binary::pgperf;
use super::support::{client, installation, options, servers};

/// Most orders are done, few are open: which values are asked for makes another plan.
const SCHEMA: &str = "
create extension pg_stat_statements;
create table orders (id int primary key, status text not null, note text not null);
insert into orders select n, case when n % 100 = 0 then 'open' when n % 1000 = 1 then 'lost' else 'done' end, repeat('x', 100)
from generate_series(1, 60000) n;
create index orders_status_idx on orders (status);
create table small (id int primary key);
insert into small select generate_series(1, 5000);
create sequence numbers;
create function mark() returns int volatile language sql as $$ select nextval('public.numbers')::int $$;
create view marked as select id, mark() as m from orders;
create role analyst login;
grant pg_read_all_stats to analyst;
grant select on all tables in schema public to analyst;
grant usage, update on all sequences in schema public to analyst;
grant insert, update, delete on orders to analyst;
";

/// The load, each often enough to be among the first, and last one that takes seconds.
const LOAD: &[&str] = &[
    "select note from orders where status = 'done' order by note limit 100",
    "select note from orders where status = 'lost' order by note limit 100",
    "select count(*) from orders where note like '%y'",
    "update orders set note = repeat('z', 100) where status = 'open'",
    "select count(m) from (select m from marked limit 2000) x",
    "select note from orders where id = 5 for update",
    "select id from orders where id = 77",
    "select count(*) from small a, small b where a.id + b.id = -1",
];

/// Everything that executing could leave behind.
async fn traces(session: &Client) -> String {
    // Counters come late.
    session.batch_execute("select pg_sleep(1.2)").await.unwrap();
    let sql = "select format('%s, sequence at %s, next transaction %s, rows written %s',
        (select md5(string_agg(o::text || xmin || ctid, ',' order by id)) from orders o),
        (select last_value || is_called::text from numbers),
        txid_snapshot_xmax(txid_current_snapshot()),
        (select sum(n_tup_ins + n_tup_upd + n_tup_del) from pg_stat_user_tables))";
    session.query_one(sql, &[]).await.unwrap().get(0)
}

/// Nothing but the statements takes transaction numbers.
fn quiet() -> LocalOptions {
    let mut quiet = options();
    quiet
        .settings
        .push(("autovacuum".to_owned(), "off".to_owned()));
    quiet
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dearest_statements_are_executed_as_far_as_they_only_read() {
    let all = servers();
    let ends = [all.first(), all.last()];
    let mut majors: Vec<u32> = ends
        .into_iter()
        .flatten()
        .map(Installation::major)
        .collect();
    majors.dedup();
    for major in majors {
        let server = LocalServer::start(&installation(major), &quiet())
            .await
            .unwrap();
        let conninfo = server.conninfo("postgres");
        let session = client(&conninfo).await;
        session.batch_execute(SCHEMA).await.unwrap();
        session.batch_execute("vacuum analyze").await.unwrap();
        for statement in LOAD {
            session.batch_execute(statement).await.unwrap();
        }
        let analyst = conninfo.replace("user=postgres", "user=analyst");
        assert_ne!(analyst, conninfo, "{major}");
        let before = traces(&session).await;
        executed(major, &analyst);
        assert_eq!(traces(&session).await, before, "{major}");
        with_parameters(major, &analyst);
        assert_eq!(traces(&session).await, before, "{major}");
        // A superuser is stopped from nothing, and has to say so.
        let run = pgperf(&["audit", &conninfo, "--analyze", "--no-advice"], "");
        assert_eq!(run.code, Some(2), "{major}: {run:?}");
        assert!(
            run.stderr.contains("superuser") && run.stdout.is_empty(),
            "{major}: {run:?}"
        );
        let run = pgperf(
            &[
                "audit",
                &conninfo,
                "--analyze",
                "--analyze-top",
                "1",
                "--allow-superuser",
                "--no-advice",
            ],
            "",
        );
        assert_eq!(run.code, Some(0), "{major}: {run:?}");
        assert_eq!(traces(&session).await, before, "{major}");
        server.stop().await;
    }
}

/// The audit tells of each statement what came of it.
fn executed(major: u32, conninfo: &str) {
    let args = [
        "audit",
        conninfo,
        "--analyze",
        "--analyze-timeout",
        "1",
        "--no-advice",
    ];
    let run = pgperf(&[&args[..], &["--format", "json"]].concat(), "");
    assert_eq!(run.code, Some(0), "{major}: {run:?}");
    let report = run.json();
    let of = |part: &str| {
        let mut all = report["statements"].as_array().unwrap().iter();
        let found = all.find(|s| s["query"].as_str().unwrap().contains(part));
        found.unwrap_or_else(|| panic!("{major}: {part}: {report:#}"))
    };
    for (part, why) in [
        ("update orders", "no SELECT"),
        ("from marked", "volatile"),
        ("for update", "locks rows"),
        ("from small a", "on average, the time limit is 1.0 s"),
        ("note like", "no value for $1"),
    ] {
        let told = of(part)["execution"]["not"]["why"].as_str();
        let told = told.unwrap_or_else(|| panic!("{major}: {part}: {:#}", of(part)));
        assert!(told.contains(why), "{major}: {part}: {told}");
    }
    let skewed = of("where status = $1 order by");
    let runs = skewed["execution"]["executed"].as_array().unwrap();
    let told: Vec<String> = (runs.iter())
        .map(|r| {
            format!(
                "{} {}",
                r["vector"]["class"].as_str().unwrap(),
                r["vector"]["values"][0]["value"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        told,
        ["rare lost", "typical open", "most_common done"],
        "{major}"
    );
    assert!(
        runs.iter()
            .all(|r| r["outcome"]["ended"]["ms"].as_f64().unwrap() > 0.0),
        "{major}: {runs:#?}"
    );
    let analyzed = &report["analyzed"];
    let (tried, executed) = (
        analyzed["tried"].as_u64().unwrap(),
        analyzed["executed"].as_u64().unwrap(),
    );
    let refused: u64 = analyzed["not_executed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["statements"].as_u64().unwrap())
        .sum();
    assert!(
        tried == executed + refused && executed == 2 && refused == 5,
        "{major}: {analyzed:#}"
    );
    let page = pgperf(&args, "").stdout;
    for part in [
        "of the 7 most expensive, and rolled back; not:",
        "1 × it is no SELECT",
        "executed with status = 'lost' (rare):",
        "executed with status = 'done' (most common):",
        "not executed: it is no SELECT",
        "not executed: statistics give no value for $1",
    ] {
        let one_line = page.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(one_line.contains(part), "{major}: {part}: {page}");
    }
}

/// `explain --analyze` finds values for parameters too.
fn with_parameters(major: u32, conninfo: &str) {
    let explain = |sql: &str| {
        let run = pgperf(
            &["explain", conninfo, "--analyze", "--no-advice", "-c", sql],
            "",
        );
        (
            run.code,
            run.stdout.split_whitespace().collect::<Vec<_>>().join(" "),
            run.stderr,
        )
    };
    for sql in [
        "select * from orders where status = $1 limit 100000",
        "explain analyze select * from orders where status = ? limit 100000",
    ] {
        let (code, page, told) = explain(sql);
        assert_eq!(code, Some(0), "{major}: {sql}: {told}");
        for part in [
            "executed with status = 'done' (most common)",
            "executed with status = 'lost' (rare):",
            "rolled back",
        ] {
            assert!(page.contains(part), "{major}: {sql}: {part}: {page}");
        }
    }
    let (code, page, told) = explain("select * from orders where note like $1");
    assert!(
        code == Some(2) && page.is_empty() && told.contains("no value for $1"),
        "{major}: {told}"
    );
    // A pasted ANALYZE executes nothing.
    let run = pgperf(
        &[
            "explain",
            conninfo,
            "--no-advice",
            "-c",
            "explain analyze delete from orders",
        ],
        "",
    );
    assert_eq!(run.code, Some(0), "{major}: {run:?}");
    assert!(
        run.stdout.contains("was left out") && run.stdout.contains("not executed"),
        "{major}: {run:?}"
    );
}
