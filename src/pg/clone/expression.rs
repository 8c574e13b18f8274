//! Statistics of an expression that nobody has analyzed, from those of the column in it.
//!
//! The common values and the histogram bounds of a column are a sample of its rows, with weights. What the expression makes of
//! them is a sample of its values: the clone has every function, so it is simply asked. Where a histogram's bounds are too far
//! apart to show that neighbours coincide (`date_trunc('day', at)`), values between the bounds are tried too. An expression over several columns stays unknown, for nobody knows which of their values meet.

mod derived;

use serde::Deserialize;
use serde_json::Value;

use crate::model::ident::{quote_ident, quote_literal};
use crate::model::index::{IndexDefinition, KeyOf};
use crate::model::stats::ColumnStats;
use crate::pg::clone::{DATABASE, ROLE};
use crate::pg::error::Error;
use crate::pg::local::{LocalServer, Session};
use derived::{Made, Spread, derived};

/// Most bins of the histogram that are looked into, and values tried in each.
const BINS: usize = 100;
const WITHIN: usize = 128;
/// A column that may be the one in the expression.
#[derive(Debug, Deserialize)]
struct Input {
    column: String,
    type_name: String,
    /// How to calculate between two values: `numeric`, or the type itself; none if one cannot.
    between: Option<String>,
    rows: f64,
    stats: ColumnStats,
}

/// What is known of the expressions of an index.
#[derive(Debug, Default)]
pub(super) struct Guessed {
    /// Rows for `restore_all`.
    pub(super) rows: Vec<Value>,
    /// The first expression of which nothing is known.
    pub(super) unknown: Option<String>,
}

/// A session for asking: what comes from the Snapshot runs without privileges, and not for long.
pub(super) async fn session(server: &LocalServer, search_path: &str) -> Result<Session, Error> {
    let session = Session::open(&server.conninfo_as(ROLE, DATABASE)).await?;
    session
        .run(&format!(
            "SET statement_timeout = '5s'; SET search_path = {search_path}"
        ))
        .await?;
    Ok(session)
}

/// Statistics of the expressions among the keys of an index, for each of its relations by (schema, name): it, or those of the
/// partitions.
pub(super) async fn keys(
    session: &Session,
    definition: &IndexDefinition,
    relations: &[(&str, &str)],
) -> Result<Guessed, Error> {
    let mut guessed = Guessed::default();
    let table = (
        definition.table.schema.as_str(),
        definition.table.name.as_str(),
    );
    for (key, attnum) in definition.keys.iter().zip(1..) {
        let KeyOf::Expression(expression) = &key.of else {
            continue;
        };
        match statistics(session, table, expression).await? {
            None => guessed.unknown = guessed.unknown.or_else(|| Some(expression.clone())),
            Some(stats) => {
                let row = |(schema, name)| super::statistics::key(schema, name, attnum, &stats);
                guessed.rows.extend(relations.iter().copied().map(row));
            }
        }
    }
    Ok(guessed)
}

/// Statistics of an expression over a table of the clone's; `None` where they stay unknown.
async fn statistics(
    session: &Session,
    table: (&str, &str),
    expression: &str,
) -> Result<Option<ColumnStats>, Error> {
    for input in inputs(session, table, expression).await? {
        // That it is another column's expression, or fails for some value, is no error.
        let Ok(made) = evaluate(session, &input, expression).await else {
            continue;
        };
        let spread = spread(session, &input, expression).await;
        return Ok(derived(&input.stats, input.rows, &made, spread));
    }
    Ok(None)
}

