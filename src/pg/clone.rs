//! A statistics clone: a throwaway local server with the schema and the statistics of a Snapshot, and none of its rows.
//!
//! The real planner answers what-if questions there, with no load on the observed server, no extension, and offline. It sees
//! what it would see on the source: the same tables, indexes and constraints, rows of `pg_statistic` made from `pg_stats`,
//! the figures of `pg_class`, files as long as the real ones (sparse), and btrees as high. Candidate indexes are real ones of
//! any access method, built while the heap's file is empty, and shown to the planner for the questions that ask for them.
//!
//! A snapshot file may come from anybody, and planning runs functions that call themselves immutable: everything that comes
//! from the Snapshot, questions included, is therefore run by a role without privileges; the superuser only stores figures.

mod btree;
mod files;
mod schema;
mod statistics;
mod whatif;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use serde_json::Value;

use crate::model::catalog::TableKind;
use crate::model::gap::{Gap, Part};
use crate::model::ident::{quote_ident, quote_literal};
use crate::model::index::IndexDefinition;
use crate::model::snapshot::Snapshot;
use crate::pg::error::{Error, Kind};
use crate::pg::local::{Installation, LocalOptions, LocalServer, Session};
use schema::Step;
use whatif::Candidate;

/// The database, and the role that everything of the Snapshot's belongs to.
const DATABASE: &str = "clone";
const ROLE: &str = "pgperf_clone";
/// Statements sent at once: each takes locks that are kept until the batch ends.
const BATCH: usize = 500;
/// Bytes of statistics sent at once, roughly.
const BATCH_BYTES: usize = 4 << 20;
/// Largest relation that PostgreSQL can have, pages.
const MOST_PAGES: f64 = 4_294_967_294.0;

/// A running clone. Dropping it removes it.
pub struct StatisticsClone {
    server: LocalServer,
    /// For figures.
    superuser: Session,
    /// For questions: the role without privileges.
    session: Session,
    version_num: u32,
    gaps: Vec<Gap>,
    /// Where the tables are that an index can be built on, by (schema, name).
    heaps: HashMap<(String, String), Heap>,
    candidates: HashMap<IndexDefinition, Candidate>,
    /// Candidates by the names of their indexes, partitions' ones included.
    names: HashMap<String, IndexDefinition>,
    /// Indexes that the planner sees at the moment.
    shown: BTreeSet<u32>,
}

/// The heap of a table.
#[derive(Debug, Clone)]
struct Heap {
    path: PathBuf,
    pages: u64,
    figures: Value,
}

impl StatisticsClone {
    /// Starts a server and rebuilds the Snapshot in it. `heights` are the levels above the leaves of its btree indexes, by oid.
    ///
    /// # Errors
    /// `Kind::Local` when the server does not start; what cannot be rebuilt is a Gap instead.
    pub async fn hydrate(
        snapshot: &Snapshot,
        heights: &BTreeMap<u32, f64>,
        installation: &Installation,
    ) -> Result<Self, Error> {
        let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let options = LocalOptions {
            settings: vec![
                setting("max_connections", "20"),
                setting("max_locks_per_transaction", "4096"),
                setting("shared_buffers", "64MB"),
                // Else a commit would read each new file into memory to log it, and what is written into the file afterwards
                // would not be seen.
                setting("wal_skip_threshold", "0"),
                setting("log_min_messages", "panic"),
            ],
            ..LocalOptions::default()
        };
        let mut server = LocalServer::start(installation, &options).await?;
        let mut gaps = create_database(&server, snapshot).await?;
        rebuild(&server, snapshot, &mut gaps).await?;
        // Nothing of the old files is in memory afterwards.
        let relations = relations(&server).await?;
        server
            .restart(&options, || stretch(&relations, snapshot, heights))
            .await?;
        let superuser = Session::open(&server.conninfo(DATABASE)).await?;
        let session = Session::open(&server.conninfo_as(ROLE, DATABASE)).await?;
        session.run("SET statement_timeout = '30s'").await?;
        Ok(Self {
            version_num: installation.version_num,
            heaps: heaps(relations, snapshot),
            server,
            superuser,
            session,
            gaps,
            candidates: HashMap::new(),
            names: HashMap::new(),
            shown: BTreeSet::new(),
        })
    }

