//! What the planner has to know before any index: statistics that are missing, and columns that have to do with each other.

use serde_json::Value;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::binary::pgperf;
use super::support::{client, database, hypopg_major, installation, on_each_version, options};
use pgperf::pg::local::LocalServer;

/// Each of 2,000 zip codes lies in one of 100 cities; `x` and `y` have nothing to do with each other.
const SETUP: &str = "
    CREATE EXTENSION pg_stat_statements;
    CREATE TABLE people AS
      SELECT n AS id, 'zip' || n % 2000 AS zip, 'city' || n % 2000 / 20 AS \"City\",
        hashint4(n) % 20 AS x, hashint4(-n) % 20 AS y, repeat('x', 50) AS note
      FROM generate_series(1, 100000) n;
    ANALYZE people;
    CREATE TABLE late AS SELECT n AS id, n % 7 AS kind FROM generate_series(1, 50000) n";

/// Statements of each kind, as an application would send them.
async fn traffic(session: &Client) {
    for n in 0..30 {
        let statements = [
            format!(
                "SELECT note FROM people WHERE zip = 'zip{}' AND \"City\" = 'city{}'",
                n * 60,
                n * 3
            ),
            format!(
                "SELECT note FROM people WHERE x = {} AND y = {}",
                n % 20,
                n % 19
            ),
            format!("SELECT id FROM late WHERE kind = {}", n % 7),
        ];
        for statement in statements {
            session.batch_execute(&statement).await.unwrap();
        }
    }
}

fn advised(conninfo: &str) -> Vec<Value> {
    let args = ["advise", conninfo, "--planner", "estimate"];
    let run = pgperf(&[&args[..], &["--format", "json"]].concat(), "");
    assert_eq!(run.code, Some(0), "{run:?}");
    run.json()["recommendations"].as_array().unwrap().clone()
}

/// Positions and DDL of the recommendations of one kind.
fn of(action: &str, advice: &[Value]) -> Vec<(usize, String)> {
    let wanted = advice.iter().filter(|r| r["action"] == action);
    let place = |r: &Value| usize::try_from(r["rank"].as_u64().unwrap()).unwrap();
    wanted
        .map(|r| (place(r), r["ddl"].as_str().unwrap().to_owned()))
        .collect()
}

async fn estimated(session: &Client) -> f64 {
    let sql = "EXPLAIN SELECT note FROM people WHERE zip = 'zip60' AND \"City\" = 'city3'";
    let messages = session.simple_query(sql).await.unwrap();
    let rows = messages.iter().find_map(|m| match m {
        SimpleQueryMessage::Row(row) => {
            let (_, rest) = row.get(0)?.split_once("rows=")?;
            rest.split(' ').next()?.parse().ok()
        }
        _ => None,
    });
    rows.unwrap()
}

async fn on(major: u32) {
    let conninfo = database(major).await;
    let session = client(&conninfo).await;
    // Each by itself: ANALYZE in the transaction that fills a table is taken for one before it.
    for statement in SETUP.split_inclusive(';') {
        session.batch_execute(statement).await.unwrap();
    }
    traffic(&session).await;
    let statistics = "CREATE STATISTICS public.\"people_zip_City_stat\" (dependencies) ON zip, \"City\" FROM public.people;\n\
                      ANALYZE public.people;";
    let advice = advised(&conninfo);
    let (created, analyzed) = (of("statistics", &advice), of("analyze", &advice));
    let texts = |found: &[(usize, String)]| -> Vec<String> {
        found.iter().map(|(_, ddl)| ddl.clone()).collect()
    };
    assert_eq!(texts(&created), [statistics], "{major}");
    assert_eq!(texts(&analyzed), ["ANALYZE public.late;"], "{major}");
    // Before the index of the same table, which says what it rests on.
    for (table, first) in [("people", created[0].0), ("late", analyzed[0].0)] {
        let mut indexes = advice
            .iter()
            .filter(|r| r["action"] == "create" && r["table"] == table);
        assert!(
            indexes.all(|r| r["rank"].as_u64().unwrap() > first as u64),
            "{major}: {table}"
        );
    }
    let misjudged = advice
        .iter()
        .find_map(|r| r["misjudged"].as_array())
        .unwrap();
    assert_eq!(misjudged[0]["rows_counted"], 50.0, "{major}");
    assert!(
        misjudged[0]["rows_expected"].as_f64().unwrap() < 2.0,
        "{major}"
    );
    assert!(estimated(&session).await < 2.0, "{major}");

    let args = [
        "advise",
        &conninfo,
        "--planner",
        "estimate",
        "--apply",
        "--yes",
    ];
    let applied = pgperf(&args, "");
    assert_eq!(applied.code, Some(0), "{major}: {applied:?}");
    let undo = "DROP STATISTICS public.\"people_zip_City_stat\";";
    assert!(applied.stderr.contains(undo), "{major}: {applied:?}");
    let estimate = estimated(&session).await;
    assert!((25.0..100.0).contains(&estimate), "{major}: {estimate}");
    let advice = advised(&conninfo);
    assert_eq!(of("statistics", &advice), [], "{major}");
    assert_eq!(of("analyze", &advice), [], "{major}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_planner_learns_before_it_is_asked() {
    on_each_version(on).await;
}

/// A server of its own: the setting is the whole server's.
#[tokio::test(flavor = "multi_thread")]
async fn a_cached_server_is_told_that_pages_at_random_are_cheap() {
    let server = LocalServer::start(&installation(hypopg_major()), &options())
        .await
        .unwrap();
    let conninfo = server.conninfo("postgres");
    let session = client(&conninfo).await;
    for statement in [
        "CREATE EXTENSION pg_stat_statements",
        "CREATE TABLE t AS SELECT n AS id, repeat('x', 100) AS note FROM generate_series(1, 100000) n",
        "ALTER TABLE t ADD PRIMARY KEY (id)",
        "VACUUM ANALYZE t",
        "SET enable_hashjoin = off",
        "SET enable_mergejoin = off",
    ] {
        session.batch_execute(statement).await.unwrap();
    }
    let setting = |advice: &[Value]| of("set", advice).pop().map(|(_, ddl)| ddl);
    assert_eq!(setting(&advised(&conninfo)), None, "nothing was read yet");
    let many = "SELECT count(note) FROM generate_series(1, 400000) g JOIN t ON id = g % 100000";
    session.batch_execute(many).await.unwrap();
    let wanted = "ALTER SYSTEM SET random_page_cost = 1.1;\nSELECT pg_reload_conf();";
    assert_eq!(setting(&advised(&conninfo)).as_deref(), Some(wanted));
    for statement in wanted.lines() {
        session.batch_execute(statement).await.unwrap();
    }
    // Signalled, the server reads its file when it comes to it.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(setting(&advised(&conninfo)), None, "it is set");
}
