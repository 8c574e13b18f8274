//! Connecting: every way in, and every way in which it is refused, on a real server.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::io::AsyncWriteExt as _;
use tokio_postgres::types::Type;

use pgperf::pg::Error;
use pgperf::pg::connect::{ConnectOptions, Connection, Target};

/// Where Debian keeps the programs of the server.
const BIN: &str = "/usr/lib/postgresql/15/bin";

/// PostgreSQL refuses to run as root, so root becomes this user (`nobody`).
const NOBODY: u32 = 65_534;

/// A throwaway server on a socket in its own directory and on a port of 127.0.0.1.
struct Server {
    directory: PathBuf,
    port: u16,
}

impl Server {
    /// Starts one. `hba` is its whole `pg_hba.conf`, in which `DIR` stands for its directory, as in `settings`.
    fn start(hba: &str, settings: &[&str]) -> Self {
        let directory = new_directory();
        let port = free_port();
        let server = Self { directory, port };
        server.run(
            "initdb",
            &["-D", "data", "-U", "postgres", "-A", "trust", "-N"],
        );
        server.configure(hba, settings);
        server.run("pg_ctl", &["-D", "data", "-w", "-l", "log", "start"]);
        server
    }

    fn configure(&self, hba: &str, settings: &[&str]) {
        let text = |text: &str| text.replace("DIR", &self.directory.to_string_lossy());
        let data = self.directory.join("data");
        fs::write(data.join("pg_hba.conf"), text(hba)).expect("pg_hba.conf");
        let mut lines = fs::read_to_string(data.join("postgresql.conf")).expect("postgresql.conf");
        let standard = [
            format!("port = {}", self.port),
            "listen_addresses = '127.0.0.1'".to_owned(),
            "unix_socket_directories = 'DIR'".to_owned(),
            "fsync = off".to_owned(),
        ];
        let given = settings.iter().map(|line| (*line).to_owned());
        for line in standard.into_iter().chain(given) {
            lines.push_str(&text(&line));
            lines.push('\n');
        }
        fs::write(data.join("postgresql.conf"), lines).expect("postgresql.conf");
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = Command::new(Path::new(BIN).join(program));
        command.args(arguments).current_dir(&self.directory);
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        succeeded(&mut command);
    }

    /// Runs statements as superuser over the socket.
    async fn sql(&self, sql: &str) {
        let conninfo = self.socket("postgres");
        let (client, connection) = tokio_postgres::connect(&conninfo, tokio_postgres::NoTls)
            .await
            .expect("superuser");
        let task = tokio::spawn(connection);
        // One by one, because CREATE DATABASE wants to be alone.
        for statement in sql.split(';') {
            client.batch_execute(statement).await.expect("set-up");
        }
        drop(client);
        task.await.expect("task").expect("connection");
    }

    /// A conninfo string that leads to database `dbname` over the socket.
    fn socket(&self, dbname: &str) -> String {
        let (directory, port) = (self.directory.display(), self.port);
        format!("host={directory} port={port} user=postgres dbname={dbname}")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut command = Command::new(Path::new(BIN).join("pg_ctl"));
        command.args(["-D", "data", "-m", "immediate", "-w", "stop"]);
        command.current_dir(&self.directory);
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        let _stopped = command.output();
        let _removed = fs::remove_dir_all(&self.directory);
    }
}

