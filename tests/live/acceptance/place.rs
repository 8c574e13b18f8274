//! A group of cases on a server: what is advised for a statement, and what it is worth once built.

use std::path::PathBuf;

use pgperf::query::split::statements_from_sql;
use serde_json::Value;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::super::binary::{Run, pgperf, pgperf_caching};
use super::super::support::{client, database, hypopg_major};
use super::cases::Case;

/// A group's tables on a server, and a snapshot file of them.
pub(crate) struct Place {
    pub(crate) conninfo: String,
    pub(crate) session: Client,
    pub(crate) directory: PathBuf,
}

impl Place {
    pub(crate) async fn new(name: &str, schema: &str, major: u32) -> Self {
        let conninfo = database(major).await;
        let session = client(&conninfo).await;
        // Enough to sample whole tables: statistics by chance would make advice by chance.
        let target = "SET default_statistics_target = 1000";
        session.batch_execute(target).await.unwrap();
        // VACUUM in a batch would run in the batch's transaction.
        for statement in schema.split_inclusive(";\n") {
            session
                .batch_execute(statement)
                .await
                .unwrap_or_else(|e| panic!("{e:?}: {statement}"));
        }
        if major == hypopg_major() {
            session
                .batch_execute("CREATE EXTENSION hypopg")
                .await
                .unwrap();
        }
        let directory =
            std::env::temp_dir().join(format!("pgperf-{name}-{}-{major}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let place = Self {
            conninfo,
            session,
            directory,
        };
        let run = pgperf(&["snapshot", &place.conninfo, "-o", &place.file()], "");
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        place
    }

    pub(crate) fn file(&self) -> String {
        self.directory
            .join("snapshot.json.gz")
            .display()
            .to_string()
    }

    /// The clone from the file, so that one is made for all statements; `HypoPG` and arithmetic live.
    pub(crate) fn advise(&self, planner: &str, sql: &str) -> Run {
        self.advise_with(planner, sql, &[])
    }

    pub(crate) fn advise_with(&self, planner: &str, sql: &str, more: &[&str]) -> Run {
        let file = self.file();
        let source: &[&str] = match planner {
            "clone" => &["advise", "--from", &file],
            _ => &["advise", &self.conninfo],
        };
        let rest = ["--queries", "-", "--planner", planner, "--format", "json"];
        pgperf_caching(&[source, &rest, more].concat(), sql, &self.directory)
    }

    /// What differs from what is expected of a planner.
    pub(crate) async fn wrong(&self, case: &Case, planner: &str) -> Option<String> {
        let expected = case.expected(planner)?;
        let run = self.advise(planner, &case.sql);
        let what = |expected: String, got: String| {
            Some(format!(
                "{} by {planner}\n   {}   expected {expected}\n   got      {got}",
                case.name, case.sql
            ))
        };
        if run.code != Some(0) {
            return what(
                format!("{expected:?}"),
                format!("exit code {:?}: {}", run.code, run.stderr),
            );
        }
        let (report, created) = (run.json(), run.created());
        if created != expected.indexes {
            return what(
                format!("{:?}", expected.indexes),
                format!("{created:?}, {}", reasons(&report).join("; ")),
            );
        }
        if let Some(reason) = expected
            .reason
            .filter(|r| !reasons(&report).iter().any(|said| said.contains(r)))
        {
            return what(
                format!("none: {reason}"),
                format!("none: {}", reasons(&report).join("; ")),
            );
        }
        // T: what the clone promises is what the server plans once the indexes are there. (What other kinds of index and
        // expressions hold, nobody knows before.)
        let known = !created.is_empty() && created.iter().all(|i| !i.contains("USING"));
        if planner == "clone" && known && !case.sql.contains('$') && !case.sql.contains("calls=") {
            let promised = report["summary"]["cost_after"].as_f64().unwrap();
            let built = self.built(&created, &case.sql).await.cost;
            if !(0.9..=1.1).contains(&(promised / built)) {
                return what(format!("{promised} promised"), format!("{built} built"));
            }
        }
        for other in &case.over {
            let (ours, theirs) = (
                self.built(&created, &case.sql).await,
                self.built(&other.split(" + ").collect::<Vec<_>>(), &case.sql)
                    .await,
            );
            if !ours.better_than(&theirs) {
                return what(
                    format!("better than {other}: {theirs:?}"),
                    format!("{ours:?}"),
                );
            }
        }
        None
    }

    /// What statements cost with these indexes, really built, and what the indexes take.
    pub(crate) async fn built<S: AsRef<str>>(&self, indexes: &[S], sql: &str) -> Built {
        self.session.batch_execute("BEGIN").await.unwrap();
        let mut built = Built {
            cost: 0.0,
            bytes: 0.0,
        };
        for (n, index) in indexes.iter().enumerate() {
            let ddl = format!("CREATE INDEX built_{n} ON {}", index.as_ref());
            self.session.batch_execute(&ddl).await.unwrap();
            let size = format!(
                "SELECT pg_relation_size(c.oid) FROM pg_class c WHERE relname = 'built_{n}'"
            );
            built.bytes += text(&self.session, &size).await.parse::<f64>().unwrap();
        }
        for statement in statements_from_sql(sql).statements {
            built.cost += cost(&self.session, &statement.query.unwrap()).await;
        }
        self.session.batch_execute("ROLLBACK").await.unwrap();
        built
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) cost: f64,
    pub(crate) bytes: f64,
}

impl Built {
    /// Cheaper, or as cheap (to a hundredth) and smaller.
    fn better_than(&self, other: &Self) -> bool {
        self.cost < 0.99 * other.cost || self.cost <= 1.01 * other.cost && self.bytes < other.bytes
    }
}

/// All that a report says of why there is no advice.
pub(crate) fn reasons(report: &Value) -> Vec<String> {
    let list = |items: &Value, field: &str| -> Vec<String> {
        let items = items.as_array().into_iter().flatten();
        items
            .filter_map(|i| i[field].as_str().map(str::to_owned))
            .collect()
    };
    [
        list(&report["unhelped"], "reason"),
        list(&report["coverage"]["skipped"], "reason"),
        list(&report["gaps"], "what"),
    ]
    .concat()
}

pub(crate) async fn text(session: &Client, sql: &str) -> String {
    let messages = session
        .simple_query(sql)
        .await
        .unwrap_or_else(|e| panic!("{e:?}: {sql}"));
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    row.unwrap().to_owned()
}

pub(crate) async fn cost(session: &Client, sql: &str) -> f64 {
    let plan: Value =
        serde_json::from_str(&text(session, &format!("EXPLAIN (FORMAT JSON) {sql}")).await)
            .unwrap();
    plan[0]["Plan"]["Total Cost"].as_f64().unwrap()
}
