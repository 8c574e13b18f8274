//! The server of the benchmark: started, filled, and asked what pgperf cost it.

use pgperf::pg::local::{Installation, LocalOptions, LocalServer, installations};
use tokio_postgres::{Client, NoTls};

use crate::fleet::{self, SCHEMAS};
use crate::random::Random;
use crate::statements::{STATEMENTS, executions};

/// Name of the filled database. What the benchmark itself asks, it asks in `postgres`, so that it is no part of the workload.
const DATABASE: &str = "fleet";

/// Runs pgperf as a role that may see everything and is no superuser: a superuser's what-if questions are not counted in
/// `pg_stat_statements`, because pgperf switches that off where it may.
const ROLE: &str = "watcher";

/// What a group of pgperf's own statements cost the server.
#[derive(Debug)]
pub(crate) struct Share {
    pub(crate) group: String,
    pub(crate) calls: i64,
    pub(crate) ms: f64,
}

/// A running server with the fleet on it.
pub(crate) struct Server {
    pub(crate) local: LocalServer,
    pub(crate) hypopg: bool,
    client: Client,
}

/// The wanted major version, else one that has `HypoPG`, else the newest.
pub(crate) fn installation(major: Option<u32>) -> Option<Installation> {
    let all = installations();
    let wanted = |i: &&Installation| major.is_none_or(|m| i.major() == m);
    let best = all
        .iter()
        .filter(wanted)
        .find(|i| i.has_extension("hypopg"));
    best.or_else(|| all.iter().find(wanted)).cloned()
}

impl Server {
    /// Starts it and fills it with so many tables.
    pub(crate) async fn start(installation: &Installation, tables: usize) -> Self {
        let settings = [
            ("pg_stat_statements.max", "100000"),
            ("pg_stat_statements.track", "all"),
            ("pg_stat_statements.track_utility", "on"),
            ("pg_stat_statements.track_planning", "on"),
            ("shared_buffers", "256MB"),
        ];
        let options = LocalOptions {
            settings: settings.map(|(n, v)| (n.into(), v.into())).into(),
            preload: vec!["pg_stat_statements".into()],
            ..LocalOptions::default()
        };
        let local = LocalServer::start(installation, &options)
            .await
            .expect("a server starts");
        let client = connect(&local, "postgres").await;
        run(&client, "CREATE EXTENSION pg_stat_statements").await;
        run(&client, &format!("CREATE DATABASE {DATABASE}")).await;
        let filled = connect(&local, DATABASE).await;
        run(&filled, "CREATE EXTENSION pg_stat_statements").await;
        let hypopg = filled
            .batch_execute("CREATE EXTENSION hypopg")
            .await
            .is_ok();
        let server = Self {
            local,
            hypopg,
            client,
        };
        server.fill(&filled, tables).await;
        server
    }

    /// How pgperf connects.
    pub(crate) fn conninfo(&self) -> String {
        self.local
            .conninfo(DATABASE)
            .replace("user=postgres", &format!("user={ROLE}"))
    }

    async fn fill(&self, filled: &Client, count: usize) {
        let mut random = Random(1);
        let tables = fleet::tables(&mut random, count);
        for statement in fleet::script(&tables) {
            run(filled, &statement).await;
        }
        let schemas = SCHEMAS.join(", ");
        run(
            filled,
            &format!(
                "CREATE ROLE {ROLE} LOGIN; GRANT pg_monitor TO {ROLE};
                GRANT USAGE ON SCHEMA {schemas} TO {ROLE};
                GRANT ALL ON ALL TABLES IN SCHEMA public, {schemas} TO {ROLE}"
            ),
        )
        .await;
        run(filled, "VACUUM ANALYZE").await;
        run(&self.client, "SELECT pg_stat_statements_reset()").await;
        for statement in executions(&mut random, &tables) {
            run(filled, &statement).await;
        }
        let count = format!(
            "SELECT count(*) FROM pg_stat_statements AS s JOIN pg_database AS d ON d.oid = s.dbid
             WHERE d.datname = '{DATABASE}' AND coalesce((to_jsonb(s) ->> 'toplevel')::boolean, true)"
        );
        let statements: i64 = row(&self.client, &count).await.get(0);
        run(&self.client, &remember_workload()).await;
        let count = "SELECT count(DISTINCT indrelid), count(*) FROM pg_index
             WHERE indrelid >= 16384 AND indrelid IN (SELECT oid FROM pg_class WHERE relkind = 'r')";
        let counts = row(filled, count).await;
        let made = (statements, counts.get::<_, i64>(0), counts.get::<_, i64>(1));
        let wanted = [STATEMENTS, tables.len(), 4 * tables.len()]
            .map(|n| i64::try_from(n).expect("it is small"));
        assert_eq!(made, wanted.into(), "statements, tables, indexes");
    }

