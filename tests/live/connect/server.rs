//! Servers to connect to, of the system's packages: any `pg_hba.conf`, TLS, standbys, restarts.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use pgperf::pg::local::Installation;

use super::{open, value};
use crate::live::support;

/// PostgreSQL refuses to run as root, so root becomes this user (`nobody`).
pub(super) const NOBODY: u32 = 65_534;

/// The programs of the server. Packages of the system have all of them, with TLS; `HypoPG` comes from there too.
pub(super) fn installation() -> Installation {
    support::installation(support::hypopg_major())
}

/// A throwaway server on a socket in its own directory and on a port of 127.0.0.1.
pub(crate) struct Server {
    pub(super) directory: PathBuf,
    pub(super) port: u16,
}

impl Server {
    /// Starts one. `hba` is its whole `pg_hba.conf`, in which `DIR` stands for its directory, as in `settings`.
    pub(crate) fn start(hba: &str, settings: &[&str]) -> Self {
        let server = Self::prepare(hba, settings);
        server.launch();
        server
    }

    /// Makes one without starting it.
    pub(super) fn prepare(hba: &str, settings: &[&str]) -> Self {
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

    pub(super) fn launch(&self) {
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
    pub(super) fn append(&self, setting: &str) {
        let path = self.directory.join("data/postgresql.conf");
        let mut lines = fs::read_to_string(&path).expect("postgresql.conf");
        lines.push_str(&setting.replace("DIR", &self.directory.to_string_lossy()));
        lines.push('\n');
        fs::write(path, lines).expect("postgresql.conf");
    }

    /// Makes the postmaster read its files again, and waits until new sessions show that it has.
    pub(super) async fn reload(&self) {
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
    pub(super) async fn sql(&self, sql: &str) {
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

pub(super) fn new_directory() -> PathBuf {
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

pub(super) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    listener.local_addr().expect("address").port()
}

pub(super) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

pub(super) fn succeeded(command: &mut Command) -> Output {
    let output = command.output().expect("program");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {text}");
    output
}
