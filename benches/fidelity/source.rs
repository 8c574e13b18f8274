//! The server that is compared with: the sample shop on a local one, or a database that the user gives.

use pgperf::model::plan::Plan;
use pgperf::model::snapshot::Snapshot;
use pgperf::model::whatif::Hypothetical;
use pgperf::pg::collect::{CollectOptions, collect};
use pgperf::pg::connect::{ConnectOptions, Connection, Target};
use pgperf::pg::explain::Explainable;
use pgperf::pg::local::{LocalOptions, LocalServer, Session, installations};
use pgperf::query::split::statements_from_sql;

pub(crate) struct Source {
    conninfo: String,
    session: Session,
    version_num: u32,
    /// Text of the statements; without, those of `pg_stat_statements`.
    queries: Option<String>,
    local: Option<LocalServer>,
    built: usize,
}

impl Source {
    pub(crate) async fn of(conninfo: &str, queries: &str) -> Result<Self, String> {
        let text = std::fs::read_to_string(queries).map_err(|e| format!("{queries}: {e}"))?;
        Self::new(conninfo.to_owned(), Some(text), None).await
    }

    async fn new(
        conninfo: String,
        queries: Option<String>,
        local: Option<LocalServer>,
    ) -> Result<Self, String> {
        let session = Session::open(&conninfo).await.map_err(|e| e.to_string())?;
        let version = session
            .column("SHOW server_version_num")
            .await
            .map_err(|e| e.to_string())?;
        let version_num = version
            .first()
            .and_then(|v| v.parse().ok())
            .ok_or("no version")?;
        Ok(Self {
            conninfo,
            session,
            version_num,
            queries,
            local,
            built: 0,
        })
    }

    /// The shop after its traffic.
    pub(crate) async fn shop(major: Option<u32>) -> Result<Self, String> {
        let mut found = installations();
        found.sort_by_key(pgperf::pg::local::Installation::major);
        let installation = match major {
            Some(major) => found.into_iter().find(|i| i.major() == major),
            None => found.pop(),
        };
        let installation =
            installation.ok_or("no such PostgreSQL on this machine: set PGPERF_PG_BIN")?;
        let options = LocalOptions {
            preload: vec!["pg_stat_statements".into()],
            ..LocalOptions::default()
        };
        let local = LocalServer::start(&installation, &options)
            .await
            .map_err(|e| e.to_string())?;
        let postgres = Session::open(&local.conninfo("postgres"))
            .await
            .map_err(|e| e.to_string())?;
        postgres
            .run("CREATE DATABASE shop")
            .await
            .map_err(|e| e.to_string())?;
        let conninfo = local.conninfo("shop");
        let source = Self::new(conninfo, None, Some(local)).await?;
        source.load_shop().await.map_err(|e| e.to_string())?;
        Ok(source)
    }

    async fn load_shop(&self) -> Result<(), pgperf::pg::Error> {
        let loader = Session::open(&self.conninfo).await?;
        for script in [
            "set pg_stat_statements.track = 'none'",
            "create extension pg_stat_statements",
            include_str!("../../testdata/shop/schema.sql"),
            include_str!("../../testdata/shop/data.sql"),
            "vacuum analyze",
        ] {
            loader.run(script).await?;
        }
        let _ = loader.run("create extension hypopg").await;
        let session = Session::open(&self.conninfo).await?;
        for generator in include_str!("../../testdata/shop/workload.sql").split("\n\\gexec") {
            session.run("set pg_stat_statements.track = 'none'").await?;
            let statements = session.column(generator).await?;
            session.run("set pg_stat_statements.track = 'top'").await?;
            for statement in statements {
                session.run(&statement).await?;
            }
        }
        session
            .run("set pg_stat_statements.track = 'none'; analyze")
            .await?;
        self.session
            .run("set pg_stat_statements.track = 'none'")
            .await
    }

    pub(crate) async fn connection(&self) -> Result<Connection, String> {
        let options = ConnectOptions {
            dbname: Some(self.conninfo.clone()),
            ..ConnectOptions::default()
        };
        let (target, _) = Target::resolve(&options, &|_| None).map_err(|e| e.to_string())?;
        Connection::open(&target).await.map_err(|e| e.to_string())
    }

    pub(crate) async fn snapshot(&self) -> Result<Snapshot, String> {
        let connection = self.connection().await?;
        let mut snapshot = collect(&connection, &CollectOptions::default())
            .await
            .map_err(|e| e.to_string())?;
        if let Some(queries) = &self.queries {
            let script = statements_from_sql(queries);
            if let Some(error) = script.errors.first() {
                return Err(error.to_string());
            }
            snapshot.statements = script.statements;
        }
        Ok(snapshot)
    }

    pub(crate) async fn megabytes(&self) -> Result<f64, String> {
        let size = self
            .session
            .column("select pg_database_size(current_database()) / 1e6")
            .await;
        let size = size.map_err(|e| e.to_string())?;
        Ok(size.first().and_then(|s| s.parse().ok()).unwrap_or(0.0))
    }

    pub(crate) async fn explain(&self, statement: &Explainable<'_>) -> Result<Plan, String> {
        let sql = format!(
            "BEGIN;{}{}",
            statement.settings(self.version_num),
            statement.explain(self.version_num)
        );
        let lines = self.session.last(&sql).await;
        self.session
            .run("ROLLBACK; DEALLOCATE ALL")
            .await
            .map_err(|e| e.to_string())?;
        Plan::from_explain_json(&lines.map_err(|e| e.to_string())?.join("\n"))
    }

    pub(crate) async fn create(&mut self, index: &Hypothetical) -> Result<(), String> {
        self.built += 1;
        let sql = format!(
            "CREATE INDEX pgperf_built_{} ON {} {}",
            self.built, index.definition.table, index.definition
        );
        self.session
            .run(&sql)
            .await
            .map_err(|e| format!("{sql}: {e}"))
    }

    pub(crate) async fn drop_index(&self) -> Result<(), String> {
        let found = format!(
            "SELECT c.oid::regclass::text FROM pg_class c WHERE relname = 'pgperf_built_{}'",
            self.built
        );
        for name in self
            .session
            .column(&found)
            .await
            .map_err(|e| e.to_string())?
        {
            self.session
                .run(&format!("DROP INDEX {name}"))
                .await
                .map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    pub(crate) async fn stop(self) {
        if let Some(local) = self.local {
            local.stop().await;
        }
    }
}
