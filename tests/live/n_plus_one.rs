//! A small program that does its work by one statement for each row, and others that only look like it, on every version: judged by
//! the counters alone, and by the logs alone.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use pgperf::cli::logs::n_plus_one_of_logs;
use pgperf::model::snapshot::Snapshot;
use pgperf::pg::collect::{CollectOptions, collect};
use pgperf::pg::connect::{ConnectOptions, Connection, Target};
use pgperf::pg::local::{LocalOptions, LocalServer};
use pgperf::query::n_plus_one::{Certainty, Kind, NPlusOne, Orm, Sample, from_samples};
use tokio_postgres::Client;

use super::binary::{finish, first_line, pgperf, start};
use super::support::{client, installation, on_each_version};

const PREFIX: &str = "%m [%p] %q%u@%d %c %v %x %a ";

const SCHEMA: &str = concat!(
    "create extension pg_stat_statements;",
    include_str!("../../testdata/logs/schema.sql")
);

/// Requests of each kind, interval by interval: orders, promotions, jobs, Django's page, Prisma's two pages.
const TRAFFIC: [[i64; 6]; 8] = [
    [3, 5, 20, 6, 4, 7],
    [8, 1, 25, 2, 4, 2],
    [2, 3, 10, 9, 10, 5],
    [10, 8, 30, 3, 2, 1],
    [5, 2, 15, 8, 7, 9],
    [7, 6, 20, 1, 9, 3],
    [4, 4, 5, 7, 1, 6],
    [9, 7, 12, 4, 6, 4],
];

/// How many rows the n-th list has.
fn rows(n: i64) -> i64 {
    5 + (n * 7) % 19
}

/// The user of a request, and of an order.
const OWNER: &str = r#"SELECT "users".* FROM "users" WHERE "users"."id" = $1 LIMIT $2"#;

/// Rails: session and user of the request, a list of orders, for each its user (`belongs_to`) and its items (`has_many`).
async fn orders(session: &Client, n: i64) {
    let one = |sql, id: i64| async move { session.query(sql, &[&id]).await.unwrap() };
    one(
        r#"SELECT "sessions".* FROM "sessions" WHERE "sessions"."id" = $1"#,
        1 + n % 200,
    )
    .await;
    session
        .query(OWNER, &[&(1 + n % 200), &1_i64])
        .await
        .unwrap();
    let list = r#"SELECT "orders".* FROM "orders" WHERE "orders"."state" = $1 AND "orders"."id" > $2 ORDER BY "orders"."id" LIMIT $3"#;
    let list = session
        .query(list, &[&"open", &(n * 17 % 300), &rows(n)])
        .await
        .unwrap();
    for row in &list {
        let user: i64 = row.get("user_id");
        session.query(OWNER, &[&user, &1_i64]).await.unwrap();
    }
    for row in &list {
        one(
            r#"SELECT "items".* FROM "items" WHERE "items"."order_id" = $1"#,
            row.get("id"),
        )
        .await;
    }
}

/// Rails, a look-alike: a page that always shows six categories, beside a list of promotions.
async fn promotions(session: &Client, n: i64) {
    let lookup = r#"SELECT "sessions".* FROM "sessions" WHERE "sessions"."id" = $1"#;
    session.query(lookup, &[&(1 + n % 200)]).await.unwrap();
    let list = r#"SELECT "promos".* FROM "promos" WHERE "promos"."active" = $1 LIMIT $2"#;
    session.query(list, &[&true, &rows(n + 3)]).await.unwrap();
    for category in 0..6 {
        let one =
            r#"SELECT "categories".* FROM "categories" WHERE "categories"."id" = $1 LIMIT $2"#;
        session
            .query(one, &[&(1 + (n + category * 7) % 50), &1_i64])
            .await
            .unwrap();
    }
}

