//! What was not seen, why, and the exact commands that close it.

use crate::model::catalog::{ConstraintKind, TableKind};
use crate::model::gap::{Gap, Part};
use crate::model::ident::{quote_ident, quote_literal};
use crate::model::server::Server;
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Count, Millis};
use crate::pg::collect::catalog::Relation;
use crate::pg::collect::transaction::Locked;
use crate::pg::error::Error;

/// Counters younger than this say little about what is never used.
const YOUNG_SECONDS: f64 = 86_400.0;

/// Commands for single tables, before one command for all is shorter.
const COMMANDS: usize = 10;

/// Names listed in one sentence.
const NAMES: usize = 5;

const LIBRARY: &str = "pg_stat_statements";

/// What the server itself leaves out.
pub(super) fn of_server(server: &Server, taken_at: f64) -> Vec<Gap> {
    let mut gaps = Vec::new();
    if server.in_recovery {
        gaps.push(
            Gap::new(
                Part::Server,
                "the server is a standby: its counters are its own, the primary's are not seen",
            )
            .effect(
                "what looks unused here may be used on the primary; commands have to be run there",
            ),
        );
    }
    if is_off(server, "track_counts") {
        gaps.push(
            Gap::new(Part::TableStats, "track_counts is off")
                .effect("reads and writes of tables and indexes are not counted")
                .close("ALTER SYSTEM SET track_counts = on;")
                .close(RELOAD),
        );
    }
    if let Some(age) = server.stats_reset.map(|reset| taken_at - reset)
        && age < YOUNG_SECONDS
    {
        gaps.push(
            Gap::new(
                Part::TableStats,
                format!("the counters of this database were reset {} ago", ago(age)),
            )
            .effect("no index can be called unused yet; write rates are uncertain"),
        );
    }
    gaps
}

const RELOAD: &str = "SELECT pg_reload_conf();";

/// `pg_stat_statements` is not installed in this database.
pub(super) fn no_extension(server: &Server) -> Gap {
    let mut gap = Gap::new(
        Part::Statements,
        format!(
            "pg_stat_statements is not installed in database {}",
            quote_ident(&server.database)
        ),
    )
    .effect("which statements cost most is not known");
    if !server
        .available_extensions
        .iter()
        .any(|name| name == LIBRARY)
    {
        gap = gap.close(
            "-- install the contrib package of the server (Debian has it in postgresql-NN, RPM in postgresqlNN-contrib)",
        );
    }
    for command in preload(server) {
        gap = gap.close(command);
    }
    gap.close("CREATE EXTENSION pg_stat_statements;")
}

/// It is installed, but reading it failed.
pub(super) fn unreadable_extension(server: &Server, error: &Error) -> Gap {
    let gap = |why: String| {
        Gap::new(
            Part::Statements,
            format!("pg_stat_statements could not be read: {why}"),
        )
        .effect("which statements cost most is not known")
    };
    match error.sqlstate.as_deref() {
        Some("55000") => {
            let mut gap = gap("its library is not loaded".to_owned());
            for command in preload(server) {
                gap = gap.close(command);
            }
            gap
        }
        Some("42501") => {
            let schema = server
                .extensions
                .get(LIBRARY)
                .map_or("public", |e| &e.schema);
            let user = quote_ident(&server.user);
            gap(error.message.clone())
                .close(format!(
                    "GRANT USAGE ON SCHEMA {} TO {user};",
                    quote_ident(schema)
                ))
                .close(format!("GRANT pg_monitor TO {user};"))
        }
        None => gap(error.message.clone()).close("ALTER EXTENSION pg_stat_statements UPDATE;"),
        Some(_) => gap(error.message.clone()),
    }
}

/// Commands that load the library, keeping what is loaded; none if it is.
fn preload(server: &Server) -> Vec<String> {
    const RESTART: &str = "-- restart the server";
    let Some(present) = server.settings.get("shared_preload_libraries") else {
        // Hidden from roles without pg_read_all_settings. Whether it is loaded shows by its settings.
        return if server.settings.contains_key("pg_stat_statements.max") {
            Vec::new()
        } else {
            vec![
                "SHOW shared_preload_libraries; -- as superuser, and if pg_stat_statements is not in it, keep what it lists in:"
                    .to_owned(),
                "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements';".to_owned(),
                RESTART.to_owned(),
            ]
        };
    };
    let mut libraries = list(&present.setting);
    let is_it = |name: &String| name.rsplit('/').next() == Some(LIBRARY);
    if libraries.iter().any(is_it) {
        return Vec::new();
    }
    libraries.push(LIBRARY.to_owned());
    // One literal a library: `'a, b'` would be taken for the name of a single one, and the server would not start.
    let libraries: Vec<String> = libraries.iter().map(|name| quote_literal(name)).collect();
    vec![
        format!(
            "ALTER SYSTEM SET shared_preload_libraries = {};",
            libraries.join(", ")
        ),
        RESTART.to_owned(),
    ]
}

