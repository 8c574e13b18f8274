//! Extended statistics in the bytes that the server keeps them in, made from the text that `pg_stats_ext` shows.
//!
//! Their types have no input function, so the bytes are written here (`statext_ndistinct_serialize` in `mvdistinct.c`,
//! `statext_dependencies_serialize` in `dependencies.c`; the same in 13 to 18) and cast. Lists of common combinations come from
//! the server itself (`combinations`).

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::model::catalog::{Table, TableKind};
use crate::model::snapshot::Snapshot;
use crate::model::stats::ExtendedStats;
use crate::pg::clone::combinations::List;

const NDISTINCT_MAGIC: u32 = 0xA352_BFA4;
const DEPENDENCIES_MAGIC: u32 = 0xB454_9A2C;
/// The only type of either.
const BASIC: u32 = 1;

/// One row an object whose figures were seen, for `restore_extended`.
pub(super) fn statistics(snapshot: &Snapshot, lists: &[List]) -> Vec<Value> {
    let row = |(position, s): (usize, &ExtendedStats)| {
        let table = snapshot.table(s.table_oid)?;
        let n_distinct = s.n_distinct.as_ref().and_then(|t| ndistinct(t, table));
        let dependencies = s.dependencies.as_ref().and_then(|t| dependencies(t, table));
        let list = lists.iter().find(|l| l.object == position);
        let any = n_distinct.is_some() || dependencies.is_some() || list.is_some();
        any.then(|| {
            json!({
                "schema": s.schema, "name": s.name, "inherited": table.kind == TableKind::Partitioned,
                "n_distinct": n_distinct.map(|b| hex(&b)), "dependencies": dependencies.map(|b| hex(&b)),
                "most_common": list.map(|l| hex(&l.bytes)),
            })
        })
    };
    let objects = snapshot.extended_stats.iter().enumerate();
    objects.filter_map(row).collect()
}

/// `{"1, 2": 100, "1, 3": 700}`.
fn ndistinct(text: &str, table: &Table) -> Option<Vec<u8>> {
    let items: Map<String, Value> = serde_json::from_str(text).ok()?;
    let mut bytes = head(NDISTINCT_MAGIC, items.len())?;
    for (columns, count) in &items {
        let columns = attributes(columns, table)?;
        bytes.extend(count.as_f64()?.to_ne_bytes());
        bytes.extend(i32::try_from(columns.len()).ok()?.to_ne_bytes());
        bytes.extend(columns.iter().flat_map(|c| c.to_ne_bytes()));
    }
    Some(bytes)
}

/// `{"1 => 2": 1.0, "1, 3 => 2": 0.5}`.
fn dependencies(text: &str, table: &Table) -> Option<Vec<u8>> {
    let items: Map<String, Value> = serde_json::from_str(text).ok()?;
    let mut bytes = head(DEPENDENCIES_MAGIC, items.len())?;
    for (columns, degree) in &items {
        let (from, to) = columns.split_once("=>")?;
        let mut columns = attributes(from, table)?;
        columns.extend(attributes(to, table)?);
        bytes.extend(degree.as_f64()?.to_ne_bytes());
        bytes.extend(i16::try_from(columns.len()).ok()?.to_ne_bytes());
        bytes.extend(columns.iter().flat_map(|c| c.to_ne_bytes()));
    }
    Some(bytes)
}

fn head(magic: u32, items: usize) -> Option<Vec<u8>> {
    let items = u32::try_from(items).ok()?;
    let words = [magic, BASIC, items];
    Some(words.iter().flat_map(|w| w.to_ne_bytes()).collect())
}

/// Attribute numbers as the clone has them: it has no dropped columns. Expressions have negative ones, which stay.
fn attributes(list: &str, table: &Table) -> Option<Vec<i16>> {
    let number = |text: &str| {
        let number: i16 = text.trim().parse().ok()?;
        if number < 0 {
            return Some(number);
        }
        let position = table.columns.iter().position(|c| c.attnum == number)?;
        i16::try_from(position + 1).ok()
    };
    list.split(',').map(number).collect()
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::Column;

    /// As PostgreSQL 16 wrote them for the same texts, on a little-endian machine.
    #[test]
    #[cfg(target_endian = "little")]
    fn the_bytes_are_the_servers() {
        let column = |attnum| Column {
            attnum,
            ..Column::default()
        };
        let table = json!({
            "oid": 1, "schema": "s", "name": "t", "kind": "r", "persistence": "p",
            "reltuples": 1.0, "relpages": 1.0, "relallvisible": 1.0,
        });
        let mut table: Table = serde_json::from_value(table).unwrap();
        table.columns = vec![column(1), column(2), column(3)];
        let bytes = ndistinct(r#"{"1, 2": 100, "1, 3": 700, "2, 3": 70}"#, &table).unwrap();
        let items = [
            "a4bf52a30100000003000000",
            "00000000000059400200000001000200",
            "0000000000e085400200000001000300",
            "00000000008051400200000002000300",
        ];
        assert_eq!(hex(&bytes), items.concat());
        let bytes = dependencies(r#"{"1 => 2": 1.000000, "1, 3 => 2": 1.000000}"#, &table).unwrap();
        let items = [
            "2c9a54b40100000002000000",
            "000000000000f03f020001000200",
            "000000000000f03f0300010003000200",
        ];
        assert_eq!(hex(&bytes), items.concat());
        // A column was dropped before the second one.
        table.columns = vec![column(1), column(4)];
        assert_eq!(attributes("1, 4", &table), Some(vec![1, 2]));
        assert_eq!(attributes("1, 2", &table), None);
    }
}