fn new_directory() -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("pgperf-connect-{}-{number}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    fs::create_dir(&directory).expect("temporary directory");
    if is_root() {
        chown(&directory, Some(NOBODY), Some(NOBODY)).expect("chown");
    }
    directory
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    listener.local_addr().expect("address").port()
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn succeeded(command: &mut Command) -> Output {
    let output = command.output().expect("program");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {text}");
    output
}

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
    assert!((150_000..160_000).contains(&connection.server_version_num()));
    assert!(connection.server_version().starts_with("15."));
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

#[tokio::test]
async fn refusals() {
    let hba = "local all postgres trust\nhost nologin all 127.0.0.1/32 reject\nhost all peered 127.0.0.1/32 reject\nhost all free 127.0.0.1/32 trust\nhost all nologin 127.0.0.1/32 trust\nhost all gone 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256";
    let server = Server::start(hba, &[]);
    server
        .sql("create role app login password 'right'; create role free login connection limit 0; create role nologin; \
              create role peered login; create database shop; create database closed; \
              revoke connect on database closed from public")
        .await;
    let port = server.port;
    let at = |rest: &str| format!("host=127.0.0.1 port={port} {rest}");
    let home = new_directory();
    let passfile = home.join("pgpass");
    fs::write(
        &passfile,
        "127.0.0.1:*:*:app:right\n127.0.0.1:*:*:other:x\n",
    )
    .expect("passfile");
    fs::set_permissions(&passfile, fs::Permissions::from_mode(0o600)).expect("mode");
    let passfile = passfile.display();
    let place = format!("cannot connect to 127.0.0.1:{port}:");
    for (conninfo, expected) in [
        (
            "user=app dbname=shop password=right".to_owned(),
            "ok".to_owned(),
        ),
        (
            format!("user=app dbname=shop passfile={passfile}"),
            "ok".to_owned(),
        ),
        (
            "user=app dbname=shop password=sesame".to_owned(),
            format!(
                "Refused: {place} password authentication failed for user \"app\" | the password came from connection string"
            ),
        ),
        (
            format!("user=other dbname=shop passfile={passfile}"),
            format!(
                "Refused: {place} password authentication failed for user \"other\" | the password came from {passfile}"
            ),
        ),
        (
            "user=app dbname=shop".to_owned(),
            format!(
                "Refused: {place} a password is needed for role \"app\" | no password was given; set PGPASSWORD or write it to ~/.pgpass"
            ),
        ),
        (
            format!("user=third dbname=shop passfile={passfile}"),
            format!(
                "Refused: {place} a password is needed for role \"third\" | no password was given: PGPASSWORD is not set and {passfile} has no line for 127.0.0.1:{port}:shop:third; set PGPASSWORD or write it to ~/.pgpass"
            ),
        ),
        (
            "user=app dbname=shpo password=right".to_owned(),
            format!(
                "Refused: {place} database \"shpo\" does not exist | databases there: closed, postgres, shop"
            ),
        ),
        (
            "user=app dbname=closed password=right".to_owned(),
            format!(
                "Privilege: {place} permission denied for database \"closed\" | GRANT CONNECT ON DATABASE \"closed\" TO \"app\""
            ),
        ),
        (
            "user=gone dbname=shop".to_owned(),
            format!(
                "Refused: {place} role \"gone\" does not exist | give another role with -U, or CREATE ROLE \"gone\" LOGIN"
            ),
        ),
        (
            "user=nologin dbname=shop".to_owned(),
            format!(
                "Refused: {place} role \"nologin\" is not permitted to log in | ALTER ROLE \"nologin\" LOGIN"
            ),
        ),
        (
            "user=peered dbname=shop".to_owned(),
            format!(
                "Refused: {place} pg_hba.conf rejects connection for host \"127.0.0.1\", user \"peered\", database \"shop\", no encryption | pg_hba.conf on the server must have a line for this role, database and address"
            ),
        ),
        (
            "user=free dbname=shop".to_owned(),
            format!(
                "Refused: {place} too many connections for role \"free\" | wait until sessions end, or raise max_connections (or the role's or database's CONNECTION LIMIT)"
            ),
        ),
        (
            "user=app dbname=shop password=right sslmode=require".to_owned(),
            format!(
                "Refused: {place} server does not offer TLS | turn it on in the server (ssl = on), or use sslmode=prefer if plain text will do"
            ),
        ),
        (
            "user=app dbname=shop password=right channel_binding=require".to_owned(),
            format!(
                "Refused: {place} server did not use channel binding | channel_binding=require needs TLS and a SCRAM password; prefer does without"
            ),
        ),
    ] {
        assert_eq!(outcome(&at(&conninfo)).await, expected, "{conninfo}");
    }
    let directory = server.directory.display();
    let socket = format!("host={directory} port={port} user=stranger dbname=shop");
    assert_eq!(
        outcome(&socket).await,
        format!(
            "Refused: cannot connect to {directory}/.s.PGSQL.{port}: no pg_hba.conf entry for host \"[local]\", user \"stranger\", database \"shop\", no encryption | pg_hba.conf on the server must have a line for this role, database and address"
        )
    );
    fs::remove_dir_all(home).expect("clean up");
}

#[tokio::test]
async fn unreachable() {
    let closed = free_port();
    let silent = TcpListener::bind("127.0.0.1:0").expect("bind");
    let silent_port = silent.local_addr().expect("address").port();
    let wrong = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("bind");
    let wrong_port = wrong.local_addr().expect("address").port();
    tokio::spawn(async move {
        let mut streams = Vec::new();
        while let Ok((mut stream, _)) = wrong.accept().await {
            let _sent = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
            streams.push(stream);
        }
    });
    let hint = "is the server running, and listening there (listen_addresses, port)?";
    for (conninfo, expected) in [
        (
            format!("host=127.0.0.1 port={closed} user=u"),
            format!("Unreachable: cannot connect to 127.0.0.1:{closed}: connection refused | {hint}"),
        ),
        (
            format!("host=db.invalid,127.0.0.1 port={closed} user=u"),
            format!("Unreachable: cannot connect to any host: db.invalid:{closed}: host name does not resolve: name or service not known; 127.0.0.1:{closed}: connection refused | {hint}"),
        ),
        (
            format!("host=db.invalid hostaddr=127.0.0.1 port={closed} user=u"),
            format!("Unreachable: cannot connect to db.invalid (127.0.0.1):{closed}: connection refused | {hint}"),
        ),
        (
            "host=/nowhere user=u".to_owned(),
            "Unreachable: cannot connect to /nowhere/.s.PGSQL.5432: no such socket | is the server running? -h HOST connects over the network, -h DIRECTORY to a socket elsewhere".to_owned(),
        ),
        (
            format!("host=127.0.0.1 port={silent_port} user=u connect_timeout=1"),
            format!("Unreachable: cannot connect to 127.0.0.1:{silent_port}: no answer within 1 s | check host, port and firewall; connect_timeout=SECONDS (or PGCONNECT_TIMEOUT) waits longer"),
        ),
    ] {
        assert_eq!(outcome(&conninfo).await, expected, "{conninfo}");
    }
    for mode in ["disable", "prefer", "require"] {
        let said = outcome(&format!(
            "host=127.0.0.1 port={wrong_port} user=u sslmode={mode}"
        ))
        .await;
        println!("{mode}: {said}");
    }
}
