//! The observed server: many statements with long texts, many tables, and a little load.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pgperf::pg::local::{LocalOptions, LocalServer, installations};
use tokio_postgres::{Client, NoTls};

const TABLES: usize = 2000;
const STATEMENTS: usize = 5000;
/// So long is a text, so that all are 14 MB.
const TEXT: usize = 2800;
/// Statements that are executed while it is watched.
const BUSY: usize = 50;

/// The server.
pub(crate) struct Server {
    local: LocalServer,
    session: Client,
    load: Arc<AtomicBool>,
}

/// What the watcher's statements have taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spent {
    pub(crate) ms: f64,
    pub(crate) calls: f64,
    pub(crate) temp_blocks: f64,
}

impl Spent {
    pub(crate) fn minus(&self, earlier: &Self) -> Self {
        Self {
            ms: self.ms - earlier.ms,
            calls: self.calls - earlier.calls,
            temp_blocks: self.temp_blocks - earlier.temp_blocks,
        }
    }
}

async fn connect(conninfo: &str) -> Client {
    let (session, connection) = tokio_postgres::connect(conninfo, NoTls).await.unwrap();
    tokio::spawn(connection);
    session
}

/// A statement with a comment that makes it long; which of them it is shows in its conditions.
fn statement(number: usize) -> String {
    let conditions = "or id = 1 ".repeat(number / TABLES);
    let text = format!(
        "select id from plain_{} where id = 7 {conditions}",
        number % TABLES
    );
    format!("{text}/* {} */", "pad ".repeat((TEXT - text.len()) / 4))
}

impl Server {
    pub(crate) async fn start(major: Option<u32>) -> Self {
        let wanted = installations()
            .into_iter()
            .find(|i| major.is_none_or(|m| i.major() == m));
        let options = LocalOptions {
            preload: vec!["pg_stat_statements".to_owned()],
            settings: vec![
                ("pg_stat_statements.max".to_owned(), "10000".to_owned()),
                ("autovacuum".to_owned(), "off".to_owned()),
            ],
            ..LocalOptions::default()
        };
        let local = LocalServer::start(&wanted.expect("a server"), &options)
            .await
            .unwrap();
        let postgres = connect(&local.conninfo("postgres")).await;
        postgres
            .batch_execute("create role watcher login in role pg_monitor")
            .await
            .unwrap();
        postgres
            .batch_execute("create database bench")
            .await
            .unwrap();
        let session = connect(&local.conninfo("bench")).await;
        session
            .batch_execute(
                "create extension pg_stat_statements; set pg_stat_statements.track = 'none'",
            )
            .await
            .unwrap();
        for table in 0..TABLES {
            let sql = format!("create table plain_{table} (id int primary key, other int unique)");
            session.batch_execute(&sql).await.unwrap();
        }
        let worker = connect(&local.conninfo("bench")).await;
        for number in 0..STATEMENTS {
            worker.batch_execute(&statement(number)).await.unwrap();
        }
        let load = Arc::new(AtomicBool::new(true));
        let goes_on = Arc::clone(&load);
        tokio::spawn(async move {
            let mut number = 0;
            while goes_on.load(Ordering::Relaxed) {
                let _ = worker.batch_execute(&statement(number % BUSY)).await;
                number += 1;
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        });
        Self {
            local,
            session,
            load,
        }
    }

    /// A session of the role that watches.
    pub(crate) async fn watcher(&self) -> Client {
        let conninfo = self.local.conninfo("bench");
        connect(&conninfo.replace("user=postgres", "user=watcher")).await
    }

    /// What it is.
    pub(crate) async fn describe(&self) -> String {
        let sql = "select format('PostgreSQL %s: %s statements, %s MB of texts, %s tables; ', current_setting('server_version'),
            count(*), round(sum(length(query)) / 1e6, 1), (select count(*) from pg_class where relkind = 'r' and relname like 'plain%'))
            from pg_stat_statements";
        let server: String = self.session.query_one(sql, &[]).await.unwrap().get(0);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        format!("{server}{cores} cores")
    }

    /// What the watcher's statements have taken so far.
    pub(crate) async fn spent(&self) -> Spent {
        let sql = "select coalesce(sum(s.total_exec_time + s.total_plan_time), 0)::float8, coalesce(sum(s.calls), 0)::float8,
            coalesce(sum(s.temp_blks_written), 0)::float8
            from pg_stat_statements(false) s where s.userid = 'watcher'::regrole";
        let row = self.session.query_one(sql, &[]).await.unwrap();
        Spent {
            ms: row.get(0),
            calls: row.get(1),
            temp_blocks: row.get(2),
        }
    }

    /// The watcher's statements since they were asked for last, the dearest first: calls, mean and least time.
    pub(crate) async fn parts(&self) -> String {
        let sql = "select s.calls, s.mean_exec_time, s.min_exec_time, s.rows / s.calls,
                left(regexp_replace(s.query, '.*(pgperf \\*/|select) *(-- )?', ''), 60),
                pg_stat_statements_reset(s.userid, s.dbid, s.queryid) is not null
            from pg_stat_statements s where s.userid = 'watcher'::regrole order by s.total_exec_time desc";
        let rows = self.session.query(sql, &[]).await.unwrap();
        let line = |row: &tokio_postgres::Row| {
            let (calls, rows): (i64, i64) = (row.get(0), row.get(3));
            let (mean, least): (f64, f64) = (row.get(1), row.get(2));
            let text: String = row.get(4);
            format!(
                "    {calls:>5} x {mean:>7.2} ms, at least {least:>6.2}, {rows:>5} rows: {text}"
            )
        };
        let lines: Vec<String> = rows.iter().map(line).collect();
        lines.join("\n")
    }

    /// The file of its socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.local
            .socket_dir()
            .join(format!(".s.PGSQL.{}", self.local.port()))
    }

    pub(crate) async fn stop(self) {
        self.load.store(false, Ordering::Relaxed);
        self.local.stop().await;
    }
}
