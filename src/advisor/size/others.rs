//! How big an index of the other access methods would be: hash, BRIN, GiST, SP-GiST.

use crate::advisor::estimate::number::within;
use crate::advisor::size::entry::{Entry, align8};
use crate::advisor::size::{LINE_POINTER, PAGE};
use crate::model::catalog::{Column, Table};
use crate::model::index::{IndexDefinition, IndexKey};

/// Pages of a hash index: buckets for 75 % full pages, their number a power of two, beyond 512 a quarter of one
/// (`_hash_spareindex`, `_hash_get_totalbuckets`); equal values share a bucket and overflow it.
pub(super) fn hash(definition: &IndexDefinition, table: &Table, rows: f64) -> f64 {
    // A hash code and a row: `MAXALIGN(sizeof(IndexTupleData) + sizeof(uint32))` and a line pointer.
    const ITEM: f64 = 20.0;
    const FILL: f64 = 8192.0 * 0.75 / ITEM;
    const MOST: f64 = 8148.0 / ITEM;
    let wanted = (rows / FILL).max(2.0);
    let power = wanted.log2().ceil().exp2();
    let step = if power > 512.0 { power / 8.0 } else { power };
    let buckets = (wanted / step).ceil() * step;
    let column = definition
        .key_columns()
        .next()
        .and_then(|name| table.column(name));
    let stats = column.and_then(|c| c.stats.as_ref());
    let distinct = stats.map_or(rows, |s| s.distinct(rows)).max(1.0);
    let group = rows / distinct;
    // Groups of equal values in a bucket: as chance has it, if they are few.
    let mean = distinct / buckets;
    let mut overflow = 0.06;
    if group > 4.0 {
        let (mut chance, most) = ((-mean).exp(), (8.0 * mean + 20.0).min(2000.0));
        let mut groups = 0.0;
        overflow = 0.0;
        while groups < most {
            let excess: f64 = (groups * group - MOST).max(0.0);
            overflow += chance * (excess / MOST).ceil();
            groups += 1.0;
            chance *= mean / groups;
        }
    }
    (2.0 + buckets * (1.0 + overflow)).ceil()
}

/// Pages of a BRIN index: one summary, least and greatest values, for every 128 pages of the table.
pub(super) fn brin(definition: &IndexDefinition, table: &Table) -> f64 {
    const PAGES_PER_RANGE: f64 = 128.0;
    /// Summaries that a page of the map points to (`REVMAP_PAGE_MAXITEMS`).
    const MAPPED: f64 = 1360.0;
    let ranges = (table.relpages / PAGES_PER_RANGE).ceil().max(1.0);
    let columns = definition
        .key_columns()
        .filter_map(|name| table.column(name));
    let width = |c: &Column| c.stats.as_ref().map_or(8.0, |s| s.avg_width);
    let values: f64 = columns.map(|c| 2.0 * align8(width(c))).sum();
    let summary = align8(8.0 + values) + LINE_POINTER;
    1.0 + (ranges / MAPPED).ceil() + (ranges * summary / PAGE).ceil()
}

/// Pages of a GiST or SP-GiST index. On `PostgreSQL` 15 their pages came out 65 to 85 % full; those of ranges 70 % when they
/// came at random and 27 to 45 % when they came in order, as times do: a split leaves 30 % behind.
pub(super) fn gist(definition: &IndexDefinition, table: &Table, rows: f64) -> f64 {
    let of_key = |key: &IndexKey| key.column_name().and_then(|name| table.column(name));
    let ranges = definition
        .keys
        .iter()
        .filter_map(of_key)
        .any(|c| c.category == "R");
    let fill = if ranges { 0.45 } else { 0.6 };
    let widths = definition.keys.iter().map(|key| {
        let Some(column) = of_key(key) else {
            return 16.0;
        };
        let width = column.stats.as_ref().map_or(16.0, |s| s.avg_width);
        let opclass = key.opclass.as_deref().unwrap_or_default();
        match column.base_type.as_str() {
            // A box around it.
            "point" if definition.method == "gist" => 32.0,
            "tsvector" => 5.0 + 4.0 * ((width - 8.0) / 14.0).max(1.0),
            // Three bytes for each three letters.
            _ if opclass.ends_with("gist_trgm_ops") => 5.0 + 3.0 * (width + 1.0),
            // `btree_gist` keeps a lower and an upper bound.
            _ if column.btree && matches!(column.category.as_str(), "N" | "D") => 2.0 * width,
            _ => width,
        }
    });
    let entry = align8(8.0 + widths.sum::<f64>()) + LINE_POINTER;
    let leaves = within(rows * entry / PAGE / fill, 1.0, 1e12).ceil();
    // Inner pages hold as many entries as leaves do, less.
    leaves + (leaves * entry / PAGE / fill).ceil()
}

/// Pages of plain entries, for a method that nobody has measured: as a btree without deduplication.
pub(super) fn unknown(definition: &IndexDefinition, table: &Table, rows: f64) -> f64 {
    let entry = Entry::of(&definition.keys, &definition.include, table).size + LINE_POINTER;
    1.0 + (rows * entry / PAGE / 0.7).ceil()
}
