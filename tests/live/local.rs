//! Throwaway servers start, stop and leave nothing behind.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use pgperf::pg::error::Kind;
use pgperf::pg::local::{Installation, LocalOptions, LocalServer, sweep};

use super::support::{client, servers};

/// Where the version does not matter.
fn any() -> Installation {
    servers().remove(0)
}

async fn version_num(server: &LocalServer) -> u32 {
    let client = client(&server.conninfo("postgres")).await;
    let row = client
        .query_one("SHOW server_version_num", &[])
        .await
        .unwrap();
    row.get::<_, &str>(0).parse().unwrap()
}

/// Gone: the directory, and the process that was its postmaster.
fn assert_gone(socket_dir: &Path, pid: u32) {
    assert!(
        !socket_dir.parent().unwrap().exists(),
        "{} is left",
        socket_dir.display()
    );
    let process = PathBuf::from(format!("/proc/{pid}/cmdline"));
    let arguments = std::fs::read(process).unwrap_or_default();
    assert!(arguments.is_empty(), "process {pid} still runs");
}

#[tokio::test]
async fn every_version_starts_answers_and_is_removed() {
    for installation in servers() {
        let server = LocalServer::start(&installation, &LocalOptions::default())
            .await
            .unwrap();
        assert_eq!(version_num(&server).await, installation.version_num);
        let (socket_dir, pid) = (server.socket_dir(), server.pid().unwrap());
        server.stop().await;
        assert_gone(&socket_dir, pid);
    }
}

#[tokio::test]
async fn two_at_once_do_not_meet() {
    let (first, second) = tokio::join!(
        async {
            LocalServer::start(&any(), &LocalOptions::default())
                .await
                .unwrap()
        },
        async {
            LocalServer::start(&any(), &LocalOptions::default())
                .await
                .unwrap()
        },
    );
    assert_ne!(first.socket_dir(), second.socket_dir());
    let (socket_dir, pid) = (first.socket_dir(), first.pid().unwrap());
    first.stop().await;
    assert_gone(&socket_dir, pid);
    assert_eq!(version_num(&second).await, any().version_num);
}

#[tokio::test]
async fn dropping_is_stopping() {
    let server = LocalServer::start(&any(), &LocalOptions::default())
        .await
        .unwrap();
    let (socket_dir, pid) = (server.socket_dir(), server.pid().unwrap());
    let client = client(&server.conninfo("postgres")).await;
    // A connection that is still open must not hold it up.
    drop(server);
    assert_gone(&socket_dir, pid);
    assert!(client.simple_query("SELECT 1").await.is_err());
}

