//! Lists of common combinations of extended statistics, in the bytes that the server keeps them in.
//!
//! Their values are in each type's own storage, which only the server can make. So it makes a list of its own: a scratch table
//! gets every combination once, is analyzed, and the shares in the resulting bytes are then set to the true ones. The shares of
//! item i, two doubles behind one flag per column for NULLs, and followed by two bytes per column, stand at the end
//! (`statext_mcv_serialize` in `mcv.c`; the same in 13 to 18). That they are where they should be is checked before.

use serde_json::{Value, json};

use crate::model::catalog::Table;
use crate::model::ident::{quote_ident, quote_literal};
use crate::model::snapshot::Snapshot;
use crate::model::stats::{Combination, ExtendedStats};
use crate::pg::clone::rebuild::search_path;
use crate::pg::clone::{DATABASE, ROLE};
use crate::pg::error::Error;
use crate::pg::local::{LocalServer, Session};

/// Where the scratch tables live for a moment.
const SCHEMA: &str = "pgperf_scratch";

/// Bytes of one list.
pub(super) struct List {
    /// Position of the object among the Snapshot's.
    pub(super) object: usize,
    pub(super) bytes: Vec<u8>,
}

/// The lists of all objects that have one, and the names of those whose list could not be made.
pub(super) async fn lists(
    server: &LocalServer,
    superuser: &Session,
    snapshot: &Snapshot,
) -> Result<(Vec<List>, Vec<String>), Error> {
    let objects = snapshot.extended_stats.iter().enumerate();
    let objects: Vec<_> = objects.filter(|(_, s)| !s.most_common.is_empty()).collect();
    let (mut lists, mut failed) = (Vec::new(), Vec::new());
    if objects.is_empty() {
        return Ok((lists, failed));
    }
    superuser
        .run(&format!("CREATE SCHEMA {SCHEMA} AUTHORIZATION {ROLE}"))
        .await?;
    let owner = Session::open(&server.conninfo_as(ROLE, DATABASE)).await?;
    owner
        .run(&format!("SET search_path = {}", search_path(snapshot)))
        .await?;
    for (object, stats) in objects {
        let made = match snapshot.table(stats.table_oid) {
            Some(table) => list(&owner, superuser, stats, table).await,
            None => Ok(None),
        };
        match made {
            Ok(Some(bytes)) => lists.push(List { object, bytes }),
            Ok(None) => failed.push(format!("statistics {}.{}", stats.schema, stats.name)),
            Err(e) => failed.push(format!("statistics {}.{}: {e}", stats.schema, stats.name)),
        }
    }
    superuser
        .run(&format!("DROP SCHEMA {SCHEMA} CASCADE"))
        .await?;
    Ok((lists, failed))
}

async fn list(
    owner: &Session,
    superuser: &Session,
    stats: &ExtendedStats,
    table: &Table,
) -> Result<Option<Vec<u8>>, Error> {
    // What type an expression has the Snapshot does not say.
    let Some(script) = script(stats, table) else {
        return Ok(None);
    };
    owner.run(&script).await?;
    let made = format!(
        "FROM pg_statistic_ext e JOIN pg_statistic_ext_data d ON d.stxoid = e.oid \
         WHERE e.stxname = 'combinations' AND e.stxnamespace = '{SCHEMA}'::regnamespace"
    );
    let bytes = superuser
        .column(&format!("SELECT encode(stxdmcv::bytea, 'hex') {made}"))
        .await?;
    let items = superuser
        .column(&format!(
            "SELECT json_build_array(i.values, i.frequency) {} ORDER BY i.index",
            made.replace(" WHERE", ", pg_mcv_list_items(d.stxdmcv) i WHERE")
        ))
        .await?;
    owner.run(&format!("DROP TABLE {SCHEMA}.scratch")).await?;
    let items: Vec<Item> = (items.iter())
        .filter_map(|i| serde_json::from_str(i).ok())
        .collect();
    let bytes = bytes.first().and_then(|hex| from_hex(hex));
    Ok(bytes.and_then(|bytes| with_shares(bytes, &items, &stats.most_common, stats.columns.len())))
}

/// Makes a list of the combinations, all of the same share.
fn script(stats: &ExtendedStats, table: &Table) -> Option<String> {
    if !stats.expressions.is_empty() {
        return None;
    }
    let (mut columns, mut values) = (Vec::new(), Vec::new());
    for (number, name) in stats.columns.iter().enumerate() {
        let column = table.column(name)?;
        let name = quote_ident(name);
        columns.push(format!("{name} {}", column.type_name));
        values.push(format!("(v ->> {number})::{}", column.type_name));
    }
    let names: Vec<_> = stats.columns.iter().map(|n| quote_ident(n)).collect();
    let rows: Vec<Value> = (stats.most_common.iter())
        .map(|c| json!(c.values))
        .collect();
    Some(format!(
        "CREATE TABLE {SCHEMA}.scratch ({}); \
         INSERT INTO {SCHEMA}.scratch SELECT {} FROM jsonb_array_elements({}) v; \
         CREATE STATISTICS {SCHEMA}.combinations (mcv) ON {} FROM {SCHEMA}.scratch; \
         ALTER STATISTICS {SCHEMA}.combinations SET STATISTICS 10000; \
         ANALYZE {SCHEMA}.scratch",
        columns.join(", "),
        values.join(", "),
        quote_literal(&Value::from(rows).to_string()),
        names.join(", "),
    ))
}

/// An item as the server reads it: values and share.
type Item = (Vec<Option<String>>, f64);

/// The same list with the shares of `combinations`; `None` if it does not hold them.
fn with_shares(
    mut bytes: Vec<u8>,
    items: &[Item],
    combinations: &[Combination],
    columns: usize,
) -> Option<Vec<u8>> {
    const DOUBLE: usize = size_of::<f64>();
    let size = columns * (size_of::<bool>() + size_of::<u16>()) + 2 * DOUBLE;
    let first = bytes.len().checked_sub(items.len() * size)?;
    for (number, (values, made)) in items.iter().enumerate() {
        let wanted = combinations.iter().find(|c| c.values == *values)?;
        let at = first + number * size + columns;
        let share = bytes.get(at..at + DOUBLE)?;
        if *share != made.to_ne_bytes() {
            return None;
        }
        let shares = [wanted.frequency, wanted.base_frequency];
        let shares: Vec<u8> = shares.iter().flat_map(|s| s.to_ne_bytes()).collect();
        bytes[at..at + 2 * DOUBLE].copy_from_slice(&shares);
    }
    (items.len() == combinations.len()).then_some(bytes)
}

fn from_hex(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.map(byte).collect()
}