    /// What could not be rebuilt.
    #[must_use]
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// Conninfo for looking into it, as the role that owns everything in it.
    #[must_use]
    pub fn conninfo(&self) -> String {
        self.server.conninfo_as(ROLE, DATABASE)
    }

    /// The same as environment variables of libpq.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, String); 4] {
        [
            (
                "PGHOST",
                self.server.socket_dir().to_string_lossy().into_owned(),
            ),
            ("PGPORT", self.server.port().to_string()),
            ("PGUSER", ROLE.to_owned()),
            ("PGDATABASE", DATABASE.to_owned()),
        ]
    }

    /// The server's version, `150018`.
    #[must_use]
    pub fn version_num(&self) -> u32 {
        self.version_num
    }

    /// Bytes that it really takes on disk.
    #[must_use]
    pub fn disk_usage(&self) -> u64 {
        files::disk_usage(&self.server.socket_dir())
    }

    /// Stops and removes it without blocking.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

/// A database that sorts like the source's, if this machine can.
async fn create_database(server: &LocalServer, snapshot: &Snapshot) -> Result<Vec<Gap>, Error> {
    let postgres = Session::open(&server.conninfo("postgres")).await?;
    let wanted = snapshot.server.collate.as_str();
    let create = format!("CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8'");
    let libc = |name: &str| {
        let name = quote_literal(name);
        format!("{create} LC_COLLATE {name} LC_CTYPE {name}")
    };
    let language = wanted.split(['.', '@']).next().unwrap_or(wanted);
    let icu = quote_literal(&language.replace('_', "-"));
    let is_c = matches!(wanted, "" | "C" | "POSIX");
    let ways = [
        libc(wanted),
        libc(&format!("{language}.UTF-8")),
        libc(&format!("{language}.utf8")),
        format!("{create} LOCALE_PROVIDER icu ICU_LOCALE {icu} LC_COLLATE 'C' LC_CTYPE 'C'"),
    ];
    for way in ways.iter().filter(|_| !is_c) {
        if postgres.run(way).await.is_ok() {
            return Ok(Vec::new());
        }
    }
    postgres.run(&libc("C")).await?;
    let gap = Gap::new(
        Part::Planner,
        format!("the clone has no collation {wanted}: this machine does not know it"),
    )
    .effect("there LIKE 'x%' could use any index on a text, which it cannot on the server");
    Ok(if is_c { Vec::new() } else { vec![gap] })
}

/// Schema, statistics, figures, settings.
async fn rebuild(
    server: &LocalServer,
    snapshot: &Snapshot,
    gaps: &mut Vec<Gap>,
) -> Result<(), Error> {
    let superuser = Session::open(&server.conninfo(DATABASE)).await?;
    superuser.run(include_str!("clone/statistics.sql")).await?;
    let mut prepare =
        format!("ALTER DATABASE {DATABASE} OWNER TO {ROLE}; GRANT ALL ON SCHEMA public TO {ROLE};");
    for schema in schema::schemas(snapshot) {
        let schema = quote_ident(schema);
        let _ = write!(
            prepare,
            "CREATE SCHEMA IF NOT EXISTS {schema}; ALTER SCHEMA {schema} OWNER TO {ROLE};"
        );
    }
    superuser.run(&prepare).await?;
    let (extensions, left_out) = schema::extensions(snapshot);
    let mut failed = run(&superuser, extensions).await?;
    failed.extend(
        left_out
            .iter()
            .map(|name| format!("extension {name}: it is not among those that pgperf trusts")),
    );
    let settings = settings(snapshot);
    failed.extend(run(&superuser, settings).await?);

    let owner = Session::open(&server.conninfo_as(ROLE, DATABASE)).await?;
    owner
        .run(&format!(
            "SET check_function_bodies = off; SET search_path = {}",
            search_path(snapshot)
        ))
        .await?;
    failed.extend(run(&owner, schema::steps(snapshot)).await?);
    if let Some(example) = failed.first() {
        gaps.push(
            Gap::new(
                Part::Planner,
                format!("the clone lacks parts of the schema, e.g.: {example}"),
            )
            .effect("statements that need them are planned by arithmetic")
            .count(failed.len()),
        );
    }
    let mut refused = Vec::new();
    for rows in batches(statistics::columns(snapshot)) {
        let sql = format!(
            "SELECT * FROM pgperf_clone.restore_all({})",
            quote_literal(&rows)
        );
        refused.extend(superuser.column(&sql).await?);
    }
    if let Some(example) = refused.first() {
        gaps.push(
            Gap::new(
                Part::ColumnStats,
                format!("the clone lacks statistics of columns, e.g.: {example}"),
            )
            .count(refused.len()),
        );
    }
    for rows in batches(statistics::figures(snapshot)) {
        superuser
            .run(&format!(
                "SELECT pgperf_clone.figures({})",
                quote_literal(&rows)
            ))
            .await?;
    }
    hide_invalid(&superuser, snapshot).await
}