    /// What pgperf's statements cost since [`forget`](Self::forget), most first. What-if questions need more than EXPLAIN, so
    /// that is a group of its own. (PREPARE and EXECUTE are never counted by `pg_stat_statements`.)
    pub(crate) async fn shares(&self) -> Vec<Share> {
        self.figures(&format!(
            "SELECT CASE WHEN {IS_EXPLAIN} THEN 'EXPLAIN' WHEN query ~* 'hypopg' THEN 'hypopg'
                WHEN query LIKE '%/* pgperf */%' THEN 'other' ELSE 'unmarked' END,
                sum(calls)::bigint, sum(ms)
            FROM own WHERE toplevel GROUP BY 1 ORDER BY 3 DESC"
        ))
        .await
    }

    /// pgperf's dearest statements besides EXPLAIN.
    pub(crate) async fn dearest(&self) -> Vec<Share> {
        self.figures(&format!(
            "SELECT left(regexp_replace(query, '\\s+', ' ', 'g'), 160), calls, ms
            FROM own WHERE toplevel AND NOT {IS_EXPLAIN} ORDER BY 3 DESC LIMIT 8"
        ))
        .await
    }

    async fn figures(&self, query: &str) -> Vec<Share> {
        let rows = self.client.query(query, &[]).await.expect("figures");
        rows.iter()
            .map(|row| Share {
                group: row.get(0),
                calls: row.get(1),
                ms: row.get(2),
            })
            .collect()
    }

    /// Forgets pgperf's own statements, so that every run finds the same workload.
    pub(crate) async fn forget(&self) {
        let query =
            "SELECT pg_stat_statements_reset(userid, dbid, queryid) FROM own WHERE queryid <> 0";
        run(&self.client, query).await;
    }
}

/// Whether `query` is one: comments may stand before it.
const IS_EXPLAIN: &str = "query ~* '^(/\\*.*?\\*/|\\s)*explain'";

/// Whatever came to the filled database after it was filled is pgperf's own, marked or not.
fn remember_workload() -> String {
    format!(
        "CREATE TEMP TABLE workload AS SELECT s.dbid, s.queryid FROM pg_stat_statements AS s
            JOIN pg_database AS d ON d.oid = s.dbid WHERE d.datname = '{DATABASE}';
        ANALYZE workload;
        CREATE TEMP VIEW own AS
            SELECT s.userid, s.dbid, s.queryid, s.query, s.calls, s.total_exec_time + s.total_plan_time AS ms,
                coalesce((to_jsonb(s) ->> 'toplevel')::boolean, true) AS toplevel
            FROM pg_stat_statements AS s JOIN pg_database AS d ON d.oid = s.dbid
            WHERE d.datname = '{DATABASE}' AND (s.dbid, s.queryid) NOT IN (SELECT dbid, queryid FROM workload)"
    )
}

async fn connect(local: &LocalServer, database: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(&local.conninfo(database), NoTls)
        .await
        .expect("the server accepts");
    tokio::spawn(connection);
    client
}

async fn run(client: &Client, statement: &str) {
    if let Err(error) = client.batch_execute(statement).await {
        panic!("{statement}: {error:?}");
    }
}

async fn row(client: &Client, query: &str) -> tokio_postgres::Row {
    client.query_one(query, &[]).await.expect("a row")
}
