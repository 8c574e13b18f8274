//! Connecting: every way in, and every way in which it is refused, on a real server.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

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
        client.batch_execute(sql).await.expect("set-up");
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
        let shown = value(&connection, &format!("show {setting}")).await;
        assert_eq!(shown, expected, "{setting}");
    }
    let error = connection.simple("create table t (a int)").await;
    let error = error.expect_err("must be read-only");
    assert_eq!(error.sqlstate.as_deref(), Some("25006"));
    assert!(connection.server_version_num() >= 130_000);
    assert!(!connection.is_pooled());
}
