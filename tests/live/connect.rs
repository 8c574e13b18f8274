//! Connecting: every way in, and every way in which it is refused, on a real server.

mod authority;
mod hosts;
mod pooler;
mod refused;
mod server;
mod tls;

use std::fs;

use tokio_postgres::types::Type;

use pgperf::pg::Error;
use pgperf::pg::connect::{ConnectOptions, Connection, Target, pool};

pub(crate) use pooler::answering;
pub(crate) use server::Server;
use server::installation;

fn resolve(conninfo: &str) -> Result<Target, Error> {
    let options = ConnectOptions {
        dbname: Some(conninfo.to_owned()),
        ..ConnectOptions::default()
    };
    Target::resolve(&options, &|_| None).map(|(target, _)| target)
}

async fn open(conninfo: &str) -> Result<Connection, Error> {
    Connection::open(&resolve(conninfo)?).await
}

/// What `open` says: `ok`, or the error with its hint.
async fn outcome(conninfo: &str) -> String {
    match open(conninfo).await {
        Ok(connection) => {
            connection.close().await;
            "ok".to_owned()
        }
        Err(error) => format!(
            "{}: {error} | {}",
            kind(&error),
            error.hint.as_deref().unwrap_or_default()
        ),
    }
}

fn kind(error: &Error) -> String {
    format!("{:?}", error.kind)
}

async fn value(connection: &Connection, sql: &str) -> String {
    let results = connection.simple(sql).await.expect("statement");
    let value = results
        .last()
        .and_then(|r| r.rows.first()?.first()?.clone());
    value.unwrap_or_default()
}

#[tokio::test]
async fn session_is_harmless() {
    let server = Server::start("local all all trust", &[]);
    let connection = open(&server.socket("postgres")).await.expect("open");
    for (setting, expected) in [
        ("statement_timeout", "30s"),
        ("lock_timeout", "200ms"),
        ("idle_in_transaction_session_timeout", "1min"),
        ("default_transaction_read_only", "on"),
        ("application_name", "pgperf"),
        ("client_encoding", "UTF8"),
    ] {
        let shown = value(&connection, &format!("reset all; show {setting}")).await;
        assert_eq!(shown, expected, "{setting}");
    }
    let error = connection.simple("create table t (a int)").await;
    assert_eq!(
        error.expect_err("read-only").sqlstate.as_deref(),
        Some("25006")
    );
    let major = installation().major();
    assert_eq!(connection.server_version_num() / 10_000, major);
    assert!(
        connection
            .server_version()
            .starts_with(&format!("{major}."))
    );
    assert!(!connection.is_pooled() && !connection.is_encrypted());
    assert_eq!(
        connection.endpoint(),
        format!("{}/.s.PGSQL.{}", server.directory.display(), server.port)
    );

    let query = "select query from pg_stat_activity where pid = pg_backend_pid()";
    assert_eq!(
        value(&connection, query).await,
        format!("/* pgperf */ {query}")
    );

    // The user's own options come through, except against being read-only.
    let options = "options='-c lock_timeout=1s -c default_transaction_read_only=off -c work_mem=1MB' application_name=ci";
    let connection = open(&format!("{} {options}", server.socket("postgres")))
        .await
        .expect("open");
    assert_eq!(value(&connection, "show lock_timeout").await, "1s");
    assert_eq!(value(&connection, "show work_mem").await, "1MB");
    assert_eq!(
        value(&connection, "show default_transaction_read_only").await,
        "on"
    );
    assert_eq!(
        value(&connection, "show application_name").await,
        "pgperf ci"
    );
}

#[tokio::test]
async fn statements_and_rows() {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Row {
        n: i64,
        name: Option<String>,
        list: Vec<f64>,
    }
    let server = Server::start("local all all trust", &[]);
    let connection = open(&server.socket("postgres")).await.expect("open");
    let results = connection
        .simple("set work_mem = '1MB'; select 1 as a, null as b, '' as c; select 2 as d where false; do $$begin raise notice 'x'; end$$; values (1), (2)")
        .await
        .expect("batch");
    let columns: Vec<_> = results.iter().map(|r| r.columns.join(",")).collect();
    assert_eq!(columns, ["", "a,b,c", "d", "", "column1"]);
    assert_eq!(
        results[1].rows,
        [[Some("1".to_owned()), None, Some(String::new())]]
    );
    assert_eq!((results[2].rows.len(), results[4].rows.len()), (0, 2));

    let sql = "-- a comment\nselect n, $2 || n as name, array[n, 0.5] as list\nfrom generate_series(1, $1::bigint) n order by n desc; -- end";
    let sql = sql.replace("; -- end", " -- end");
    let prefix = "x";
    let rows: Vec<Row> = connection
        .rows(&sql, &[(&2_i64, Type::INT8), (&prefix, Type::TEXT)])
        .await
        .expect("rows");
    let row = |n: i64| Row {
        n,
        name: Some(format!("x{n}")),
        list: vec![if n == 1 { 1.0 } else { 2.0 }, 0.5],
    };
    assert_eq!(rows, [row(2), row(1)]);
    // No statement is left prepared, which is what PgBouncer's transaction mode needs.
    assert_eq!(
        value(&connection, "select count(*) from pg_prepared_statements").await,
        "0"
    );

    let rows = connection
        .rows::<Row>("select 1 as n, 2 as name, '{}'::int[] as list;", &[])
        .await;
    let error = rows.expect_err("a number is no name");
    assert_eq!(
        error.to_string(),
        "row 1, column name, of \"select 1 as n, 2 as name, '{}'::int[] as list\" cannot be read: invalid type: integer `2`, expected a string at line 1 column 15"
    );
    let error = connection
        .rows::<Row>("select * from nowhere", &[])
        .await
        .expect_err("no table");
    assert_eq!(error.to_string(), "relation \"nowhere\" does not exist");
    assert_eq!(error.sqlstate.as_deref(), Some("42P01"));

    connection.begin().await.expect("begin");
    assert_eq!(
        value(&connection, "show transaction_isolation").await,
        "repeatable read"
    );
    assert_eq!(value(&connection, "show transaction_read_only").await, "on");
    connection.end().await.expect("end");
    assert_eq!(
        value(&connection, "show transaction_isolation").await,
        "read committed"
    );
}