/// A look-alike: a worker that takes one job after another, each in a transaction of its own.
async fn job(session: &Client) {
    session.batch_execute("BEGIN").await.unwrap();
    let next = r#"SELECT "jobs".* FROM "jobs" WHERE "jobs"."state" = 'new' LIMIT 1 FOR UPDATE SKIP LOCKED"#;
    let job = session.query_one(next, &[]).await.unwrap();
    let account: i64 = job.get("account_id");
    let one = r#"SELECT "accounts".* FROM "accounts" WHERE "accounts"."id" = $1 LIMIT $2"#;
    session.query(one, &[&account, &1_i64]).await.unwrap();
    let done = r#"UPDATE "jobs" SET "state" = $1 WHERE "jobs"."id" = $2"#;
    session
        .execute(done, &[&"done", &job.get::<_, i64>("id")])
        .await
        .unwrap();
    session.batch_execute("COMMIT").await.unwrap();
}

/// Django: a list, and for each row a count. Values are in the text, as psycopg sends them.
async fn counts(session: &Client, n: i64) {
    let (from, rows) = (n * 13 % 150, rows(n));
    let list = format!(
        r#"SELECT "shop_order"."id", "shop_order"."paid" FROM "shop_order" WHERE "shop_order"."id" > {from} LIMIT {rows}"#
    );
    session.simple_query(&list).await.unwrap();
    for order in from + 1..=from + rows {
        let count = format!(
            r#"SELECT COUNT(*) AS "__count" FROM "shop_line" WHERE "shop_line"."order_id" = {order}"#
        );
        session.simple_query(&count).await.unwrap();
    }
}

/// Prisma: `findMany`, and `findUnique` for each row.
async fn authors(session: &Client, n: i64) {
    let list = r#"SELECT "public"."Post"."id", "public"."Post"."authorId" FROM "public"."Post" WHERE "public"."Post"."id" > $1 ORDER BY "public"."Post"."id" ASC LIMIT $2 OFFSET $3"#;
    let list = session
        .query(list, &[&(n * 11 % 200), &rows(n), &0_i64])
        .await
        .unwrap();
    for row in list {
        let one = r#"SELECT "public"."User"."id", "public"."User"."email" FROM "public"."User" WHERE ("public"."User"."id" = $1 AND 1=1) LIMIT $2 OFFSET $3"#;
        let author: i64 = row.get("authorId");
        session
            .query(one, &[&author, &1_i64, &0_i64])
            .await
            .unwrap();
    }
}

/// Prisma, as it should be: `include` asks for all authors at once.
async fn included(session: &Client, n: i64) {
    let list = r#"SELECT "public"."Post"."id", "public"."Post"."authorId" FROM "public"."Post" WHERE "public"."Post"."id" >= $1 LIMIT $2 OFFSET $3"#;
    let list = session
        .query(list, &[&(n * 11 % 200), &rows(n), &0_i64])
        .await
        .unwrap();
    let places: Vec<String> = (1..=list.len()).map(|i| format!("${i}")).collect();
    let all = format!(
        r#"SELECT "public"."User"."id", "public"."User"."email" FROM "public"."User" WHERE "public"."User"."id" IN ({})"#,
        places.join(",")
    );
    let ids: Vec<i64> = list.iter().map(|row| row.get("authorId")).collect();
    let values = ids
        .iter()
        .map(|id| id as &(dyn tokio_postgres::types::ToSql + Sync));
    session
        .query(&all, &values.collect::<Vec<_>>())
        .await
        .unwrap();
}

async fn seen(connection: &Connection) -> Snapshot {
    collect(connection, &CollectOptions::default())
        .await
        .unwrap()
}