/// `a, "b c"` as a list.
fn list(text: &str) -> Vec<String> {
    text.split(',')
        .map(|name| name.trim().trim_matches('"').to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

/// How the rows of `pg_stat_statements` came out.
#[derive(Debug, Default)]
pub(super) struct StatementCounts {
    /// Rows kept.
    pub(super) kept: usize,
    /// Rows beyond the limit.
    pub(super) cut: usize,
    /// Rows of other roles whose query id is hidden.
    pub(super) hidden: usize,
    /// Rows without a text though the role may see it.
    pub(super) purged: usize,
}

/// What `pg_stat_statements` leaves out.
pub(super) fn of_statements(server: &Server, counts: &StatementCounts, taken_at: f64) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let gap = |what: String| Gap::new(Part::Statements, what);
    if counts.cut > 0 {
        gaps.push(
            gap(format!(
                "{} statements with little time were left out",
                n(counts.cut)
            ))
            .count(counts.cut),
        );
    }
    if counts.hidden > 0 {
        gaps.push(
            gap(format!(
                "the texts of {} statements of other roles are hidden from {}",
                n(counts.hidden),
                quote_ident(&server.user)
            ))
            .effect("their time is counted, but they are not analysed")
            .close(format!(
                "GRANT pg_monitor TO {};",
                quote_ident(&server.user)
            ))
            .count(counts.hidden),
        );
    }
    if counts.purged > 0 {
        gaps.push(
            gap(format!(
                "{} statements have no text: the server discarded its file of texts",
                n(counts.purged)
            ))
            .effect("their time is counted, but they are not analysed")
            .close("SELECT pg_stat_statements_reset(); -- then wait until the workload has run")
            .count(counts.purged),
        );
    }
    if setting(server, "pg_stat_statements.track") == Some("none") {
        gaps.push(
            gap("pg_stat_statements.track is none: nothing new is counted".into())
                .effect("the figures are old")
                .close("ALTER SYSTEM SET pg_stat_statements.track = 'top';")
                .close(RELOAD),
        );
    }
    if setting(server, "compute_query_id") == Some("off") {
        gaps.push(
            gap("compute_query_id is off: pg_stat_statements counts nothing".into())
                .effect("the figures are old")
                .close("ALTER SYSTEM SET compute_query_id = 'auto';")
                .close(RELOAD),
        );
    }
    if let Some(dealloc) = server.statements_dealloc.filter(|&dealloc| dealloc > 0) {
        let max = server.number("pg_stat_statements.max", 5000.0);
        gaps.push(
            gap(format!(
                "pg_stat_statements was full {} and dropped its least used statements",
                if dealloc == 1 {
                    "once".to_owned()
                } else {
                    format!("{dealloc} times")
                }
            ))
            .effect("rare statements are missing, also expensive ones")
            .close(format!(
                "ALTER SYSTEM SET pg_stat_statements.max = {};",
                max * 2.0
            ))
            .close("-- restart the server")
            .count(usize::try_from(dealloc).unwrap_or(usize::MAX)),
        );
    }
    if let Some(age) = server.statements_reset.map(|reset| taken_at - reset)
        && age < YOUNG_SECONDS
    {
        gaps.push(
            gap(format!("pg_stat_statements counts since {} only", ago(age)))
                .effect("statements of the rest of the day or the week are missing"),
        );
    }
    if counts.kept + counts.cut == 0 {
        gaps.push(
            gap(format!(
                "pg_stat_statements has no statements of database {}",
                quote_ident(&server.database)
            ))
            .effect("there is no workload to advise on"),
        );
    }
    gaps
}

/// `pg_stat_activity` shows no texts of other roles.
pub(super) fn hidden_sessions(server: &Server, hidden: usize) -> Gap {
    let user = quote_ident(&server.user);
    Gap::new(
        Part::Activity,
        format!(
            "the statements of {} sessions are hidden from {user}",
            n(hidden)
        ),
    )
    .close(format!("GRANT pg_monitor TO {user};"))
    .count(hidden)
}

/// Tables without column statistics: invisible ones, and such as were never analyzed.
pub(super) fn of_relations(server: &Server, relations: &[Relation]) -> Vec<Gap> {
    let bare: Vec<&Relation> = relations
        .iter()
        .filter(|r| r.table.can_have_indexes() && r.table.extension.is_none())
        .filter(|r| r.table.rows() > 0.0 && r.table.columns.iter().any(|c| c.stats.is_none()))
        .collect();
    let user = quote_ident(&server.user);
    let effect = "selectivities of their columns are guessed";
    let mut gaps = Vec::new();

    let hidden: Vec<&Relation> = bare.iter().filter(|r| !r.readable).copied().collect();
    if !hidden.is_empty() {
        let gap = Gap::new(
            Part::ColumnStats,
            format!(
                "pg_stats of {} is hidden from {user}, who may not read {}: {}",
                tables(hidden.len()),
                if hidden.len() == 1 { "it" } else { "them" },
                names(&hidden)
            ),
        )
        .effect(effect)
        .count(hidden.len());
        gaps.push(if server.major() >= 14 {
            gap.close(format!("GRANT pg_read_all_data TO {user};"))
        } else {
            schemas(&hidden).into_iter().fold(gap, |gap, schema| {
                gap.close(format!(
                    "GRANT SELECT ON ALL TABLES IN SCHEMA {} TO {user};",
                    quote_ident(&schema)
                ))
            })
        });
    }

    let policed: Vec<&Relation> = bare
        .iter()
        .filter(|r| r.readable && r.policed)
        .copied()
        .collect();
    if !policed.is_empty() {
        gaps.push(
            Gap::new(
                Part::ColumnStats,
                format!(
                    "pg_stats of {} is hidden from {user} by row-level security: {}",
                    tables(policed.len()),
                    names(&policed)
                ),
            )
            .effect(effect)
            .close(format!("ALTER ROLE {user} BYPASSRLS;"))
            .count(policed.len()),
        );
    }

    let never: Vec<&Relation> = bare
        .iter()
        .filter(|r| r.readable && !r.policed)
        .filter(|r| r.table.columns.iter().all(|c| c.stats.is_none()))
        .copied()
        .collect();
    if !never.is_empty() {
        let gap = Gap::new(
            Part::ColumnStats,
            format!(
                "{} never analyzed: {}",
                if never.len() == 1 {
                    "1 table was".to_owned()
                } else {
                    format!("{} tables were", n(never.len()))
                },
                names(&never)
            ),
        )
        .effect(effect)
        .count(never.len());
        gaps.push(if never.len() > COMMANDS {
            gap.close("ANALYZE;")
        } else {
            never.iter().fold(gap, |gap, r| {
                gap.close(format!("ANALYZE {};", r.table.qualified()))
            })
        });
    }
    gaps
}

/// Definitions that were not read, to keep away from locks.
pub(super) fn of_locks(snapshot: &Snapshot, locked: &[Locked]) -> Option<Gap> {
    let tables = snapshot.tables.iter().filter(|t| match t.kind {
        TableKind::Partitioned => t.partition_key.is_none(),
        TableKind::View | TableKind::MaterializedView => {
            t.view_definition.is_none() && t.extension.is_none()
        }
        _ => false,
    });
    let indexes = snapshot.indexes.iter().filter(|i| i.incomplete);
    let constraints = snapshot.constraints.iter().filter(|c| {
        matches!(c.kind, ConstraintKind::Check | ConstraintKind::Exclusion)
            && c.definition.is_none()
    });
    let statistics = snapshot
        .extended_stats
        .iter()
        .filter(|s| s.expressions.is_empty() && s.kinds.iter().any(|k| k == "e"));
    let unread = tables.count() + indexes.count() + constraints.count() + statistics.count();
    if unread == 0 {
        return None;
    }
    let labels: Vec<String> = locked.iter().map(Locked::label).collect();
    let whose = if labels.is_empty() {
        "relations that another session locked meanwhile".to_owned()
    } else {
        sentence(&labels)
    };
    let things = if unread == 1 {
        "definition"
    } else {
        "definitions"
    };
    Some(
        Gap::new(
            Part::Catalog,
            format!(
                "{} {things} (expression, predicate, view, check) left unread to not wait for another session's ACCESS EXCLUSIVE lock on {whose}",
                n(unread)
            ),
        )
        .effect("indexes without their definition are neither compared nor judged; statements on such views are not analysed")
        .close("SELECT l.relation::regclass, a.pid, a.state, a.query FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.mode = 'AccessExclusiveLock'; -- wait for these to end, then run pgperf again")
        .count(unread),
    )
}

fn setting<'a>(server: &'a Server, name: &str) -> Option<&'a str> {
    server.settings.get(name).map(|s| s.setting.as_str())
}

fn is_off(server: &Server, name: &str) -> bool {
    setting(server, name) == Some("off")
}

fn ago(seconds: f64) -> Millis {
    Millis(seconds.max(0.0) * 1000.0)
}

#[expect(clippy::cast_precision_loss, reason = "a count for people")]
fn n(count: usize) -> Count {
    Count(count as f64)
}

fn tables(count: usize) -> String {
    if count == 1 {
        "1 table".to_owned()
    } else {
        format!("{} tables", n(count))
    }
}

fn names(relations: &[&Relation]) -> String {
    let names: Vec<String> = relations
        .iter()
        .map(|r| r.table.qualified().to_string())
        .collect();
    sentence(&names)
}

fn sentence(names: &[String]) -> String {
    let shown = names[..names.len().min(NAMES)].join(", ");
    match names.len().saturating_sub(NAMES) {
        0 => shown,
        more => format!("{shown} and {} more", n(more)),
    }
}

fn schemas(relations: &[&Relation]) -> Vec<String> {
    let mut schemas: Vec<String> = relations.iter().map(|r| r.table.schema.clone()).collect();
    schemas.sort();
    schemas.dedup();
    schemas
}