/// Columns of the table with statistics whose name occurs in the expression, the longest first.
async fn inputs(
    session: &Session,
    (schema, table): (&str, &str),
    expression: &str,
) -> Result<Vec<Input>, Error> {
    let sql = format!(
        "SELECT json_build_object('column', s.attname, 'type_name', format_type(a.atttypid, a.atttypmod), \
         'between', CASE WHEN t.typcategory = 'N' THEN 'numeric' \
             WHEN a.atttypid IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype) THEN t.typname END, \
         'rows', greatest(c.reltuples, 1), 'stats', json_build_object('null_frac', s.null_frac, 'n_distinct', s.n_distinct, \
         'most_common_vals', s.most_common_vals::text::text[], 'most_common_freqs', s.most_common_freqs, \
         'histogram_bounds', s.histogram_bounds::text::text[], 'correlation', s.correlation)) \
         FROM pg_stats s JOIN pg_namespace n ON n.nspname = s.schemaname \
         JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = s.tablename \
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = s.attname JOIN pg_type t ON t.oid = a.atttypid \
         WHERE s.schemaname = {} AND s.tablename = {} AND position(s.attname IN {}) > 0 \
         AND coalesce(s.most_common_vals::text, s.histogram_bounds::text) IS NOT NULL \
         ORDER BY length(s.attname) DESC, s.attname, s.inherited DESC",
        quote_literal(schema),
        quote_literal(table),
        quote_literal(expression)
    );
    let rows = session.column(&sql).await?;
    Ok(rows
        .iter()
        .filter_map(|row| serde_json::from_str(row).ok())
        .collect())
}

/// The expression of each common value, of each bound, and of NULL.
async fn evaluate(session: &Session, input: &Input, expression: &str) -> Result<Vec<Made>, Error> {
    let common = input.stats.most_common_vals.iter().flatten();
    let bounds = input.stats.histogram_bounds.iter().flatten();
    let mut values: Vec<String> = common.chain(bounds).map(|v| quote_literal(v)).collect();
    values.push("NULL".into());
    let sql = format!(
        "SELECT json_build_object('value', pgperf_made::text, 'rank', rank() OVER (ORDER BY pgperf_made), \
         'width', coalesce(pg_column_size(pgperf_made), 0)) FROM (SELECT pgperf_n, ({expression}) AS pgperf_made FROM \
         (SELECT pgperf_n, pgperf_text::{} AS {} FROM unnest(ARRAY[{}]::text[]) WITH ORDINALITY v (pgperf_text, pgperf_n)) v) m \
         ORDER BY pgperf_n",
        input.type_name,
        quote_ident(&input.column),
        values.join(",")
    );
    let rows = session.column(&sql).await?;
    Ok(rows
        .iter()
        .filter_map(|row| serde_json::from_str(row).ok())
        .collect())
}

/// Tries values in the bins of the histogram; `None` where one cannot calculate with the column's type.
async fn spread(session: &Session, input: &Input, expression: &str) -> Option<Spread> {
    let between = input.between.as_ref()?;
    let bounds = input.stats.histogram_bounds.as_ref()?;
    let step = bounds.len().div_ceil(BINS);
    let bins: Vec<String> = (bounds.windows(2).step_by(step))
        .map(|pair| {
            let (low, high) = (quote_literal(&pair[0]), quote_literal(&pair[1]));
            format!("({low}::{between}, {high}::{between})")
        })
        .collect();
    let sql = format!(
        "SELECT avg(pgperf_made - 1) FROM (SELECT count(DISTINCT ({expression})) AS pgperf_made FROM \
         (SELECT pgperf_low, (pgperf_low + (pgperf_high - pgperf_low) * pgperf_n / {WITHIN})::{} AS {} \
         FROM (VALUES {}) b (pgperf_low, pgperf_high), generate_series(0, {WITHIN}) pgperf_n) v GROUP BY pgperf_low) m",
        input.type_name,
        quote_ident(&input.column),
        bins.join(",")
    );
    let answer = session.column(&sql).await.ok()?;
    #[allow(clippy::cast_precision_loss, reason = "small")]
    let tried = WITHIN as f64;
    Some(Spread {
        more: answer.first()?.parse().ok()?,
        tried,
    })
}
