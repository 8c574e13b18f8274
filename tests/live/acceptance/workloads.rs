//! What takes more than a statement to show: writes, counters, many statements, poolers, repetition, promises.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::super::binary::{Run, pgperf, pgperf_caching};
use super::super::support::{hypopg_major, server};
use super::PLANNERS;
use super::cases::Group;
use super::place::{Place, cost, reasons, text};

/// Sessions are touched all the time, which today writes to no index, and looked for by that time once in a while.
const SESSIONS: &str = "
CREATE TABLE sessions (id int PRIMARY KEY, touched_at timestamptz NOT NULL, pad text) WITH (fillfactor = 40, autovacuum_enabled = off);
INSERT INTO sessions SELECT i, timestamptz '2024-01-01' + i * interval '1 minute', repeat('p', 60) FROM generate_series(1, 20000) i;
VACUUM ANALYZE sessions;
SELECT pg_stat_force_next_flush();
SELECT pg_stat_reset();
";

/// K: an index that every update would have to write to, for a question that is asked three times.
#[tokio::test(flavor = "multi_thread")]
async fn k_a_column_that_every_update_sets() {
    let place = Place::new("hot", SESSIONS, hypopg_major()).await;
    for _ in 0..10 {
        let update = "UPDATE sessions SET touched_at = touched_at + interval '1 hour'";
        place.session.batch_execute(update).await.unwrap();
        place
            .session
            .batch_execute("VACUUM sessions")
            .await
            .unwrap();
    }
    place
        .session
        .batch_execute("ANALYZE sessions")
        .await
        .unwrap();
    let share = "SELECT n_tup_hot_upd >= 0.9 * n_tup_upd AND n_tup_upd >= 200000 FROM pg_stat_user_tables WHERE relname = 'sessions'";
    let until = Instant::now() + Duration::from_secs(20);
    while text(&place.session, share).await != "t" {
        assert!(
            Instant::now() < until,
            "the counters tell of no HOT updates"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for (calls, expected) in [(3, &[][..]), (30_000, &["public.sessions (touched_at)"])] {
        let load = format!(
            "-- calls=200000 mean_ms=0.05\nUPDATE sessions SET touched_at = now() WHERE id = $1;\n\
             -- calls={calls} mean_ms=10\nSELECT * FROM sessions WHERE touched_at < '2024-01-01 14:00'"
        );
        for planner in ["hypopg", "estimate"] {
            let run = place.advise(planner, &load);
            assert_eq!(
                run.created(),
                expected,
                "{calls} calls by {planner}: {}",
                run.stdout
            );
        }
    }
}

/// L: statistics of single columns promise that the city leaves out most of a zip code's rows; those that came back tell
/// otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn l_rows_that_were_counted_show_what_goes_together() {
    let schema = Group::read(include_str!("../../../testdata/acceptance/gaps.sql")).schema;
    let place = Place::new("counted", schema, hypopg_major()).await;
    let setup = "CREATE EXTENSION pg_stat_statements; SELECT pg_stat_statements_reset(0, (SELECT oid FROM pg_database WHERE datname = current_database()), 0)";
    place.session.batch_execute(setup).await.unwrap();
    for n in 0..20 {
        let sql = format!(
            "SELECT * FROM addresses WHERE city = 'city {n}' AND zip = 'zip {}'",
            20 * n + 3
        );
        place.session.batch_execute(&sql).await.unwrap();
    }
    for planner in PLANNERS {
        let run = pgperf(
            &[
                "advise",
                &place.conninfo,
                "--planner",
                planner,
                "--format",
                "json",
            ],
            "",
        );
        assert_eq!(
            run.created(),
            ["public.addresses (zip)"],
            "{planner}: {}",
            run.stdout
        );
    }
}

/// O: a thousand and a half of statements over a hundred columns. Other advisors give each pair of columns an index of its own
/// in `HypoPG`, which has numbers for 2,500.
#[tokio::test(flavor = "multi_thread")]
async fn o_many_statements_over_a_wide_table() {
    let columns: Vec<String> = (0..100).map(|c| format!("c{c}")).collect();
    let values: Vec<String> = (0..100).map(|c| format!("i % {}", 100 + 37 * c)).collect();
    let schema = format!(
        "CREATE TABLE wide ({} int);\nINSERT INTO wide SELECT {} FROM generate_series(1, 10000) i;\nVACUUM ANALYZE;\n",
        columns.join(" int, "),
        values.join(", ")
    );
    let place = Place::new("wide", &schema, hypopg_major()).await;
    let pairs = (0..100).flat_map(|a| (a + 1..100).map(move |b| (a, b)));
    let statements: Vec<String> = pairs
        .step_by(3)
        .take(1500)
        .map(|(a, b)| {
            format!(
                "SELECT * FROM wide WHERE c{a} = {} AND c{b} = {}",
                a + 1,
                b + 2
            )
        })
        .collect();
    assert_eq!(statements.len(), 1500);
    let all = columns
        .iter()
        .map(|c| format!("{c} = 1"))
        .collect::<Vec<_>>()
        .join(" AND ");
    let load = format!(
        "{};\nSELECT * FROM wide WHERE {all}",
        statements.join(";\n")
    );
    // One column an index, for the sake of the test's time: each question still offers what the others found.
    let more = ["--top", "2000", "--max-columns", "1"];
    let run = place.advise_with("hypopg", &load, &more);
    let report = run.json();
    assert_eq!(report["coverage"]["analysed"], 1501);
    assert_eq!(report["gaps"], Value::Array(Vec::new()));
    let said = reasons(&report).join("; ");
    assert!(!said.contains("could not be planned"), "{said}");
    let created = run.created();
    assert!((20..=100).contains(&created.len()), "{created:?}");
}

/// Q: through a pooler in transaction mode nothing is relied on from one transaction to the next.
#[tokio::test(flavor = "multi_thread")]
async fn q_a_pooler_that_changes_servers() {
    let group = Group::read(include_str!("../../../testdata/acceptance/parameters.sql"));
    let place = Place::new("pooled", group.schema, hypopg_major()).await;
    let socket = server(hypopg_major()).await.conninfo("x");
    let value = |name: &str| {
        let (_, rest) = socket.split_once(name).unwrap();
        rest.split(' ')
            .next()
            .unwrap()
            .trim_matches('\'')
            .to_owned()
    };
    let socket = PathBuf::from(value("host=")).join(format!(".s.PGSQL.{}", value("port=")));
    let port = super::pooler::pooler(socket).await;
    let database = place.conninfo.rsplit_once("dbname=").unwrap().1;
    let pooled = format!("host=127.0.0.1 port={port} user=postgres dbname={database}");
    for case in &group.cases {
        for planner in ["hypopg", "estimate"] {
            let args = [
                "advise",
                &pooled,
                "--queries",
                "-",
                "--planner",
                planner,
                "--format",
                "json",
            ];
            let (through, direct) = (pgperf(&args, &case.sql), place.advise(planner, &case.sql));
            assert_eq!(through.code, Some(0), "{}: {through:?}", case.name);
            assert_eq!(
                undated(&through),
                undated(&direct),
                "{} by {planner}",
                case.name
            );
        }
    }
}

/// A report without the instant at which the server was looked at.
fn undated(run: &Run) -> Value {
    let mut report = run.json();
    report["target"]["taken_at"] = Value::Null;
    // It says how many seconds old the statistics are.
    for recommendation in report["recommendations"]
        .as_array_mut()
        .into_iter()
        .flatten()
    {
        recommendation["confidence_reason"] = Value::Null;
    }
    report
}

/// S: the same question gets the same bytes, also from a clone that was kept, in every format.
#[tokio::test(flavor = "multi_thread")]
async fn s_the_same_twice() {
    let group = Group::read(include_str!(
        "../../../testdata/acceptance/index_advisor.sql"
    ));
    let place = Place::new("twice", group.schema, hypopg_major()).await;
    let sql: Vec<&str> = group.cases.iter().map(|c| c.sql.as_str()).collect();
    let (file, sql) = (place.file(), sql.join(";\n"));
    for planner in ["clone", "estimate"] {
        for format in ["json", "text", "sql"] {
            let args = [
                "advise",
                "--from",
                &file,
                "--queries",
                "-",
                "--planner",
                planner,
                "--format",
                format,
            ];
            let kept = pgperf_caching(&args, &sql, &place.directory);
            assert_eq!(kept.code, Some(0), "{kept:?}");
            assert!(
                kept.stdout.contains("shelf"),
                "{planner} {format}: {kept:?}"
            );
            for again in [
                pgperf_caching(&args, &sql, &place.directory),
                pgperf(&args, &sql),
            ] {
                assert_eq!(kept.stdout, again.stdout, "{planner} {format}");
            }
        }
    }
}

/// How far a promise may be off. HypoPG makes indexes larger than they get, and arithmetic knows less of joins than the planner.
const PROMISES: [(&str, f64); 3] = [("clone", 1.1), ("hypopg", 1.3), ("estimate", 2.5)];

/// T: all advised indexes together, really built, cost and weigh what was promised.
#[tokio::test(flavor = "multi_thread")]
async fn t_what_is_promised_is_what_is_built() {
    let group = Group::read(include_str!("../../../testdata/acceptance/tpch.sql"));
    let place = Place::new("tpch", group.schema, hypopg_major()).await;
    let sql: Vec<&str> = group.cases.iter().map(|c| c.sql.as_str()).collect();
    let mut wrong = Vec::new();
    for (planner, off) in PROMISES {
        let run = place.advise(planner, &sql.join(";\n"));
        let report = run.json();
        let advice = report["recommendations"].as_array().unwrap();
        assert!(advice.len() >= 4, "{planner}: {:?}", run.created());
        place.session.batch_execute("BEGIN").await.unwrap();
        for index in advice {
            let ddl = index["ddl"].as_str().unwrap().replace(" CONCURRENTLY", "");
            place.session.batch_execute(&ddl).await.unwrap();
            let size = format!(
                "SELECT pg_relation_size('{}')",
                index["index"].as_str().unwrap()
            );
            let built: f64 = text(&place.session, &size).await.parse().unwrap();
            let promised = index["size_bytes"].as_f64().unwrap();
            if !(0.8..=1.2).contains(&(promised / built)) {
                wrong.push(format!(
                    "{planner}: {ddl} {promised} bytes promised, {built} built"
                ));
            }
        }
        let mut helped = 0;
        for statement in advice
            .iter()
            .flat_map(|i| i["statements"].as_array().unwrap())
        {
            let built = cost(&place.session, statement["query"].as_str().unwrap()).await;
            let promised = statement["cost_after"].as_f64().unwrap();
            helped += 1;
            if !(1.0 / off..=off).contains(&(promised / built)) {
                wrong.push(format!(
                    "{planner}: {promised} promised, {built} built: {statement:#}"
                ));
            }
        }
        assert!(helped >= 6, "{planner}: {helped}");
        place.session.batch_execute("ROLLBACK").await.unwrap();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
