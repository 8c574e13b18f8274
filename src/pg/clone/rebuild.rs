//! Database, schema, statistics, figures and settings of a clone.

use std::fmt::Write as _;

use serde_json::Value;

use crate::model::gap::{Gap, Part};
use crate::model::ident::{quote_ident, quote_literal};
use crate::model::index::Index;
use crate::model::snapshot::Snapshot;
use crate::pg::clone::build::{build, run};
use crate::pg::clone::schema::Step;
use crate::pg::clone::{DATABASE, ROLE, combinations, expression, extended, schema, statistics};
use crate::pg::error::Error;
use crate::pg::local::{LocalServer, Session};

/// Bytes of statistics sent at once, roughly.
const BATCH_BYTES: usize = 1 << 20;

/// A database that sorts like the source's, if this machine can.
pub(super) async fn create_database(
    server: &LocalServer,
    snapshot: &Snapshot,
) -> Result<Vec<Gap>, Error> {
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
pub(super) async fn rebuild(
    server: &LocalServer,
    snapshot: &Snapshot,
    gaps: &mut Vec<Gap>,
) -> Result<(), Error> {
    let superuser = Session::open(&server.conninfo(DATABASE)).await?;
    superuser.run(include_str!("statistics.sql")).await?;
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
    failed.extend(run(&superuser, settings(snapshot)).await?);
    failed.extend(build(server, snapshot, gaps).await?);
    let failed = failed
        .iter()
        .map(|(step, reason)| format!("{}: {reason}", step.object));
    let untrusted = (left_out.iter())
        .map(|name| format!("extension {name}: it is not among those that pgperf trusts"));
    let failed: Vec<String> = untrusted.chain(failed).collect();
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
    // The catalogs have grown, and nobody analyzes them here.
    superuser
        .run(
            "ANALYZE pg_catalog.pg_class, pg_catalog.pg_attribute, pg_catalog.pg_namespace; \
             SELECT pgperf_clone.note_operators()",
        )
        .await?;
    let mut refused = restore(&superuser, server, statistics::columns(snapshot)).await?;
    let (lists, failed) = combinations::lists(server, &superuser, snapshot).await?;
    refused.extend(failed);
    for rows in batches(extended::statistics(snapshot, &lists)) {
        let sql = format!(
            "SELECT * FROM pgperf_clone.restore_extended({})",
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
    gaps.extend(guess(&superuser, server, snapshot).await?);
    hide_invalid(&superuser, snapshot).await
}

/// Estimates the statistics of index expressions that the Snapshot's role was not shown.
async fn guess(
    superuser: &Session,
    server: &LocalServer,
    snapshot: &Snapshot,
) -> Result<Option<Gap>, Error> {
    let hidden = snapshot.indexes.iter().filter(|i| i.stats_hidden);
    let hidden: Vec<&Index> = hidden.collect();
    if hidden.is_empty() {
        return Ok(None);
    }
    let owner = expression::session(server, &search_path(snapshot)).await?;
    let (mut rows, mut unknown) = (Vec::new(), Vec::new());
    for index in hidden {
        let name = (index.schema.as_str(), index.name.as_str());
        let guessed = expression::keys(&owner, &index.definition, &[name]).await?;
        rows.extend(guessed.rows);
        unknown.extend(
            guessed
                .unknown
                .map(|e| format!("{e} of {}", index.qualified())),
        );
    }
    unknown.extend(restore_in(superuser, rows).await?);
    Ok(unknown.first().map(|example| {
        Gap::new(
            Part::ColumnStats,
            format!("statistics of index expressions are hidden and could not be estimated, e.g.: {example}"),
        )
        .effect("the planner guesses that a comparison with them keeps 0.5 % of the rows")
        .count(unknown.len())
    }))
}

/// Puts rows of `pg_stats` in, by two sessions at once; what was refused.
async fn restore(
    one: &Session,
    server: &LocalServer,
    mut rows: Vec<Value>,
) -> Result<Vec<String>, Error> {
    let other = Session::open(&server.conninfo(DATABASE)).await?;
    other.run("SET allow_system_table_mods = on").await?;
    let rest = rows.split_off(rows.len() / 2);
    let (mut refused, more) = tokio::try_join!(restore_in(one, rows), restore_in(&other, rest))?;
    refused.extend(more);
    Ok(refused)
}

pub(super) async fn restore_in(session: &Session, rows: Vec<Value>) -> Result<Vec<String>, Error> {
    let mut refused = Vec::new();
    for rows in batches(rows) {
        let sql = format!(
            "SELECT * FROM pgperf_clone.restore_all({})",
            quote_literal(&rows)
        );
        refused.extend(session.column(&sql).await?);
    }
    Ok(refused)
}

/// Names in the definitions are qualified, but for operator classes and collations.
pub(super) fn search_path(snapshot: &Snapshot) -> String {
    let own = snapshot.server.search_path.iter().map(String::as_str);
    // Names of collations in columns are not qualified either.
    let collations = snapshot.definitions.collations.iter();
    let mut schemas = vec!["pg_catalog"];
    for schema in own.chain(collations.map(|c| c.schema.as_str())) {
        if !schemas.contains(&schema) {
            schemas.push(schema);
        }
    }
    let schemas: Vec<_> = schemas.into_iter().map(quote_ident).collect();
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