/// Cancels a statement that holds a lock, once from outside and once by dropping its future.
async fn assert_cancels(server: &Server, connection: &Connection) {
    const SLEEP: &str = "select pg_advisory_xact_lock(1), pg_sleep(30)";
    let (watcher, driver) =
        tokio_postgres::connect(&server.socket("postgres"), tokio_postgres::NoTls)
            .await
            .expect("watcher");
    tokio::spawn(driver);
    let running = async {
        let locked = "select from pg_locks where locktype = 'advisory' and granted";
        while watcher.query(locked, &[]).await.expect("locks").is_empty() {}
    };
    let canceller = connection.canceller();
    let cancel = async {
        running.await;
        canceller.cancel().await;
    };
    let (result, ()) = tokio::join!(connection.simple(SLEEP), cancel);
    let error = result.expect_err("cancelled");
    assert_eq!(
        (kind(&error), error.sqlstate.as_deref()),
        ("Timeout".to_owned(), Some("57014"))
    );

    // The server signals the session and its process group, and under load the second signal may come late and hit the next
    // statement: this one takes it.
    let _either = connection.simple("select pg_sleep(0.5)").await;

    let running = async {
        let locked = "select from pg_locks where locktype = 'advisory' and granted";
        while watcher.query(locked, &[]).await.expect("locks").is_empty() {}
    };
    tokio::select! {
        result = connection.simple(SLEEP) => panic!("ended: {result:?}"),
        () = running => {}
    }
    // The lock comes free long before the 30 s are over, or this times out.
    watcher
        .batch_execute("set statement_timeout = '10s'; select pg_advisory_lock(1)")
        .await
        .expect("cancelled");
    let error = connection.simple("select 1").await.expect_err("abandoned");
    assert_eq!(
        error.to_string(),
        "an earlier statement of this session was interrupted"
    );
}

#[tokio::test]
async fn statements_are_cancelled() {
    let server = Server::start("local all all trust", &[]);
    let connection = open(&server.socket("postgres")).await.expect("open");
    assert_cancels(&server, &connection).await;

    let pool = pool(&resolve(&server.socket("postgres")).expect("resolve"), 1);
    let connection = pool.get().await.expect("get");
    assert_cancels(&server, &connection).await;
    drop(connection);
    let connection = pool
        .get()
        .await
        .expect("a fresh session instead of the abandoned one");
    assert_eq!(value(&connection, "select 1").await, "1");
}

#[tokio::test]
async fn pools_lend_sessions() {
    let server = Server::start("local all all trust", &[]);
    let lender = pool(&resolve(&server.socket("postgres")).expect("resolve"), 2);
    let (first, second) = tokio::join!(lender.get(), lender.get());
    let (first, second) = (first.expect("first"), second.expect("second"));
    let query = "select pg_backend_pid()";
    let pids = [value(&first, query).await, value(&second, query).await];
    assert_ne!(pids[0], pids[1]);
    assert_eq!(first.server_version_num(), second.server_version_num());
    // A session comes back in the middle of a transaction and is lent again without it.
    first.begin().await.expect("begin");
    let (lent, ()) = tokio::join!(lender.get(), async { drop(first) });
    let again = lent.expect("again");
    assert_eq!(value(&again, query).await, pids[0]);
    assert_eq!(
        value(&again, "show transaction_isolation").await,
        "read committed"
    );
    assert_eq!(value(&again, "show lock_timeout").await, "200ms");

    drop((again, second));
    lender.close().await;
    let log = fs::read_to_string(server.directory.join("log")).expect("log");
    assert!(!log.contains("client"), "a connection was lost: {log}");

    let missing = server.socket("nowhere");
    let error = pool(&resolve(&missing).expect("resolve"), 2)
        .get()
        .await
        .err()
        .expect("no database");
    assert_eq!(kind(&error), "Refused");
    assert_eq!(
        error.to_string(),
        format!(
            "cannot connect to {}: database \"nowhere\" does not exist",
            server.socket_path()
        )
    );
}

#[tokio::test]
async fn a_broken_connection_is_told() {
    let server = Server::start("local all all trust", &[]);
    let connection = open(&server.socket("postgres")).await.expect("open");
    let pid = value(&connection, "select pg_backend_pid()").await;
    let terminate = format!("select pg_terminate_backend({pid}, 10000)");
    let (killed, ()) = tokio::join!(
        connection.simple("select pg_sleep(30)"),
        server.sql(&terminate)
    );
    let error = killed.expect_err("terminated");
    assert_eq!(kind(&error), "Lost");
    assert_eq!(
        error.to_string(),
        "terminating connection due to administrator command"
    );
    let error = connection.simple("select 1").await.expect_err("gone");
    assert_eq!(
        (kind(&error), error.to_string()),
        (
            "Lost".to_owned(),
            "connection to the server was lost".to_owned()
        )
    );
}
