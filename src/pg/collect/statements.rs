//! Statements: `pg_stat_statements`, chosen by the version of the extension, else `pg_stat_activity`.

use std::collections::BTreeMap;

use serde::Deserialize;
use tokio_postgres::types::Type;

use crate::model::gap::{Gap, Part};
use crate::model::ident::quote_ident;
use crate::model::server::{Extension, Server};
use crate::model::statement::{Source, Statement};
use crate::pg::collect::CollectOptions;
use crate::pg::collect::gaps;
use crate::pg::collect::transaction::{MARKER, Transaction};
use crate::pg::collect::variant::{Collector, collector, version};
use crate::pg::error::{Error, Kind};

const STATEMENTS: Collector = collector!("statements", [
    (1, 11) => "1.11",
    (1, 9) => "1.9",
    (1, 8) => "1.8",
    (1, 4) => "1.4",
]);
const STATEMENT_TEXTS: Collector = collector!("statement_texts", [(1, 4) => "1.4"]);
pub(super) const STATEMENTS_INFO: Collector = collector!("statements_info", [(1, 9) => "1.9"]);
const ACTIVITY: Collector = collector!("activity", [(14, 0) => "14", (13, 0) => "13"]);

/// What the server shows instead of other roles' texts.
const HIDDEN: &str = "<insufficient privilege>";

#[derive(Deserialize)]
struct StatementRow {
    #[serde(flatten)]
    statement: Statement,
    /// Rows of this database, before the limit.
    found: i64,
}

#[derive(Deserialize)]
struct TextRow {
    queryid: i64,
    userid: u32,
    query: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct InfoRow {
    pub(super) dealloc: i64,
    pub(super) stats_reset: Option<f64>,
}

/// All statements, most expensive first; adds what the extension says of itself to `server`, and what is missing to `gaps`.
pub(super) async fn statements(
    transaction: &mut Transaction<'_>,
    server: &mut Server,
    taken_at: f64,
    options: &CollectOptions,
    gaps: &mut Vec<Gap>,
) -> Result<Vec<Statement>, Error> {
    let mut statements = Vec::new();
    let mut seen = false;
    if options.statements {
        match server.extensions.get("pg_stat_statements").cloned() {
            None => gaps.push(gaps::no_extension(server)),
            Some(extension) => match figures(transaction, server, &extension, options).await {
                Ok(rows) => {
                    seen = true;
                    statements =
                        with_texts(transaction, server, &extension, rows, taken_at, gaps).await?;
                }
                Err(error) if error.kind == Kind::Lost => return Err(error),
                Err(error) => gaps.push(gaps::unreadable_extension(server, &error)),
            },
        }
    }
    if options.activity || options.statements && !seen {
        statements.extend(activity(transaction, server, gaps).await?);
    }
    Ok(statements)
}

async fn figures(
    transaction: &Transaction<'_>,
    server: &Server,
    extension: &Extension,
    options: &CollectOptions,
) -> Result<Vec<StatementRow>, Error> {
    let sql = in_schema(&STATEMENTS, extension).ok_or_else(|| {
        Error::new(
            Kind::Query,
            format!("version {} is too old", extension.version),
        )
    })?;
    transaction
        .rows(
            &sql,
            &[
                (&server.database_oid, Type::OID),
                (&i64::from(options.max_statements), Type::INT8),
            ],
        )
        .await
}

/// Adds texts to the rows kept, reads what the extension says of itself, and notes what is missing.
async fn with_texts(
    transaction: &mut Transaction<'_>,
    server: &mut Server,
    extension: &Extension,
    rows: Vec<StatementRow>,
    taken_at: f64,
    gaps: &mut Vec<Gap>,
) -> Result<Vec<Statement>, Error> {
    let found = rows.first().map_or(0, |row| row.found);
    let mut statements: Vec<Statement> = rows.into_iter().map(|row| row.statement).collect();
    let cut = usize::try_from(found)
        .unwrap_or(0)
        .saturating_sub(statements.len());
    let hidden = statements.iter().filter(|s| s.queryid.is_none()).count();

    let mut ids: Vec<i64> = statements.iter().filter_map(|s| s.queryid).collect();
    ids.sort_unstable();
    ids.dedup();
    let texts: Result<Vec<TextRow>, Error> = match in_schema(&STATEMENT_TEXTS, extension) {
        Some(sql) if !ids.is_empty() => {
            transaction
                .rows(
                    &sql,
                    &[(&server.database_oid, Type::OID), (&ids, Type::INT8_ARRAY)],
                )
                .await
        }
        _ => Ok(Vec::new()),
    };
    let texts = match texts {
        Err(error) if error.kind != Kind::Lost => {
            gaps.push(gaps::unreadable_texts(&error));
            None
        }
        texts => Some(texts?),
    };
    let unreadable = texts.is_none();
    let mut texts: BTreeMap<(i64, u32), String> = texts
        .into_iter()
        .flatten()
        .filter_map(|row| Some(((row.queryid, row.userid), row.query?)))
        .collect();
    for statement in &mut statements {
        statement.source = Source::PgStatStatements;
        statement.query = statement
            .queryid
            .and_then(|id| texts.get(&(id, statement.userid)).cloned())
            .filter(|text| text != HIDDEN);
    }
    texts.clear();
    let purged = statements
        .iter()
        .filter(|s| s.queryid.is_some() && s.query.is_none())
        .count();
    // pgperf's own are no part of the workload.
    statements.retain(|s| !s.query.as_deref().is_some_and(|q| q.contains(MARKER)));

    if let Some(sql) = in_schema(&STATEMENTS_INFO, extension) {
        let info = transaction.rows::<InfoRow>(&sql, &[]).await;
        let info = transaction.or_gap(Part::Statements, STATEMENTS_INFO.name, info)?;
        if let Some(info) = info.first() {
            server.statements_dealloc = Some(info.dealloc);
            server.statements_reset = info.stats_reset;
        }
    }
    gaps.extend(gaps::of_statements(
        server,
        &gaps::StatementCounts {
            kept: statements.len(),
            cut,
            hidden,
            purged: if unreadable { 0 } else { purged },
        },
        taken_at,
    ));
    Ok(statements)
}

async fn activity(
    transaction: &mut Transaction<'_>,
    server: &Server,
    gaps: &mut Vec<Gap>,
) -> Result<Vec<Statement>, Error> {
    let mut statements: Vec<Statement> =
        transaction.collect(Part::Activity, &ACTIVITY, &[]).await?;
    let hidden: usize = statements
        .iter()
        .filter(|s| s.query.as_deref() == Some(HIDDEN))
        .map(|s| usize::try_from(s.calls).unwrap_or(0))
        .sum();
    if hidden > 0 {
        gaps.push(gaps::hidden_sessions(server, hidden));
    }
    statements.retain(|s| {
        s.query
            .as_deref()
            .is_some_and(|q| q != HIDDEN && !q.contains(MARKER))
    });
    Ok(statements)
}

/// The fitting file, with the one substitution that SQL files may have: the extension's schema, as extension scripts write it.
pub(super) fn in_schema(collector: &Collector, extension: &Extension) -> Option<String> {
    let sql = collector.fitting(version(&extension.version))?;
    Some(sql.replace("@extschema@", &quote_ident(&extension.schema)))
}
