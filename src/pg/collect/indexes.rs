//! Indexes and their usage.

use std::collections::BTreeMap;

use serde::Deserialize;
use tokio_postgres::types::Type;

use crate::model::gap::Part;
use crate::model::ident::QualifiedName;
use crate::model::index::{Index, KeyOf};
use crate::model::stats::IndexStats;
use crate::pg::collect::transaction::Transaction;
use crate::pg::collect::variant::{Collector, collector};
use crate::pg::error::Error;

const INDEXES: Collector = collector!("indexes", [(15, 0) => "15", (13, 0) => "13"]);
const INDEX_STATS: Collector = collector!("index_stats", [(16, 0) => "16", (13, 0) => "13"]);

#[derive(Deserialize)]
struct StatsRow {
    oid: u32,
    #[serde(flatten)]
    stats: IndexStats,
}

/// All indexes, by (table oid, index oid). Operator classes outside of `search_path` come with their schema.
pub(super) async fn indexes(
    transaction: &mut Transaction<'_>,
    search_path: &[String],
) -> Result<Vec<Index>, Error> {
    let mut indexes: Vec<Index> = transaction
        .collect_unlocked(Part::Indexes, &INDEXES, &[(&search_path, Type::TEXT_ARRAY)])
        .await?;
    let mut stats: BTreeMap<u32, IndexStats> = transaction
        .collect::<StatsRow>(Part::TableStats, &INDEX_STATS, &[])
        .await?
        .into_iter()
        .map(|row| (row.oid, row.stats))
        .collect();
    for index in &mut indexes {
        index.stats = stats.remove(&index.oid);
        complete(index);
    }
    Ok(indexes)
}

/// The index of that name, without usage.
pub(super) async fn named(
    transaction: &mut Transaction<'_>,
    search_path: &[String],
    name: &QualifiedName,
) -> Result<Option<Index>, Error> {
    let Some(sql) = INDEXES.fitting(transaction.version()) else {
        return Ok(None);
    };
    let sql = format!("select r.* from ({sql}\n) r where r.schema = $3 and r.name = $4");
    let locked = transaction.locked_oids();
    let mut indexes: Vec<Index> = transaction
        .rows(
            &sql,
            &[
                (&locked, Type::OID_ARRAY),
                (&search_path, Type::TEXT_ARRAY),
                (&name.schema, Type::TEXT),
                (&name.name, Type::TEXT),
            ],
        )
        .await?;
    let mut index = indexes.pop();
    index.iter_mut().for_each(complete);
    Ok(index)
}

/// Strips the parentheses that the server puts around an expression which is no function call. An expression or a
/// predicate that could not be read came as an empty text; a marker takes its place that is no SQL and equals no other.
fn complete(index: &mut Index) {
    let oid = index.oid;
    for (i, key) in index.definition.keys.iter_mut().enumerate() {
        if let KeyOf::Expression(text) = &mut key.of {
            if text.is_empty() {
                *text = format!("<expression {} of index {oid} not read>", i + 1);
                index.incomplete = true;
            } else if let Some(inner) = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
                *text = inner.to_owned();
            }
        }
    }
    if let Some(text) = &mut index.definition.predicate
        && text.is_empty()
    {
        *text = format!("<predicate of index {oid} not read>");
        index.incomplete = true;
    }
}