#[tokio::test]
async fn settings_and_libraries_arrive_and_unknown_libraries_are_left_out() {
    let options = LocalOptions {
        settings: vec![("work_mem".to_owned(), "12MB".to_owned())],
        preload: vec![
            "no_such_library".to_owned(),
            "pg_stat_statements".to_owned(),
        ],
        ..LocalOptions::default()
    };
    let server = LocalServer::start(&any(), &options).await.unwrap();
    assert_eq!(server.preloaded(), ["pg_stat_statements"]);
    let client = client(&server.conninfo("postgres")).await;
    let shown = client.query_one("SHOW work_mem", &[]).await.unwrap();
    assert_eq!(shown.get::<_, &str>(0), "12MB");
    client
        .batch_execute(
            "CREATE EXTENSION pg_stat_statements; SELECT count(*) FROM pg_stat_statements",
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn tcp_only_on_request_and_only_with_a_password() {
    let silent = LocalServer::start(&any(), &LocalOptions::default())
        .await
        .unwrap();
    let sql = client(&silent.conninfo("postgres")).await;
    let listen = sql.query_one("SHOW listen_addresses", &[]).await.unwrap();
    assert_eq!(listen.get::<_, &str>(0), "");

    let options = LocalOptions {
        tcp: true,
        ..LocalOptions::default()
    };
    let server = LocalServer::start(&any(), &options).await.unwrap();
    let sql = client(&server.conninfo("postgres")).await;
    sql.batch_execute("CREATE ROLE shopkeeper LOGIN PASSWORD 'secret'")
        .await
        .unwrap();
    let login = |password| {
        format!(
            "host=127.0.0.1 port={} user=shopkeeper dbname=postgres password={password}",
            server.port()
        )
    };
    assert!(
        tokio_postgres::connect(&login("secret"), tokio_postgres::NoTls)
            .await
            .is_ok()
    );
    assert!(
        tokio_postgres::connect(&login("wrong"), tokio_postgres::NoTls)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_server_that_does_not_start_says_why() {
    let options = LocalOptions {
        settings: vec![("no_such_setting".to_owned(), "1".to_owned())],
        ..LocalOptions::default()
    };
    let error = LocalServer::start(&any(), &options).await.unwrap_err();
    assert_eq!(error.kind, Kind::Local);
    assert!(
        error
            .message
            .contains("unrecognized configuration parameter \"no_such_setting\""),
        "{error}"
    );

    let nowhere = Installation {
        bin_dir: PathBuf::from("/no such directory"),
        ..any()
    };
    let error = LocalServer::start(&nowhere, &LocalOptions::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::Local);
    assert!(error.message.contains("/no such directory"), "{error}");
}

#[tokio::test]
async fn a_cancelled_start_leaves_nothing() {
    let parent = Parent::new("cancelled");
    let options = parent.options();
    let installation = any();
    let start = LocalServer::start(&installation, &options);
    // initdb alone takes longer than this.
    let cancelled = tokio::time::timeout(Duration::from_millis(200), start).await;
    assert!(cancelled.is_err());
    assert_eq!(parent.entries(), [""; 0]);
}

#[tokio::test]
async fn a_path_with_spaces_and_quotes() {
    let parent = Parent::new("it's a path");
    let server = LocalServer::start(&any(), &parent.options()).await.unwrap();
    assert_eq!(version_num(&server).await, any().version_num);
    server.stop().await;
    assert_eq!(parent.entries(), [""; 0]);
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_is_refused_before_anything_happens() {
    let parent = Parent::new(&"long".repeat(20));
    let error = LocalServer::start(&any(), &parent.options())
        .await
        .unwrap_err();
    assert!(
        error.message.contains("too long for a Unix socket"),
        "{error}"
    );
    assert_eq!(parent.entries(), [""; 0]);
}

#[tokio::test]
async fn sweeping_spares_what_lives_and_what_is_not_ours() {
    let parent = Parent::new("sweep");
    let server = LocalServer::start(&any(), &parent.options()).await.unwrap();
    // Our name without our marker; our marker without our name; our name and marker, left by nobody who lives.
    std::fs::create_dir(parent.path.join("pgperf-notours")).unwrap();
    for name in ["other", "pgperf-leftover"] {
        std::fs::create_dir(parent.path.join(name)).unwrap();
        std::fs::write(parent.path.join(name).join(".pgperf-throwaway-server"), "").unwrap();
    }
    let living = server
        .socket_dir()
        .parent()
        .unwrap()
        .file_name()
        .unwrap()
        .to_owned();
    sweep(Some(&parent.path));
    let mut expected = vec![
        living.into_string().unwrap(),
        "other".to_owned(),
        "pgperf-notours".to_owned(),
    ];
    expected.sort();
    assert_eq!(parent.entries(), expected);
    assert_eq!(version_num(&server).await, any().version_num);
}

/// A directory of its own for one test's servers.
pub(super) struct Parent {
    pub(super) path: PathBuf,
}

impl Parent {
    pub(super) fn new(name: &str) -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let serial = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("{name}-{}-{serial}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Self { path }
    }

    fn options(&self) -> LocalOptions {
        LocalOptions {
            parent: Some(self.path.clone()),
            ..LocalOptions::default()
        }
    }

    pub(super) fn entries(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.path).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
