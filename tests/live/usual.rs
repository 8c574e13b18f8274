//! Values in the place of parameters: the server accepts them, and its own estimate is the rows that were counted; where a
//! statement is asked with values that behave unlike each other, it costs their mean.

use serde_json::Value;

use super::binary::pgperf;
use super::support::{client, database, hypopg_major};

const SETUP: &str = "CREATE EXTENSION pg_stat_statements; CREATE EXTENSION hypopg;
    CREATE TABLE t AS SELECT n AS id, n % 1000 AS small, n::numeric / 7 AS price, n::float8 / 3 AS ratio, n * 10::bigint AS big,
      date '2020-01-01' + n / 100 AS day, timestamp '2020-01-01' + n * interval '10 minutes' AS at,
      now() - n * interval '10 minutes' AS seen, time '00:00' + n % 86400 * interval '1 second' AS clock,
      md5(n::text) AS name, md5(n::text)::varchar(40) AS code, md5(n::text)::uuid AS key,
      (CASE WHEN n % 1000 = 0 THEN 'new' WHEN n % 20 = 0 THEN 'open' ELSE 'done' END) AS status, repeat('x', 300) AS filler
    FROM generate_series(1, 200000) n;
    VACUUM ANALYZE t; SELECT pg_stat_statements_reset(0, (SELECT oid FROM pg_database WHERE datname = current_database()), 0);";

/// Conditions that keep few rows, on columns of every kind.
const CONDITIONS: &[&str] = &[
    "id > 199600",
    "price < 57",
    "ratio <= 133.3",
    "big >= 1000 AND big < 5000",
    "small BETWEEN 17 AND 19",
    "day < '2020-01-05'",
    "at < '2020-01-03 18:40'",
    "seen > now() - interval '4000 minutes'",
    "clock < '00:02:13'",
    "name < '028f5c28'",
    "code < '028f5c28'",
    "key < '028f5c28-0000-0000-0000-000000000000'",
    "status = 'new'",
];

/// Taken for a third of the table, a range is not worth an index; so whatever is helped was helped by its value.
#[tokio::test(flavor = "multi_thread")]
async fn the_server_accepts_the_values_that_explain_the_rows() {
    let conninfo = database(hypopg_major()).await;
    let session = client(&conninfo).await;
    for statement in SETUP.split_inclusive(';') {
        session.batch_execute(statement).await.unwrap();
    }
    for condition in CONDITIONS {
        let statement = format!("SELECT filler FROM t WHERE {condition}");
        session.batch_execute(&statement).await.unwrap();
    }
    for planner in ["hypopg", "estimate"] {
        let args = [
            "advise",
            &conninfo,
            "--planner",
            planner,
            "--format",
            "json",
        ];
        let run = pgperf(&args, "");
        assert_eq!(run.code, Some(0), "{planner}: {run:?}");
        let report = run.json();
        // Not "statements that the server would not plan".
        let gaps = report["gaps"].as_array().unwrap();
        assert!(gaps.iter().all(|g| g["part"] != "planner"), "{gaps:#?}");
        let helped = report["recommendations"].as_array().unwrap().iter();
        let helped = helped.flat_map(|r| r["statements"].as_array().unwrap());
        let mut assumed: Vec<&str> = helped
            .filter_map(|s| s["assumed"][0]["column"].as_str())
            .collect();
        assumed.sort_unstable();
        let mut columns: Vec<&str> = (CONDITIONS.iter())
            .map(|c| c.split(' ').next().unwrap())
            .collect();
        columns.sort_unstable();
        assert_eq!(assumed, columns, "{planner}: {report:#}");
    }
}

/// The advised index on a table, if there is one.
fn index_on<'a>(report: &'a Value, table: &str) -> Option<&'a Value> {
    let mut advice = report["recommendations"].as_array().unwrap().iter();
    advice.find(|r| r["action"] == "create" && r["table"] == table)
}

/// Two tables with the same rows: one in ten executions asks for what nearly all rows have, or each does.
#[tokio::test(flavor = "multi_thread")]
async fn an_index_helps_the_executions_that_ask_for_rare_values() {
    let conninfo = database(hypopg_major()).await;
    let session = client(&conninfo).await;
    let setup = SETUP.replace(
        "VACUUM",
        "CREATE TABLE always AS SELECT * FROM t; VACUUM ANALYZE always; VACUUM",
    );
    for statement in setup.split_inclusive(';') {
        session.batch_execute(statement).await.unwrap();
    }
    for n in 0..20 {
        let status = if n % 10 == 0 { "done" } else { "new" };
        for (table, status) in [("t", status), ("always", "done")] {
            let statement = format!("SELECT filler FROM {table} WHERE status = '{status}'");
            session.batch_execute(&statement).await.unwrap();
        }
    }
    for planner in ["clone", "hypopg", "estimate"] {
        let args = [
            "advise",
            &conninfo,
            "--planner",
            planner,
            "--format",
            "json",
        ];
        let run = pgperf(&args, "");
        assert_eq!(run.code, Some(0), "{planner}: {run:?}");
        let report = run.json();
        assert_eq!(index_on(&report, "always"), None, "{planner}: {report:#}");
        let index = index_on(&report, "t").unwrap_or_else(|| panic!("{planner}: {report:#}"));
        assert_eq!(index["columns"][0], "status", "{planner}");
        let helped = &index["statements"][0];
        let [before, after] = ["cost_before", "cost_after"].map(|f| helped[f].as_f64().unwrap());
        assert!(
            (0.1..0.25).contains(&(after / before)),
            "{planner}: {before} {after}"
        );
        let plan = helped["plan_after"].as_str().unwrap();
        assert!(
            plan.starts_with('9') && plan.contains(" %: Seq Scan on t"),
            "{planner}: {plan}"
        );
        let assumed = helped["assumed"].as_array().unwrap();
        let calls: f64 = assumed.iter().map(|a| a["calls"].as_f64().unwrap()).sum();
        assert!((calls - 1.0).abs() < 1e-6, "{planner}: {assumed:?}");
        let common = assumed
            .iter()
            .find(|a| a["share"].as_f64() > Some(0.9))
            .unwrap();
        assert!(
            (0.05..0.15).contains(&common["calls"].as_f64().unwrap()),
            "{planner}: {assumed:?}"
        );
        assert_eq!(common["counted"], true, "{planner}");
    }
}
