//! Connecting: every way in, and every way in which it is refused, on a real server.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::types::Type;

use pgperf::pg::Error;
use pgperf::pg::connect::{ConnectOptions, Connection, Target, pool};
use pgperf::pg::local::Installation;

use crate::live::support;

/// PostgreSQL refuses to run as root, so root becomes this user (`nobody`).
const NOBODY: u32 = 65_534;

/// The programs of the server. Packages of the system have all of them, with TLS; `HypoPG` comes from there too.
fn installation() -> Installation {
    support::installation(support::hypopg_major())
}

/// A throwaway server on a socket in its own directory and on a port of 127.0.0.1.
pub(crate) struct Server {
    directory: PathBuf,
    port: u16,
}

impl Server {
    /// Starts one. `hba` is its whole `pg_hba.conf`, in which `DIR` stands for its directory, as in `settings`.
    pub(crate) fn start(hba: &str, settings: &[&str]) -> Self {
        let server = Self::prepare(hba, settings);
        server.launch();
        server
    }

    /// Makes one without starting it.
    fn prepare(hba: &str, settings: &[&str]) -> Self {
        let directory = new_directory();
        let port = free_port();
        let server = Self { directory, port };
        server.run(
            "initdb",
            &["-D", "data", "-U", "postgres", "-A", "trust", "-N"],
        );
        server.configure(hba, settings);
        server
    }

    fn launch(&self) {
        self.run("pg_ctl", &["-D", "data", "-w", "-l", "log", "start"]);
    }

    /// Ends all sessions and starts it again.
    pub(crate) fn restart(&self) {
        self.run(
            "pg_ctl",
            &["-D", "data", "-w", "-m", "fast", "-l", "log", "restart"],
        );
    }

    /// A standby of this one, started.
    pub(crate) fn standby(&self) -> Self {
        let directory = new_directory();
        let port = free_port();
        let standby = Self { directory, port };
        let (host, primary_port) = (self.directory.to_string_lossy(), self.port.to_string());
        standby.run(
            "pg_basebackup",
            &[
                "-D",
                "data",
                "-R",
                "-c",
                "fast",
                "-X",
                "stream",
                "-U",
                "postgres",
                "-h",
                &host,
                "-p",
                &primary_port,
            ],
        );
        standby.configure("local all all trust", &[]);
        standby.launch();
        standby
    }

    /// Adds a line to `postgresql.conf`.
    fn append(&self, setting: &str) {
        let path = self.directory.join("data/postgresql.conf");
        let mut lines = fs::read_to_string(&path).expect("postgresql.conf");
        lines.push_str(&setting.replace("DIR", &self.directory.to_string_lossy()));
        lines.push('\n');
        fs::write(path, lines).expect("postgresql.conf");
    }

