//! Servers for tests: which there are, one running server a major version for the whole test process, a database a test.
#![allow(dead_code, reason = "each test module uses its part")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use pgperf::model::snapshot::Snapshot;
use pgperf::pg::collect::{CollectOptions, collect};
use pgperf::pg::connect::{ConnectOptions, Connection, Target};
use pgperf::pg::local::{Installation, LocalOptions, LocalServer, installations};
use tokio::sync::OnceCell;
use tokio::task::JoinSet;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

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

/// A major version whose installation has `HypoPG`: which one that is, the system's packages decide.
///
/// # Panics
/// When none has it.
pub(crate) fn hypopg_major() -> u32 {
    let servers = servers();
    let has = servers.iter().find(|i| i.has_extension("hypopg"));
    has.expect("no PostgreSQL with HypoPG found; run tests/servers (Debian: apt install postgresql-<major>-hypopg)")
        .major()
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
    static RUNNING: ByMajor<LocalServer> = ByMajor::new();
    let start = async {
        LocalServer::start(&installation(major), &options())
            .await
            .unwrap()
    };
    RUNNING.get(major, start).await
}

/// Things that are made once a major version.
struct ByMajor<T: 'static>(Mutex<BTreeMap<u32, &'static OnceCell<T>>>);

impl<T> ByMajor<T> {
    const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    async fn get(&self, major: u32, make: impl Future<Output = T>) -> &'static T {
        let cell: &'static OnceCell<T> = self
            .0
            .lock()
            .unwrap()
            .entry(major)
            .or_insert_with(|| Box::leak(Box::default()));
        cell.get_or_init(|| make).await
    }
}

/// What the shared servers run with. Autovacuum is on, as anywhere, but never comes: it would take new samples of a table
/// between two questions of a test, and hold back what a VACUUM beside it may see.
pub(crate) fn options() -> LocalOptions {
    let settings = [("jit", "off"), ("autovacuum_naptime", "7d")];
    LocalOptions {
        preload: vec!["pg_stat_statements".to_owned()],
        settings: settings
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
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

/// The database with the sample shop on the shared server of a major version, after its traffic: its conninfo. Everybody's:
/// to be read only.
pub(crate) async fn shop(major: u32) -> &'static str {
    static LOADED: ByMajor<String> = ByMajor::new();
    LOADED
        .get(
            major,
            Box::pin(async {
                let conninfo = database(major).await;
                load_shop(&conninfo).await;
                shop_traffic(&conninfo).await;
                conninfo
            }),
        )
        .await
}

/// Keeps what the tests do themselves out of the figures.
const UNTRACKED: &str = "set pg_stat_statements.track = 'none'";

/// Makes the shop of a database, before its traffic.
pub(crate) async fn load_shop(conninfo: &str) {
    let session = client(conninfo).await;
    for script in [
        UNTRACKED,
        "create extension pg_stat_statements",
        include_str!("../../testdata/shop/schema.sql"),
        include_str!("../../testdata/shop/data.sql"),
        "select pg_stat_reset()",
        // Enough to sample whole tables: statistics by chance would make advice by chance.
        "set default_statistics_target = 1000",
    ] {
        session.batch_execute(script).await.unwrap();
    }
    vacuum_analyze(&session).await;
}

/// Tables some of whose pages are not known to be visible to all, and who may be holding that back.
const NOT_ALL_VISIBLE: &str = "
    select c.oid::regclass::text || ': ' || c.relallvisible || ' of ' || c.relpages || ' pages; ' ||
        (select coalesce(string_agg(concat_ws(' ', pid, datname, backend_type, backend_xid, backend_xmin, query), '; '), '')
         from pg_stat_activity where backend_xmin is not null or backend_xid is not null)
    from pg_class c
    where c.relkind in ('r', 'm') and c.relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
        and c.relallvisible < c.relpages";

/// VACUUM ANALYZE, until every page is known to be visible to all: which index a plan has hangs on that. A session that just
/// starts, in whichever database, holds a snapshot that may be older than the rows, and VACUUM leaves them for the next time.
pub(crate) async fn vacuum_analyze(session: &Client) {
    let patience = Instant::now() + Duration::from_secs(120);
    loop {
        session.batch_execute("vacuum analyze").await.unwrap();
        let held = session.query(NOT_ALL_VISIBLE, &[]).await.unwrap();
        let Some(first) = held.first() else {
            return;
        };
        assert!(
            Instant::now() < patience,
            "rows stay invisible to some: {}",
            first.get::<_, String>(0)
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A while of the shop's traffic, which can come again.
pub(crate) async fn shop_traffic(conninfo: &str) {
    let session = client(conninfo).await;
    // As psql does: each query writes statements, which are run.
    for generator in include_str!("../../testdata/shop/workload.sql").split("\n\\gexec") {
        session.batch_execute(UNTRACKED).await.unwrap();
        let written = session.simple_query(generator).await.unwrap();
        session
            .batch_execute("set pg_stat_statements.track = 'top'")
            .await
            .unwrap();
        for message in written {
            if let SimpleQueryMessage::Row(statement) = message {
                session
                    .batch_execute(statement.get(0).unwrap())
                    .await
                    .unwrap();
            }
        }
    }
}

/// Runs one test on every version, as many at once as there are processors.
pub(crate) async fn on_each_version<F>(test: impl Fn(u32) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    let mut running = JoinSet::new();
    for installation in servers() {
        if running.len() >= at_once {
            running.join_next().await.unwrap().unwrap();
        }
        running.spawn(test(installation.major()));
    }
    running.join_all().await;
}

/// A plain connection for setting things up, unprotected on purpose.
pub(crate) async fn client(conninfo: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(conninfo, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// What pgperf sees of a database, without its statements.
pub(crate) async fn snapshot(conninfo: &str) -> Snapshot {
    seen(conninfo, false).await
}

/// What pgperf sees of a database, statements included.
pub(crate) async fn shown(conninfo: &str) -> Snapshot {
    seen(conninfo, true).await
}

async fn seen(conninfo: &str, statements: bool) -> Snapshot {
    let options = ConnectOptions {
        dbname: Some(conninfo.to_owned()),
        ..ConnectOptions::default()
    };
    let (target, _) = Target::resolve(&options, &|_| None).unwrap();
    let connection = Connection::open(&target).await.unwrap();
    let options = CollectOptions {
        statements,
        ..CollectOptions::default()
    };
    collect(&connection, &options).await.unwrap()
}
