//! Columns and their statistics.

use std::collections::BTreeMap;

use serde::Deserialize;
use tokio_postgres::types::Type;

use crate::model::catalog::Column;
use crate::model::definition::ExpressionStats;
use crate::model::gap::{Gap, Part};
use crate::model::stats::ColumnStats;
use crate::pg::collect::array::elements;
use crate::pg::collect::catalog::Relation;
use crate::pg::collect::transaction::Transaction;
use crate::pg::collect::variant::{Collector, collector};
use crate::pg::error::{Error, Kind};

const COLUMNS: Collector = collector!("columns", [(13, 0) => "13"]);
const COLUMN_STATS: Collector = collector!("column_stats", [(17, 0) => "17", (13, 0) => "13"]);

#[derive(Deserialize)]
struct ColumnRow {
    table_oid: u32,
    #[serde(flatten)]
    column: Column,
}

/// A row of `pg_stats`; arrays of values as the server's text.
#[derive(Deserialize)]
struct StatsRow {
    table_oid: u32,
    attnum: i16,
    null_frac: f64,
    avg_width: f64,
    n_distinct: f64,
    most_common_vals: Option<String>,
    most_common_freqs: Option<Vec<f64>>,
    histogram_bounds: Option<String>,
    correlation: Option<f64>,
    most_common_elems: Option<String>,
    most_common_elem_freqs: Option<Vec<f64>>,
    elem_count_histogram: Option<Vec<f64>>,
    range_length_histogram: Option<String>,
    range_empty_frac: Option<f64>,
    range_bounds_histogram: Option<String>,
}

impl From<StatsRow> for ColumnStats {
    fn from(row: StatsRow) -> Self {
        let list = |text: Option<String>| elements(&text?);
        Self {
            null_frac: row.null_frac,
            avg_width: row.avg_width,
            n_distinct: row.n_distinct,
            most_common_vals: list(row.most_common_vals),
            most_common_freqs: row.most_common_freqs,
            histogram_bounds: list(row.histogram_bounds),
            correlation: row.correlation,
            most_common_elems: list(row.most_common_elems),
            most_common_elem_freqs: row.most_common_elem_freqs,
            elem_count_histogram: row.elem_count_histogram,
            range_length_histogram: row.range_length_histogram,
            range_empty_frac: row.range_empty_frac,
            range_bounds_histogram: row.range_bounds_histogram,
        }
    }
}

/// Fills in the columns of all relations, with statistics; gives the statistics of index expressions.
pub(super) async fn columns(
    transaction: &mut Transaction<'_>,
    relations: &mut [Relation],
    gaps: &mut Vec<Gap>,
) -> Result<Vec<ExpressionStats>, Error> {
    let columns: Vec<ColumnRow> = transaction.collect(Part::Catalog, &COLUMNS, &[]).await?;
    let mut stats: BTreeMap<(u32, i16), ColumnStats> = statistics(transaction, gaps)
        .await?
        .into_iter()
        .map(|row| ((row.table_oid, row.attnum), row.into()))
        .collect();
    for row in columns {
        if let Ok(i) = relations.binary_search_by_key(&row.table_oid, |r| r.table.oid) {
            let mut column = row.column;
            column.stats = stats.remove(&(row.table_oid, column.attnum));
            relations[i].table.columns.push(column);
        }
    }
    // What is left belongs to no relation that statements read, hence to an index.
    Ok(stats
        .into_iter()
        .map(|((index_oid, attnum), stats)| ExpressionStats {
            index_oid,
            attnum,
            stats,
        })
        .collect())
}

/// With the values, or without if some value cannot be sent as UTF-8 (a database in `SQL_ASCII` holds any bytes).
async fn statistics(
    transaction: &mut Transaction<'_>,
    gaps: &mut Vec<Gap>,
) -> Result<Vec<StatsRow>, Error> {
    let Some(sql) = COLUMN_STATS.fitting(transaction.version()) else {
        return Ok(Vec::new());
    };
    let rows = transaction.rows(sql, &[(&true, Type::BOOL)]).await;
    match rows {
        Err(error) if error.kind == Kind::Query => {
            let rows = transaction.rows(sql, &[(&false, Type::BOOL)]).await;
            if rows.is_ok() {
                gaps.push(
                    Gap::new(
                        Part::ColumnStats,
                        format!("values in pg_stats could not be read: {error}"),
                    )
                    .effect("selectivities of constants are guessed from frequencies alone"),
                );
            }
            transaction.or_gap(Part::ColumnStats, COLUMN_STATS.name, rows)
        }
        rows => transaction.or_gap(Part::ColumnStats, COLUMN_STATS.name, rows),
    }
}