/// Runs statements, and those that fail again after the others, as long as that helps; what failed in the end, and why.
async fn run(session: &Session, steps: Vec<Step>) -> Result<Vec<String>, Error> {
    let mut open = steps;
    loop {
        let mut failed = Vec::new();
        let before = open.len();
        for batch in open.chunks(BATCH) {
            let texts: Vec<String> = batch.iter().map(|s| quote_literal(&s.sql)).collect();
            let sql = format!(
                "SELECT failed || ' ' || reason FROM pgperf_clone.run(ARRAY[{}]::text[])",
                texts.join(",")
            );
            for line in session.column(&sql).await? {
                let (position, reason) = line.split_once(' ').unwrap_or((&line, ""));
                let position: usize = position.parse().unwrap_or(1);
                if let Some(step) = batch.get(position.wrapping_sub(1)) {
                    failed.push((step.clone(), reason.to_owned()));
                }
            }
        }
        if failed.is_empty() || failed.len() == before {
            let text = |(step, reason): (Step, String)| format!("{}: {reason}", step.object);
            return Ok(failed.into_iter().map(text).collect());
        }
        open = failed.into_iter().map(|(step, _)| step).collect();
    }
}

/// Names in the definitions are qualified, but for operator classes.
fn search_path(snapshot: &Snapshot) -> String {
    let own = snapshot.server.search_path.iter();
    let schemas: Vec<_> = std::iter::once("pg_catalog")
        .chain(own.map(String::as_str).filter(|s| *s != "pg_catalog"))
        .map(quote_ident)
        .collect();
    schemas.join(", ")
}

/// The planner's settings, for every session of the database.
fn settings(snapshot: &Snapshot) -> Vec<Step> {
    const ALSO: [&str; 3] = ["default_text_search_config", "DateStyle", "IntervalStyle"];
    let planners = |name: &str| {
        name.starts_with("enable_")
            || name.starts_with("geqo")
            || name.starts_with("jit")
            || name.ends_with("_cost")
            || name.ends_with("_collapse_limit")
            || name.starts_with("min_parallel_")
            || [
                "constraint_exclusion",
                "cursor_tuple_fraction",
                "effective_cache_size",
                "hash_mem_multiplier",
                "work_mem",
                "max_parallel_workers_per_gather",
                "max_parallel_workers",
                "parallel_leader_participation",
                "plan_cache_mode",
                "recursive_worktable_factor",
                "effective_io_concurrency",
            ]
            .contains(&name)
            || ALSO.contains(&name)
    };
    let settings = snapshot
        .server
        .settings
        .iter()
        .filter(|(name, _)| planners(name));
    settings
        .map(|(name, setting)| Step {
            object: format!("setting {name}"),
            sql: format!(
                "ALTER DATABASE {DATABASE} SET {} = {}",
                quote_ident(name),
                quote_literal(&setting.setting)
            ),
        })
        .collect()
}

/// JSON arrays of rows, none too long.
fn batches(rows: Vec<Value>) -> Vec<String> {
    let mut batches = Vec::new();
    let mut open = String::new();
    for row in rows {
        open.push(if open.is_empty() { '[' } else { ',' });
        let _ = write!(open, "{row}");
        if open.len() > BATCH_BYTES {
            batches.push(std::mem::take(&mut open) + "]");
        }
    }
    if !open.is_empty() {
        batches.push(open + "]");
    }
    batches
}

/// Indexes that the source's planner may not use.
async fn hide_invalid(superuser: &Session, snapshot: &Snapshot) -> Result<(), Error> {
    let invalid: Vec<String> = (snapshot.indexes.iter())
        .filter(|i| !i.usable())
        .map(|i| quote_literal(&i.qualified().to_string()))
        .collect();
    if invalid.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "UPDATE pg_catalog.pg_index SET indisvalid = false WHERE indexrelid = ANY(SELECT to_regclass(n) FROM unnest(ARRAY[{}]) n)",
        invalid.join(",")
    );
    superuser.run(&sql).await
}