    /// Makes the postmaster read its files again, and waits until new sessions show that it has.
    async fn reload(&self) {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let mark = format!("reload{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.append(&format!("search_path = '{mark}'"));
        self.run("pg_ctl", &["-D", "data", "reload"]);
        loop {
            let connection = open(&self.socket("postgres")).await.expect("open");
            if value(&connection, "show search_path").await == mark {
                return;
            }
        }
    }

    /// Its socket, as messages name it.
    pub(crate) fn socket_path(&self) -> String {
        format!("{}/.s.PGSQL.{}", self.directory.display(), self.port)
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
        let mut command = Command::new(installation().bin_dir.join(program));
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
    pub(crate) fn socket(&self, dbname: &str) -> String {
        let (directory, port) = (self.directory.display(), self.port);
        format!("host={directory} port={port} user=postgres dbname={dbname}")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut command = Command::new(installation().bin_dir.join("pg_ctl"));
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

/// A server with every reason to refuse.
async fn refusing() -> Server {
    let hba = "local all postgres trust\nhost nologin all 127.0.0.1/32 reject\nhost all peered 127.0.0.1/32 reject\nhost all free 127.0.0.1/32 trust\nhost all nologin 127.0.0.1/32 trust\nhost all gone 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256";
    let server = Server::start(hba, &[]);
    server
        .sql("create role app login password 'right'; create role free login connection limit 0; create role nologin; \
              create role peered login; create database shop; create database closed; \
              revoke connect on database closed from public")
        .await;
    server
}

#[tokio::test]
async fn passwords() {
    let server = refusing().await;
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
    ] {
        assert_eq!(outcome(&at(&conninfo)).await, expected, "{conninfo}");
    }
    fs::remove_dir_all(home).expect("clean up");
}

#[tokio::test]
async fn refusals() {
    let server = refusing().await;
    let port = server.port;
    let at = |rest: &str| format!("host=127.0.0.1 port={port} {rest}");
    let place = format!("cannot connect to 127.0.0.1:{port}:");
    for (conninfo, expected) in [
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
        while let Ok((mut stream, _)) = wrong.accept().await {
            let mut request = [0; 256];
            let _read = stream.read(&mut request).await;
            let _sent = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
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
    let place = format!("cannot connect to 127.0.0.1:{wrong_port}:");
    for (mode, expected) in [
        (
            "disable",
            format!(
                "Unreachable: {place} what answers there does not speak PostgreSQL's protocol | is that the port of a PostgreSQL server?"
            ),
        ),
        (
            "prefer",
            format!(
                "Unreachable: {place} what answers there does not speak PostgreSQL's protocol | is that the port of a PostgreSQL server?"
            ),
        ),
        (
            "require",
            format!(
                "Refused: {place} server does not offer TLS | turn it on in the server (ssl = on), or use sslmode=prefer if plain text will do"
            ),
        ),
    ] {
        let conninfo = format!("host=127.0.0.1 port={wrong_port} user=u sslmode={mode}");
        assert_eq!(outcome(&conninfo).await, expected, "{mode}");
    }
}

/// An authority and what it signed, made by openssl; all keys and certificates are in `0`.
struct Authority {
    directory: PathBuf,
    /// What openssl is to make keys of.
    keys: &'static str,
}

/// Quick to make.
const ELLIPTIC: &str = "ec -pkeyopt ec_paramgen_curve:prime256v1";

/// What most people have.
const RSA: &str = "rsa:2048";

/// `(3, 0)` of `OpenSSL 3.0.17 1 Jul 2025 …`.
fn openssl_version() -> (u32, u32) {
    let output = Command::new("openssl").arg("version").output();
    let text = String::from_utf8(output.expect("openssl").stdout).expect("text");
    let number = text.split(' ').nth(1).expect("a version");
    let mut parts = number
        .split('.')
        .map(|part| part.parse().expect("a number"));
    (parts.next().expect("major"), parts.next().expect("minor"))
}

impl Authority {
    fn new(keys: &'static str) -> Self {
        let directory = new_directory();
        let authority = Self { directory, keys };
        authority.openssl(&format!("req -x509 -newkey {keys} -nodes -keyout ca.key -out ca.crt -days 30 -subj /CN=pgperf-test-ca"));
        authority
    }

    /// Signs a certificate `name.crt` with these extensions.
    fn sign(&self, name: &str, common_name: &str, extensions: &str) {
        let keys = self.keys;
        self.openssl(&format!("req -new -newkey {keys} -nodes -keyout {name}.key -out {name}.csr -subj /CN={common_name}"));
        fs::write(self.directory.join("extensions"), extensions).expect("extensions");
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out {name}.crt -days 30 -extfile extensions"
        ));
    }

    /// Signs a certificate of X.509 version 1, which `openssl x509 -req` stopped to make without extensions and got an option
    /// for elsewhere, as for days that are over.
    fn sign_old(&self, name: &str, common_name: &str, expired: bool) {
        let keys = self.keys;
        self.openssl(&format!("req -new -newkey {keys} -nodes -keyout {name}.key -out {name}.csr -subj /CN={common_name}"));
        let (command, days) = if openssl_version() >= (3, 4) {
            let over = "-not_before 20200101000000Z -not_after 20200201000000Z";
            // The default configuration would make it an authority's.
            let plain = "[req]\ndistinguished_name=dn\n[dn]\n";
            fs::write(self.directory.join("plain"), plain).expect("configuration");
            let days = if expired { over } else { "-days 30" };
            ("req -x509v1 -config plain", days)
        } else {
            let days = if expired { "-days -1" } else { "-days 30" };
            ("x509 -req -CAcreateserial", days)
        };
        self.openssl(&format!(
            "{command} -in {name}.csr -CA ca.crt -CAkey ca.key -out {name}.crt {days}"
        ));
    }

    fn openssl(&self, arguments: &str) {
        let mut command = Command::new("openssl");
        command
            .args(arguments.split(' '))
            .current_dir(&self.directory);
        succeeded(&mut command);
    }

    /// Copies files to a server's directory, keys readable only for it.
    fn install(&self, server: &Server, names: &[(&str, &str)]) {
        for (from, to) in names {
            let to = server.directory.join(to);
            fs::copy(self.directory.join(from), &to).expect("copy");
            fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).expect("mode");
            if is_root() {
                chown(&to, Some(NOBODY), Some(NOBODY)).expect("chown");
            }
        }
        let settings = [
            "ssl = on",
            "ssl_cert_file = 'DIR/server.crt'",
            "ssl_key_file = 'DIR/server.key'",
            "ssl_ca_file = 'DIR/ca.crt'",
        ];
        for setting in settings {
            server.append(setting);
        }
    }

    fn path(&self, name: &str) -> String {
        self.directory.join(name).display().to_string()
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _removed = fs::remove_dir_all(&self.directory);
    }
}

/// The outcome, and `+tls` or `+plain` for how the session turned out.
async fn encryption(conninfo: &str) -> String {
    match open(conninfo).await {
        Ok(connection) => {
            let sql = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
            let encrypted = value(&connection, sql).await == "t";
            assert_eq!(connection.is_encrypted(), encrypted, "{conninfo}");
            if encrypted { "tls" } else { "plain" }.to_owned()
        }
        Err(error) => error.to_string(),
    }
}

const TLS_HBA: &str = "local all all trust\nhostssl all onlytls 127.0.0.1/32 trust\nhostnossl all onlyplain 127.0.0.1/32 trust\nhost all postgres 127.0.0.1/32 trust\nhostssl all certified 127.0.0.1/32 cert\nhost all app 127.0.0.1/32 scram-sha-256\n";

#[tokio::test]
async fn tls_modes() {
    let authority = Authority::new(ELLIPTIC);
    let stranger = Authority::new(ELLIPTIC);
    authority.sign("named", "other", "subjectAltName=DNS:db.test");
    let server = Server::prepare(TLS_HBA, &[]);
    authority.install(
        &server,
        &[
            ("named.crt", "server.crt"),
            ("named.key", "server.key"),
            ("ca.crt", "ca.crt"),
        ],
    );
    server.launch();
    server.sql("create role onlytls login; create role onlyplain login; create role app login password 'right'").await;
    let port = server.port;
    let at = |host: &str, rest: &str| {
        format!("host={host} hostaddr=127.0.0.1 port={port} dbname=postgres {rest}")
    };
    let ours = format!("sslrootcert={}", authority.path("ca.crt"));
    let theirs = format!("sslrootcert={}", stranger.path("ca.crt"));
    let absent = format!("sslrootcert={}", authority.path("absent.crt"));
    let unknown = format!(
        "TLS failed: server's certificate is not signed by any authority in {}",
        stranger.path("ca.crt")
    );
    let misnamed = "TLS failed: server's certificate is not for host name \"wrong.test\"";
    let no_roots = format!(
        "cannot check the server's certificate: {} does not exist",
        authority.path("absent.crt")
    );
    let no_hba = |user: &str, how: &str| {
        format!(
            "no pg_hba.conf entry for host \"127.0.0.1\", user \"{user}\", database \"postgres\", {how}"
        )
    };
    for (host, rest, expected) in [
        ("db.test", "user=postgres sslmode=disable", "plain".to_owned()),
        ("db.test", "user=postgres sslmode=allow", "plain".to_owned()),
        ("db.test", "user=postgres", "tls".to_owned()),
        ("db.test", "user=postgres sslmode=prefer", "tls".to_owned()),
        ("db.test", "user=postgres sslmode=require", "tls".to_owned()),
        // What the server wants for this role decides where the client leaves it open.
        ("db.test", "user=onlytls sslmode=disable", no_hba("onlytls", "no encryption")),
        ("db.test", "user=onlytls sslmode=allow", "tls".to_owned()),
        ("db.test", "user=onlyplain sslmode=allow", "plain".to_owned()),
        ("db.test", "user=onlyplain sslmode=prefer", "plain".to_owned()),
        ("db.test", "user=onlyplain sslmode=require", no_hba("onlyplain", "SSL encryption")),
        // A root certificate is used, whatever the mode, and `prefer` then goes without TLS.
        ("wrong.test", &*format!("user=postgres sslmode=require {ours}"), "tls".to_owned()),
        ("db.test", &*format!("user=postgres sslmode=require {theirs}"), unknown.clone()),
        ("db.test", &*format!("user=postgres sslmode=prefer {theirs}"), "plain".to_owned()),
        ("db.test", &*format!("user=onlytls sslmode=prefer {theirs}"), no_hba("onlytls", "no encryption") + " (before that: " + &unknown + ")"),
        ("db.test", &*format!("user=postgres sslmode=require {absent}"), "tls".to_owned()),
        ("wrong.test", &*format!("user=postgres sslmode=verify-ca {ours}"), "tls".to_owned()),
        ("db.test", &*format!("user=postgres sslmode=verify-ca {theirs}"), unknown.clone()),
        ("db.test", &*format!("user=postgres sslmode=verify-ca {absent}"), no_roots.clone()),
        ("db.test", &*format!("user=postgres sslmode=verify-full {ours}"), "tls".to_owned()),
        ("wrong.test", &*format!("user=postgres sslmode=verify-full {ours}"), misnamed.to_owned()),
        ("db.test", &*format!("user=postgres sslmode=verify-full {theirs}"), unknown.clone()),
        ("db.test", "user=postgres sslrootcert=system", "TLS failed: server's certificate is not signed by any authority in the system's trusted certificates".to_owned()),
        // SCRAM bound to the channel, and one protocol version or the other.
        ("db.test", "user=app password=right sslmode=require channel_binding=require", "tls".to_owned()),
        ("db.test", "user=app password=right sslmode=disable channel_binding=require", "server did not use channel binding".to_owned()),
        ("db.test", "user=postgres sslmode=require ssl_max_protocol_version=TLSv1.2", "tls".to_owned()),
        ("db.test", "user=postgres sslmode=require ssl_min_protocol_version=TLSv1.3 sslsni=0", "tls".to_owned()),
    ] {
        let said = encryption(&at(host, rest)).await;
        let place = format!("cannot connect to {host} (127.0.0.1):{port}: ");
        assert_eq!(said.strip_prefix(&place).unwrap_or(&said), expected, "{host} {rest}");
    }
    let socket = format!("{} sslmode=verify-full {absent}", server.socket("postgres"));
    assert_eq!(encryption(&socket).await, "plain", "sockets know no TLS");
    // Cancelling goes the same way as the connection.
    let connection = open(&at(
        "db.test",
        &format!("user=onlytls sslmode=verify-full {ours}"),
    ))
    .await
    .expect("open");
    assert_cancels(&server, &connection).await;
}

#[tokio::test]
async fn certificates_that_only_libpq_takes() {
    let authority = Authority::new(RSA);
    authority.sign("common", "db.test", "basicConstraints=CA:FALSE");
    authority.sign_old("old", "db.test", false);
    authority.sign_old("expired", "db.test", true);
    // As in PostgreSQL's manual.
    authority.openssl("req -x509 -newkey rsa:2048 -nodes -keyout self.key -out self.crt -days 30 -subj /CN=db.test -addext subjectAltName=DNS:db.test");
    let stranger = Authority::new(ELLIPTIC);
    let server = Server::prepare(TLS_HBA, &[]);
    authority.install(
        &server,
        &[
            ("common.crt", "server.crt"),
            ("common.key", "server.key"),
            ("ca.crt", "ca.crt"),
        ],
    );
    server.launch();
    let port = server.port;
    let bad = |why: &str| format!("TLS failed: {why}");
    let authoritys = |trusted: &str| {
        bad(&format!(
            "server's certificate is an authority's own, and not one of {trusted}"
        ))
    };
    let old = |trusted: &str| {
        bad(&format!(
            "server's certificate is of X.509 version 1 and expired, or not directly signed by an authority in {trusted}"
        ))
    };
    let unknown = |trusted: &str| {
        bad(&format!(
            "server's certificate is not signed by any authority in {trusted}"
        ))
    };
    for (certificate, roots, good) in [
        ("common", "ca.crt", "tls".to_owned()),
        ("old", "ca.crt", "tls".to_owned()),
        ("expired", "ca.crt", old(&authority.path("ca.crt"))),
        ("self", "self.crt", "tls".to_owned()),
        ("self", "ca.crt", authoritys(&authority.path("ca.crt"))),
    ] {
        authority.install(
            &server,
            &[
                (&*format!("{certificate}.crt"), "server.crt"),
                (&*format!("{certificate}.key"), "server.key"),
            ],
        );
        server.reload().await;
        let (roots, theirs) = (authority.path(roots), stranger.path("ca.crt"));
        let misnamed = match good.as_str() {
            "tls" => bad("server's certificate is not for host name \"wrong.test\""),
            other => other.to_owned(),
        };
        let untrusted = match certificate {
            "common" => unknown(&theirs),
            "self" => authoritys(&theirs),
            _ => old(&theirs),
        };
        for (host, mode, roots, expected) in [
            (
                "db.test",
                "require sslrootcert=",
                "/absent",
                "tls".to_owned(),
            ),
            ("db.test", "verify-full sslrootcert=", &*roots, good.clone()),
            ("wrong.test", "verify-full sslrootcert=", &roots, misnamed),
            ("wrong.test", "verify-ca sslrootcert=", &roots, good.clone()),
            ("db.test", "verify-ca sslrootcert=", &theirs, untrusted),
        ] {
            let conninfo = format!(
                "host={host} hostaddr=127.0.0.1 port={port} user=postgres sslmode={mode}{roots}"
            );
            let said = encryption(&conninfo).await;
            let place = format!("cannot connect to {host} (127.0.0.1):{port}: ");
            assert_eq!(
                said.strip_prefix(&place).unwrap_or(&said),
                expected,
                "{certificate} {host} {mode}{roots}"
            );
        }
    }
}

#[tokio::test]
async fn revoked_certificates() {
    let authority = Authority::new(ELLIPTIC);
    authority.sign("server", "db.test", "subjectAltName=DNS:db.test");
    let settings = "[ca]\ndefault_ca=c\n[c]\ndatabase=index\ndefault_md=sha256\ndefault_crl_days=30\ncrlnumber=number\n";
    for (name, text) in [("settings", settings), ("index", ""), ("number", "01\n")] {
        fs::write(authority.directory.join(name), text).expect("write");
    }
    let ca = "ca -config settings -keyfile ca.key -cert ca.crt";
    authority.openssl(&format!("{ca} -gencrl -out none.crl"));
    authority.openssl(&format!("{ca} -revoke server.crt"));
    authority.openssl(&format!("{ca} -gencrl -out one.crl"));
    let server = Server::prepare(TLS_HBA, &[]);
    authority.install(
        &server,
        &[
            ("server.crt", "server.crt"),
            ("server.key", "server.key"),
            ("ca.crt", "ca.crt"),
        ],
    );
    server.launch();
    let port = server.port;
    for (list, expected) in [
        (authority.path("none.crl"), "tls".to_owned()),
        (
            authority.path("one.crl"),
            format!(
                "cannot connect to db.test (127.0.0.1):{port}: TLS failed: server's certificate is revoked"
            ),
        ),
        (
            authority.path("absent.crl"),
            format!(
                "cannot use {}: no such file or directory",
                authority.path("absent.crl")
            ),
        ),
        (
            authority.path("ca.crt"),
            format!(
                "cannot use {}: no revocation list in PEM format in it",
                authority.path("ca.crt")
            ),
        ),
    ] {
        let conninfo = format!(
            "host=db.test hostaddr=127.0.0.1 port={port} user=postgres sslmode=verify-full sslrootcert={} sslcrl={list}",
            authority.path("ca.crt")
        );
        assert_eq!(encryption(&conninfo).await, expected, "{list}");
    }
}

#[tokio::test]
async fn client_certificates() {
    let authority = Authority::new(ELLIPTIC);
    authority.sign("server", "db.test", "subjectAltName=DNS:db.test");
    authority.sign("client", "certified", "basicConstraints=CA:FALSE");
    authority.openssl("pkey -in client.key -traditional -out client-pkcs1.key");
    authority.openssl("pkey -in client.key -aes256 -passout pass:secret -out client-encrypted.key");
    authority.openssl("pkey -in client.key -outform DER -out client-der.key");
    let server = Server::prepare(TLS_HBA, &[]);
    authority.install(
        &server,
        &[
            ("server.crt", "server.crt"),
            ("server.key", "server.key"),
            ("ca.crt", "ca.crt"),
        ],
    );
    server.launch();
    server.sql("create role certified login").await;
    let port = server.port;
    let (certificate, key) = (authority.path("client.crt"), |name: &str| {
        authority.path(name)
    });
    fs::copy(key("client.key"), key("client-open.key")).expect("copy");
    fs::set_permissions(key("client-open.key"), fs::Permissions::from_mode(0o644)).expect("mode");
    let needed = format!(
        "cannot connect to db.test (127.0.0.1):{port}: connection requires a valid client certificate"
    );
    for (rest, expected) in [
        (
            format!("sslcert={certificate} sslkey={}", key("client.key")),
            "tls".to_owned(),
        ),
        (
            format!("sslcert={certificate} sslkey={}", key("client-pkcs1.key")),
            "tls".to_owned(),
        ),
        (String::new(), needed.clone()),
        (
            format!(
                "sslcertmode=disable sslcert={certificate} sslkey={}",
                key("client.key")
            ),
            needed.clone(),
        ),
        (
            format!(
                "sslcert={certificate} sslkey={}",
                key("client-encrypted.key")
            ),
            format!(
                "cannot use {}: it is encrypted, and pgperf asks for no passphrase",
                key("client-encrypted.key")
            ),
        ),
        (
            format!("sslcert={certificate} sslkey={}", key("client-der.key")),
            format!(
                "cannot use {}: no private key in PEM format in it",
                key("client-der.key")
            ),
        ),
        (
            format!("sslcert={certificate} sslkey={}", key("client-open.key")),
            format!(
                "cannot use {}: group or others may access it",
                key("client-open.key")
            ),
        ),
        (
            format!("sslcert={certificate} sslkey={}", key("absent.key")),
            format!(
                "cannot use {}: no such file or directory",
                key("absent.key")
            ),
        ),
        (
            format!(
                "sslcert={} sslkey={}",
                authority.path("ca.crt"),
                key("client.key")
            ),
            format!(
                "cannot use {}: with key {}: keys may not be consistent: KeyMismatch",
                authority.path("ca.crt"),
                key("client.key")
            ),
        ),
    ] {
        let conninfo = format!(
            "host=db.test hostaddr=127.0.0.1 port={port} user=certified dbname=postgres sslmode=require {rest}"
        );
        assert_eq!(encryption(&conninfo).await, expected, "{rest}");
    }
}

#[tokio::test]
async fn hosts_are_tried_until_one_fits() {
    let primary = Server::start(
        "local all all trust\nlocal replication all trust\nhost all all 127.0.0.1/32 scram-sha-256",
        &[],
    );
    let standby = primary.standby();
    primary.sql("create role app login password 'right'").await;
    let closed = free_port();
    let (p, s) = (&primary, &standby);
    let list = |servers: &[&Server]| {
        let hosts: Vec<_> = servers
            .iter()
            .map(|s| s.directory.display().to_string())
            .collect();
        let ports: Vec<_> = servers.iter().map(|s| s.port.to_string()).collect();
        format!(
            "host={} port={} user=postgres",
            hosts.join(","),
            ports.join(",")
        )
    };
    let fits = "cannot connect to any host:";
    let (at_p, at_s) = (p.socket_path(), s.socket_path());
    for (servers, attribute, expected) in [
        ([p, s], "any", at_p.clone()),
        ([s, p], "any", at_s.clone()),
        ([s, p], "primary", at_p.clone()),
        ([s, p], "read-write", at_p.clone()),
        ([p, s], "standby", at_s.clone()),
        ([p, s], "read-only", at_s.clone()),
        ([p, s], "prefer-standby", at_s.clone()),
        ([p, p], "prefer-standby", at_p.clone()),
        (
            [p, p],
            "standby",
            format!("{fits} {at_p}: server is not a standby"),
        ),
        (
            [s, s],
            "primary",
            format!("{fits} {at_s}: server is a standby"),
        ),
        (
            [s, s],
            "read-write",
            format!("{fits} {at_s}: session is read-only"),
        ),
        (
            [p, p],
            "read-only",
            format!("{fits} {at_p}: session is not read-only"),
        ),
    ] {
        let conninfo = format!("{} target_session_attrs={attribute}", list(&servers));
        let said = match open(&conninfo).await {
            Ok(connection) => connection.endpoint().to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(said, expected, "{attribute}");
    }
    // A host that is down is passed over; one that refuses the password is not.
    let port = primary.port;
    let down = format!("host=127.0.0.1,127.0.0.1 port={closed},{port} user=app dbname=postgres");
    assert_eq!(outcome(&format!("{down} password=right")).await, "ok");
    let refused = format!(
        "host=127.0.0.1,{} port={port},{port} user=app dbname=postgres password=wrong",
        primary.directory.display()
    );
    assert_eq!(
        outcome(&refused).await,
        format!(
            "Refused: cannot connect to 127.0.0.1:{port}: password authentication failed for user \"app\" | the password came from connection string"
        )
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

/// Something that answers startup messages by itself: these bytes, or, when they are empty, as a pooler that passes everything
/// to the real server except sessions with options, which it refuses in `PgBouncer`'s words.
pub(crate) async fn answering(reply: Vec<u8>, server: PathBuf) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("bind");
    let port = listener.local_addr().expect("address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, reply.clone(), server.clone()));
        }
    });
    port
}

async fn answer(mut client: TcpStream, mut reply: Vec<u8>, server: PathBuf) -> std::io::Result<()> {
    let startup = loop {
        let length = client.read_u32().await?;
        let mut rest = vec![0; length as usize - 4];
        client.read_exact(&mut rest).await?;
        // The request for TLS is just this number; a cancel request has one of its own and is passed on.
        if rest != 80_877_103_u32.to_be_bytes() {
            break [&length.to_be_bytes()[..], &rest].concat();
        }
        client.write_all(b"N").await?;
    };
    if reply.is_empty() && startup.windows(9).any(|w| w == b"\0options\0") {
        reply = error_response("08P01", "unsupported startup parameter: options");
    }
    if !reply.is_empty() {
        return client.write_all(&reply).await;
    }
    let mut upstream = UnixStream::connect(server).await?;
    upstream.write_all(&startup).await?;
    tokio::io::copy_bidirectional(&mut client, &mut upstream)
        .await
        .map(|_| ())
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("short");
    [&[tag], &length.to_be_bytes()[..], body].concat()
}

fn error_response(code: &str, text: &str) -> Vec<u8> {
    message(b'E', format!("SFATAL\0C{code}\0M{text}\0\0").as_bytes())
}

/// A server that lets everybody in and says that it is of this version.
fn welcome(version: &str) -> Vec<u8> {
    let parameter = format!("server_version\0{version}\0");
    [
        message(b'R', &[0; 4]),
        message(b'S', parameter.as_bytes()),
        message(b'Z', b"I"),
    ]
    .concat()
}

#[tokio::test]
async fn poolers_get_no_session_settings() {
    let server = Server::start("local all all trust", &[]);
    let port = answering(Vec::new(), PathBuf::from(server.socket_path())).await;
    let pooled = format!("host=127.0.0.1 port={port} user=postgres dbname=postgres");
    let connection = open(&pooled).await.expect("open");
    assert!(connection.is_pooled());
    // Alone, a statement has the limits with it, and they are gone after it.
    assert_eq!(value(&connection, "show lock_timeout").await, "200ms");
    let results = connection
        .simple("select 1; select 2")
        .await
        .expect("batch");
    assert_eq!(results.len(), 2);
    let error = connection
        .simple("create table t (a int)")
        .await
        .expect_err("read-only");
    assert_eq!(error.sqlstate.as_deref(), Some("25006"));
    let rows: Vec<BTreeMap<String, String>> = connection
        .rows("select current_setting('statement_timeout') as limit", &[])
        .await
        .expect("rows");
    assert_eq!(rows[0]["limit"], "30s");
    connection.begin().await.expect("begin");
    assert_eq!(
        value(&connection, "show transaction_isolation").await,
        "repeatable read"
    );
    connection.end().await.expect("end");
    // A transaction that is opened, breaks and is cleaned up by batches.
    let broken = connection
        .simple("begin isolation level repeatable read read only; savepoint a; select nowhere")
        .await;
    assert!(broken.is_err());
    let results = connection
        .simple("rollback to savepoint a; show lock_timeout")
        .await
        .expect("as it is, without anything before it");
    assert_eq!(results[1].rows[0][0].as_deref(), Some("200ms"));
    connection
        .simple("select 1; rollback")
        .await
        .expect("rollback");
    assert_eq!(
        value(&connection, "show transaction_isolation").await,
        "read committed"
    );
    // What the session itself would hand on to the next client of the pooler.
    for (setting, expected) in [
        ("lock_timeout", "0"),
        ("statement_timeout", "0"),
        ("default_transaction_read_only", "off"),
    ] {
        assert_eq!(
            value(&connection, &format!("commit; show {setting}")).await,
            expected,
            "{setting}"
        );
    }
}

#[tokio::test]
async fn servers_that_cannot_be_used() {
    let server = Server::start("local all all trust", &[]);
    let starting = error_response("57P03", "the database system is starting up");
    let full = error_response("53300", "sorry, too many clients already");
    for (reply, expected) in [
        (
            starting.clone(),
            "Unreachable: the database system is starting up | the server is starting up, shutting down or in recovery: try again shortly",
        ),
        (
            full,
            "Refused: sorry, too many clients already | wait until sessions end, or raise max_connections (or the role's or database's CONNECTION LIMIT)",
        ),
        (
            welcome("12.22"),
            "Refused: PostgreSQL 12.22 is too old | pgperf works with PostgreSQL 13 and newer",
        ),
        (
            welcome("8.0.2"),
            "Refused: PostgreSQL 8.0.2 is too old | pgperf works with PostgreSQL 13 and newer",
        ),
        (
            welcome("1.18.0/bouncer"),
            "Refused: this is PgBouncer's own console, not a database | name a database that PgBouncer serves",
        ),
        (
            welcome("unknown"),
            "Refused: not a PostgreSQL server: it calls its version \"unknown\" | ",
        ),
        (
            error_response("08P01", "no such database: x"),
            "Refused: no such database: x | list the databases with psql -l; name one with -d",
        ),
        (
            message(b'R', &[0, 0, 0, 7]),
            "Refused: authentication failed: unsupported authentication method | ",
        ),
        (
            message(b'R', &[0; 4]),
            "Unreachable: connection was closed before a server answered | is that the port of a PostgreSQL server?",
        ),
    ] {
        let port = answering(reply, PathBuf::new()).await;
        let said = outcome(&format!("host=127.0.0.1 port={port} user=u dbname=x")).await;
        let place = format!("cannot connect to 127.0.0.1:{port}: ");
        assert_eq!(said.replace(&place, ""), expected);
    }
    // A server that is just starting is passed over.
    let port = answering(starting, PathBuf::new()).await;
    let directory = server.directory.display();
    let both = format!(
        "host=127.0.0.1,{directory} port={port},{} user=postgres",
        server.port
    );
    assert_eq!(outcome(&both).await, "ok");
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