/// Runs all of it, an interval beginning so long after the one before, however long that took; gives what was seen before and after
/// each.
async fn traffic(server: &LocalServer, every: Duration) -> Vec<Snapshot> {
    let conninfo = server.conninfo("postgres");
    let options = ConnectOptions {
        dbname: Some(conninfo.clone()),
        ..ConnectOptions::default()
    };
    let (target, _) = Target::resolve(&options, &|_| None).unwrap();
    let connection = Connection::open(&target).await.unwrap();
    let named = |name: &str| {
        let conninfo = format!("{conninfo} application_name={name}");
        async move { client(&conninfo).await }
    };
    let (rails, worker) = (named("rails").await, named("worker").await);
    let (django, prisma) = (named("django").await, named("prisma").await);
    let mut samples = vec![seen(&connection).await];
    let mut next = tokio::time::Instant::now();
    for (interval, counts_of) in (0_i64..).zip(TRAFFIC) {
        let numbers = |kind: usize| (0..counts_of[kind]).map(move |n| interval * 31 + n);
        tokio::join!(
            async {
                for n in numbers(0) {
                    orders(&rails, n).await;
                }
                for n in numbers(1) {
                    promotions(&rails, n).await;
                }
            },
            async {
                for _ in numbers(2) {
                    job(&worker).await;
                }
            },
            async {
                for n in numbers(3) {
                    counts(&django, n).await;
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            },
            async {
                for n in numbers(4) {
                    authors(&prisma, n).await;
                }
                for n in numbers(5) {
                    included(&prisma, n).await;
                }
            },
        );
        samples.push(seen(&connection).await);
        next += every;
        tokio::time::sleep_until(next).await;
    }
    samples
}

/// A server with the tables, that logs everything in these forms.
async fn logging(major: u32, formats: &[&str]) -> (LocalServer, Client) {
    let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let options = LocalOptions {
        preload: vec!["pg_stat_statements".to_owned()],
        settings: vec![
            setting("logging_collector", "on"),
            setting("log_destination", &formats.join(",")),
            setting("log_min_duration_statement", "0"),
            setting("log_line_prefix", PREFIX),
        ],
        ..LocalOptions::default()
    };
    let server = LocalServer::start(&installation(major), &options).await;
    let server = server.unwrap();
    let session = client(&server.conninfo("postgres")).await;
    for sql in [
        "set log_min_duration_statement = -1",
        SCHEMA,
        "reset log_min_duration_statement",
    ] {
        session.batch_execute(sql).await.unwrap();
    }
    (server, session)
}

/// The files in which a log is found that holds all that was done.
async fn logs(session: &Client, formats: &[&str]) -> Vec<PathBuf> {
    let end = "select 'the end of it'";
    session.simple_query(end).await.unwrap();
    let mut paths = Vec::new();
    for format in formats {
        let sql = format!(
            "select current_setting('data_directory') || '/' || pg_current_logfile('{format}')"
        );
        let path: String = session.query_one(&sql, &[]).await.unwrap().get(0);
        let written = || fs::read_to_string(&path).is_ok_and(|log| log.contains(end));
        for _ in 0..100 {
            if written() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        paths.push(PathBuf::from(path));
    }
    paths
}

/// Table, kind, library and certainty of each case, in order.
fn told(found: &[NPlusOne]) -> Vec<(String, Kind, Option<Orm>, Certainty)> {
    let mut told: Vec<_> = found
        .iter()
        .map(|f| (f.table.clone(), f.kind, f.fix.orm, f.certainty))
        .collect();
    told.sort();
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn loops_are_told_from_look_alikes() {
    let likely = |table: &str, kind, orm| (table.to_owned(), kind, Some(orm), Certainty::Likely);
    let expected = vec![
        likely("User", Kind::BelongsTo, Orm::Prisma),
        likely("items", Kind::HasMany, Orm::Rails),
        likely("shop_line", Kind::Aggregate, Orm::Django),
        likely("users", Kind::BelongsTo, Orm::Rails),
    ];
    on_each_version(move |major| {
        let expected = expected.clone();
        async move {
            let formats: &[&str] = if major >= 15 {
                &["jsonlog"]
            } else {
                &["csvlog", "stderr"]
            };
            let (server, session) = logging(major, formats).await;
            let snapshots = traffic(&server, Duration::ZERO).await;
            let last = snapshots.last().unwrap();

            let samples: Vec<Sample<'_>> = snapshots.iter().map(Sample::from).collect();
            let by_counters = from_samples(last, &samples);
            assert_eq!(told(&by_counters), expected, "{major}: {by_counters:#?}");

            for path in logs(&session, formats).await {
                let (found, read) =
                    n_plus_one_of_logs(std::slice::from_ref(&path), PREFIX, Some(last)).unwrap();
                let name = format!("{major} {}: {read:?}", path.display());
                assert_eq!(told(&found), expected, "{name} {found:#?}");
                let counts = read.counts();
                assert!(counts.entries > 3_000 && counts.malformed == 0, "{name}");
                // Parents are the lists.
                let parents = found.iter().chain(&by_counters).map(|f| f.parent.as_ref());
                let is_list = |text: &str| {
                    ["\"orders\"", "\"Post\"", "\"shop_order\""]
                        .iter()
                        .any(|t| text.contains(t))
                };
                assert!(
                    parents.clone().all(|p| p.is_some_and(|p| is_list(&p.text))),
                    "{name}"
                );
                // What is advised is understood by the server.
                for fix in found
                    .iter()
                    .chain(&by_counters)
                    .filter_map(|f| f.fix.sql.as_ref())
                {
                    session
                        .prepare(fix)
                        .await
                        .unwrap_or_else(|error| panic!("{name}: {fix}: {error}"));
                }
                let (bare, _) = n_plus_one_of_logs(&[path], PREFIX, None).unwrap();
                let tables = |found: &[NPlusOne]| {
                    let mut tables: Vec<_> = found.iter().map(|f| f.table.clone()).collect();
                    tables.sort();
                    tables
                };
                assert_eq!(tables(&bare), tables(&found), "{name} {bare:#?}");
            }
            server.stop().await;
        }
    })
    .await;
}

/// Rule and table of what a report holds to be likely, and whether each was seen in that source, is told with its parent and what to
/// do about it; sorted.
fn reported(report: &serde_json::Value, source: &str) -> Vec<String> {
    let found = report["repeated"]["found"].as_array().unwrap();
    let likely = found.iter().filter(|f| f["certainty"] == "likely");
    let mut told: Vec<String> = likely
        .map(|f| {
            let seen = f["seen_in"].as_array().unwrap().contains(&source.into());
            let whole = seen
                && f["parent"]["query"].is_string()
                && f["fix"]["hint"].is_string()
                && f["finding"]["fix"]["rewrite"].is_string();
            let rule = f["finding"]["rule"].as_str().unwrap();
            format!("{rule} {} {whole}", f["table"].as_str().unwrap())
        })
        .collect();
    told.sort();
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_tells_loops_from_look_alikes() {
    let expected = ["User", "items", "shop_line", "users"].map(|t| format!("n-plus-one {t} true"));
    on_each_version(move |major| {
        let expected = expected.clone();
        async move {
            if ![13, 15, 18].contains(&major) {
                return;
            }
            let formats: &[&str] = if major >= 15 {
                &["jsonlog"]
            } else {
                &["stderr"]
            };
            let (server, session) = logging(major, formats).await;
            let conninfo = server.conninfo("postgres");
            let audit = ["audit", &conninfo, "--no-advice", "--format", "json"];
            let mut watch = start(&[&audit[..], &["--watch", "24s"]].concat(), "");
            // Samples are taken every 2 s from then on; each interval of the traffic lies between two of them.
            let begun = first_line(&mut watch);
            assert!(
                begun.contains("watching pg_stat_statements for 24 s"),
                "{begun}"
            );
            traffic(&server, Duration::from_secs(2)).await;
            let watched = tokio::task::spawn_blocking(|| finish(watch)).await.unwrap();
            assert_eq!(watched.code, Some(0), "{watched:?}");
            let report = watched.json();
            assert_eq!(
                reported(&report, "counters"),
                expected,
                "{major} {report:#}"
            );
            let path = logs(&session, formats).await.remove(0);
            let path = path.to_str().unwrap();
            let logged = pgperf(
                &[&audit[..], &["--log", path, "--fail-on", "medium"]].concat(),
                "",
            );
            assert_eq!(logged.code, Some(1), "{logged:?}");
            let report = logged.json();
            assert_eq!(reported(&report, "logs"), expected, "{major} {report:#}");
            // What was sent most often is what is planned.
            let planned = report["statements"].as_array().unwrap().iter();
            let with_values = planned.filter(|s| s["values"].is_string()).count();
            assert!(with_values >= 10, "{with_values} {report:#}");
            server.stop().await;
        }
    })
    .await;
}