/// A relation with a file.
#[derive(Debug)]
struct Stored {
    schema: String,
    name: String,
    is_index: bool,
    is_btree: bool,
    path: PathBuf,
}

async fn relations(server: &LocalServer) -> Result<Vec<Stored>, Error> {
    let superuser = Session::open(&server.conninfo(DATABASE)).await?;
    let sql = "SELECT json_build_array(n.nspname, c.relname, c.relkind = 'i', m.amname IS NOT DISTINCT FROM 'btree', pg_relation_filepath(c.oid)) \
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_am m ON m.oid = c.relam \
        WHERE c.relkind IN ('r', 'i', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";
    let data = server.socket_dir();
    let rows = superuser.column(sql).await?;
    let read = |row: &String| {
        let (schema, name, is_index, is_btree, path): (String, String, bool, bool, String) =
            serde_json::from_str(row).ok()?;
        Some(Stored {
            schema,
            name,
            is_index,
            is_btree,
            path: data.join(path),
        })
    };
    Ok(rows.iter().filter_map(read).collect())
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bounded"
)]
fn whole(pages: f64) -> u64 {
    if pages.is_finite() {
        pages.clamp(0.0, MOST_PAGES).round() as u64
    } else {
        0
    }
}

/// Gives each file its length. The server must not run.
fn stretch(
    relations: &[Stored],
    snapshot: &Snapshot,
    heights: &BTreeMap<u32, f64>,
) -> Result<(), Error> {
    let tables: HashMap<(&str, &str), (u32, f64)> = (snapshot.tables.iter())
        .map(|t| ((t.schema.as_str(), t.name.as_str()), (t.oid, t.relpages)))
        .collect();
    let indexes: HashMap<(&str, &str), (u32, f64)> = (snapshot.indexes.iter())
        .map(|i| ((i.schema.as_str(), i.name.as_str()), (i.oid, i.relpages)))
        .collect();
    for relation in relations {
        let key = (relation.schema.as_str(), relation.name.as_str());
        let all = if relation.is_index { &indexes } else { &tables };
        let Some(&(oid, relpages)) = all.get(&key) else {
            continue;
        };
        let pages = whole(snapshot.definitions.pages(oid).unwrap_or(relpages));
        let grown = match heights.get(&oid) {
            Some(height) if relation.is_btree => {
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a tree is a few levels high"
                )]
                let height = height.clamp(0.0, 16.0) as u32;
                files::grow_btree(&relation.path, height, pages)
            }
            _ if relation.is_index => files::extend(&relation.path, pages.max(1)),
            _ => files::extend(&relation.path, pages),
        };
        grown.map_err(|error| unwritten(&relation.path.display().to_string(), &error))?;
    }
    Ok(())
}

fn unwritten(path: &str, error: &io::Error) -> Error {
    Error::new(
        Kind::Local,
        format!("cannot write {path} of the clone: {error}"),
    )
    .hint("set PGPERF_TMPDIR to a directory with room for it")
}

fn heaps(relations: Vec<Stored>, snapshot: &Snapshot) -> HashMap<(String, String), Heap> {
    let figures: HashMap<(String, String), Value> = statistics::figures(snapshot)
        .into_iter()
        .filter_map(|f| {
            Some((
                (
                    f["schema"].as_str()?.to_owned(),
                    f["relation"].as_str()?.to_owned(),
                ),
                f,
            ))
        })
        .collect();
    let stored = |t: &crate::model::catalog::Table| {
        t.kind == TableKind::Table || t.kind == TableKind::MaterializedView
    };
    let pages: HashMap<(&str, &str), f64> = (snapshot.tables.iter().filter(|t| stored(t)))
        .map(|t| {
            (
                (t.schema.as_str(), t.name.as_str()),
                snapshot.definitions.pages(t.oid).unwrap_or(t.relpages),
            )
        })
        .collect();
    let heap = |r: Stored| {
        let pages = whole(*pages.get(&(r.schema.as_str(), r.name.as_str()))?);
        let key = (r.schema, r.name);
        let figures = figures.get(&key)?.clone();
        Some((
            key,
            Heap {
                path: r.path,
                pages,
                figures,
            },
        ))
    };
    relations
        .into_iter()
        .filter(|r| !r.is_index)
        .filter_map(heap)
        .collect()
}
