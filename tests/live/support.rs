//! Servers for tests: which there are, one running server a major version for the whole test process, a database a test.
#![allow(dead_code, reason = "each test module uses its part")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

use pgperf::pg::local::{Installation, LocalOptions, LocalServer, installations};
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};

/// The versions that pgperf supports.
const MAJORS: std::ops::RangeInclusive<u32> = 13..=18;

/// One installation a supported major version, oldest first. `PGPERF_TEST_MAJORS=15,18` narrows it.
///
/// # Panics
/// When one is missing: a run that silently tests less would look like one that passed.
pub(crate) fn servers() -> Vec<Installation> {
    static FOUND: OnceLock<Vec<Installation>> = OnceLock::new();
    FOUND.get_or_init(find).clone()
}

/// The installation of one major version.
pub(crate) fn installation(major: u32) -> Installation {
    servers()
        .into_iter()
        .find(|installation| installation.major() == major)
        .unwrap_or_else(|| panic!("PostgreSQL {major} is excluded by PGPERF_TEST_MAJORS"))
}

fn find() -> Vec<Installation> {
    let wanted: Vec<u32> = match std::env::var("PGPERF_TEST_MAJORS") {
        Ok(list) => list
            .split(',')
            .map(|major| {
                major
                    .trim()
                    .parse()
                    .expect("PGPERF_TEST_MAJORS is a list like 15,18")
            })
            .collect(),
        Err(_) => MAJORS.collect(),
    };
    let mut by_major = BTreeMap::new();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join(".servers");
    let prepared =
        MAJORS.filter_map(|major| Installation::at(&own.join(major.to_string()).join("bin")));
    for installation in prepared.chain(installations()) {
        by_major.entry(installation.major()).or_insert(installation);
    }
    wanted
        .iter()
        .map(|major| {
            by_major.remove(major).unwrap_or_else(|| {
                panic!("no PostgreSQL {major} found; run tests/servers, or set PGPERF_TEST_MAJORS to test with less")
            })
        })
        .collect()
}

/// The running server of a major version, started by the first test that asks. Statics are never dropped: it is the
/// server's keeper that ends it together with the test process.
pub(crate) async fn server(major: u32) -> &'static LocalServer {
    static RUNNING: Mutex<BTreeMap<u32, &'static OnceCell<LocalServer>>> =
        Mutex::new(BTreeMap::new());
    let cell = *RUNNING
        .lock()
        .unwrap()
        .entry(major)
        .or_insert_with(|| Box::leak(Box::new(OnceCell::new())));
    cell.get_or_init(|| async {
        LocalServer::start(&installation(major), &options())
            .await
            .unwrap()
    })
    .await
}

/// What the shared servers run with.
pub(crate) fn options() -> LocalOptions {
    LocalOptions {
        preload: vec!["pg_stat_statements".to_owned()],
        ..LocalOptions::default()
    }
}

/// A new, empty database on the shared server of a major version: its conninfo, as superuser.
pub(crate) async fn database(major: u32) -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let server = server(major).await;
    let name = format!("test_{}", COUNTER.fetch_add(1, Ordering::Relaxed));
    let postgres = client(&server.conninfo("postgres")).await;
    postgres
        .batch_execute(&format!("CREATE DATABASE {name}"))
        .await
        .unwrap();
    server.conninfo(&name)
}

/// A plain connection for setting things up, unprotected on purpose.
pub(crate) async fn client(conninfo: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(conninfo, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
