//! What was not seen, why, and the exact commands that close it: the server, its relations, and locks.

mod statements;

use crate::model::catalog::{ConstraintKind, TableKind};
use crate::model::gap::{Gap, Part};
use crate::model::ident::quote_ident;
use crate::model::index::Index;
use crate::model::server::Server;
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Count, Millis};
use crate::pg::collect::catalog::Relation;
use crate::pg::collect::transaction::Locked;

pub(super) use statements::{
    StatementCounts, hidden_sessions, no_extension, of_statements, unreadable_extension,
    unreadable_texts,
};

/// Counters younger than this say little about what is never used.
const YOUNG_SECONDS: f64 = 86_400.0;

/// Commands for single tables, before one command for all is shorter.
const COMMANDS: usize = 10;

/// Names listed in one sentence.
const NAMES: usize = 5;

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

/// Shows the sessions that are in the way.
pub(super) const WHO_LOCKS: &str = "SELECT l.relation::regclass, a.pid, a.state, a.query FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.mode = 'AccessExclusiveLock'; -- wait for these to end, then run pgperf again";

/// What makes a changed setting hold.
const RELOAD: &str = "SELECT pg_reload_conf();";

/// Expressions of indexes whose statistics only others see.
pub(super) fn of_expressions(server: &Server, indexes: &[Index]) -> Option<Gap> {
    let hidden: Vec<&Index> = indexes.iter().filter(|i| i.stats_hidden).collect();
    let user = quote_ident(&server.user);
    let names: Vec<String> = hidden.iter().map(|i| i.qualified().to_string()).collect();
    let gap = Gap::new(
        Part::ColumnStats,
        format!(
            "statistics of expressions in {} {} are hidden from {user}: {}",
            n(hidden.len()),
            if hidden.len() == 1 {
                "index"
            } else {
                "indexes"
            },
            sentence(&names)
        ),
    )
    .effect("a clone estimates them from their columns, arithmetic guesses")
    .count(hidden.len());
    (!hidden.is_empty()).then(|| match server.major() {
        14.. => gap.close(format!("GRANT pg_read_all_data TO {user};")),
        _ => gap,
    })
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
                "{} no column statistics, never analyzed or only while empty: {}",
                if never.len() == 1 {
                    "1 table has".to_owned()
                } else {
                    format!("{} tables have", n(never.len()))
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
    let generated = snapshot
        .definitions
        .generated
        .iter()
        .filter(|g| g.expression.is_none());
    let unread = tables.count()
        + indexes.count()
        + constraints.count()
        + statistics.count()
        + generated.count();
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
        .close(WHO_LOCKS)
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
