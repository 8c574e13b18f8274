//! How big an index would be: pages and height from the column statistics, as `CREATE INDEX` would build it.
//!
//! For a btree it follows the bulk loader of `nbtsort.c` (fill factor, high key, posting lists) rather than a rule of thumb, because
//! both storage budgets and the planner's own choice hang on the page count, and `HypoPG` knows neither deduplication nor height.

mod distinct;
mod elements;
pub(crate) mod entry;
mod gin;
mod others;

use std::collections::BTreeMap;

use crate::advisor::estimate::number::{fraction, within};
use crate::advisor::estimate::predicate_selectivity;
use crate::advisor::size::entry::{Entry, align8, size_of_value};
use crate::model::catalog::{Column, Table, TableKind};
use crate::model::index::{Index, IndexDefinition, KeyOf};
use crate::model::snapshot::Snapshot;
use crate::model::whatif::Hypothetical;

/// `ItemIdData`: the line pointer of each entry.
const LINE_POINTER: f64 = 4.0;
/// Usable bytes of a page of the other access methods: 8192 - 24 header - 16 special.
const PAGE: f64 = 8152.0;
/// Free bytes of an empty btree page as `PageGetFreeSpace` counts them: 8192 - 24 header - 16 special - 2 line pointers.
const PAGE_FREE: f64 = 8144.0;
/// Bytes that the loader leaves free in a leaf: 100 - fillfactor 90 percent (`nbtsort.c`, `btps_full`).
const LEAF_RESERVE: f64 = 819.0;
/// The same for inner pages, which are filled to 70 percent (`BTREE_NONLEAF_FILLFACTOR`).
const INNER_RESERVE: f64 = 2457.0;
/// Longest posting list tuple of the bulk loader: a tenth of a page, aligned down, less a line pointer (`_bt_load`).
const POSTING_MAX: f64 = 812.0;
/// `ItemPointerData`: one heap TID in a posting list.
const TID: f64 = 6.0;

/// Pages and tree height (levels above the leaves) of a btree on `table`, of which the fraction `selectivity` of rows is
/// indexed (1 for a full index). An index of another access method has no height that matters.
#[must_use]
pub fn size(definition: &IndexDefinition, table: &Table, selectivity: f64) -> (f64, f64) {
    let share = if selectivity.is_nan() {
        1.0
    } else {
        selectivity.clamp(0.0, 1.0)
    };
    size_of_rows(definition, table, table.rows() * share, f64::INFINITY)
}

/// The index as a what-if question can ask for it. A predicate is sized by its selectivity, as far as it is understood.
#[must_use]
pub fn hypothetical(definition: &IndexDefinition, table: &Table) -> Hypothetical {
    let (pages, tree_height) = size(definition, table, predicate_selectivity(definition, table));
    Hypothetical {
        definition: definition.clone(),
        pages,
        tree_height,
    }
}

/// Like [`hypothetical`], but an index on a partitioned table is the sum over its leaf partitions, and as high as the
/// highest. `None` when the table is not in the snapshot.
#[must_use]
pub fn hypothetical_in(definition: &IndexDefinition, snapshot: &Snapshot) -> Option<Hypothetical> {
    let table = snapshot.table(definition.table_oid)?;
    let selectivity = predicate_selectivity(definition, table);
    let most = distinct::most_distinct(definition, table, snapshot);
    let leaves = leaf_partitions(table, snapshot);
    let (pages, tree_height) = if leaves.is_empty() {
        size_of_rows(definition, table, table.rows() * selectivity, most)
    } else {
        (0.0, 0.0)
    };
    let mut whole = Hypothetical {
        definition: definition.clone(),
        pages,
        tree_height,
    };
    for leaf in leaves {
        // The parent's statistics describe all partitions together; a partition without own ones borrows them.
        let known = leaf.columns.iter().any(|c| c.stats.is_some());
        let described = if known { leaf } else { table };
        let (pages, height) = size_of_rows(definition, described, leaf.rows() * selectivity, most);
        whole.pages += pages;
        whole.tree_height = whole.tree_height.max(height);
    }
    Some(whole)
}

/// Partitions of a partitioned table that hold rows, at any depth; empty for any other table.
pub(crate) fn leaf_partitions<'a>(table: &Table, snapshot: &'a Snapshot) -> Vec<&'a Table> {
    if table.kind != TableKind::Partitioned {
        return Vec::new();
    }
    let holds_rows = |t: &&Table| t.parent_oid.is_some() && t.kind != TableKind::Partitioned;
    let is_below = |t: &&Table| {
        let mut parent = t.parent_oid;
        // A partition tree deeper than this is a loop in a damaged snapshot.
        for _ in 0..32 {
            if parent == Some(table.oid) {
                return true;
            }
            parent = parent
                .and_then(|oid| snapshot.table(oid))
                .and_then(|t| t.parent_oid);
        }
        false
    };
    let tables = snapshot.tables.iter();
    tables.filter(holds_rows).filter(is_below).collect()
}

/// Height of an index of which only the page count is known, from the fan-out of its inner pages. One that is clearly longer
/// than a fresh one of as many rows has grown by inserts, and its root is split only when it is full.
#[must_use]
pub fn height_of_pages(definition: &IndexDefinition, table: &Table, pages: f64) -> f64 {
    const GROWN: f64 = 1.15;
    // All but the meta page and the inner levels are leaves; that difference hardly ever moves the height.
    let leaves = if pages.is_finite() { pages - 1.0 } else { 1.0 };
    let (fresh, _) = size(definition, table, predicate_selectivity(definition, table));
    if table.rows() > 0.0 && pages > GROWN * fresh {
        let pivot = truncated_pivot(definition, table, leaves);
        let full = PAGE_FREE / (pivot + LINE_POINTER);
        let mut below_root = leaves;
        let mut levels: f64 = 0.0;
        while below_root > full {
            below_root = (below_root / fanout(pivot)).ceil();
            levels += 1.0;
        }
        return if below_root > 1.0 {
            levels + 1.0
        } else {
            levels
        };
    }
    levels(leaves, Entry::of(&definition.keys, &[], table).size).0
}

/// Levels above the leaves of the btrees that exist, by oid.
#[must_use]
pub fn heights(snapshot: &Snapshot) -> BTreeMap<u32, f64> {
    let height = |index: &Index| {
        let table = snapshot.table(index.definition.table_oid)?;
        let pages = snapshot.definitions.pages(index.oid);
        let height = height_of_pages(&index.definition, table, pages.unwrap_or(index.relpages));
        (index.definition.method == "btree").then_some((index.oid, height))
    };
    snapshot.indexes.iter().filter_map(height).collect()
}

/// Mean size of the keys that part leaves which came from splits: where a split can choose its place, only as many columns
/// stay as tell the leaves apart (`_bt_findsplitloc`, `_bt_truncate`; 12+). Half of the keys are taken to be such; of indexes
/// measured, one had nearly all of them, another few.
fn truncated_pivot(definition: &IndexDefinition, table: &Table, leaves: f64) -> f64 {
    let keys = &definition.keys;
    let mut distinct = 1.0;
    let needed = keys.iter().position(|key| {
        let stats = key
            .column_name()
            .and_then(|name| table.column(name)?.stats.as_ref());
        distinct *= stats.map_or(1.0, |s| s.distinct(table.rows()));
        distinct >= 2.0 * leaves
    });
    let kept = needed.map_or(keys.len(), |at| at + 1);
    let size = |kept: usize| Entry::of(&keys[..kept], &[], table).size;
    f64::midpoint(size(kept), size(keys.len()))
}

/// Of so many rows, with no more than `most` different keys.
fn size_of_rows(definition: &IndexDefinition, table: &Table, rows: f64, most: f64) -> (f64, f64) {
    let rows = within(rows, 0.0, 1e15);
    match definition.method.as_str() {
        "btree" => btree(definition, table, rows, most),
        "gin" => (gin::pages(definition, table, rows), 0.0),
        "hash" => (others::hash(definition, table, rows), 0.0),
        "brin" => (others::brin(definition, table), 0.0),
        "gist" | "spgist" => (others::gist(definition, table, rows), 0.0),
        _ => (others::unknown(definition, table, rows), 0.0),
    }
}

fn btree(definition: &IndexDefinition, table: &Table, rows: f64, most_distinct: f64) -> (f64, f64) {
    let entry = Entry::of(&definition.keys, &definition.include, table);
    let plain = rows / per_leaf(entry.size, 0.0, entry.constant);
    let columns: Vec<Option<&Column>> = definition
        .keys
        .iter()
        .map(|key| match &key.of {
            KeyOf::Column(name) => table.column(name),
            KeyOf::Expression(_) => None,
        })
        .collect();
    // INCLUDE switches deduplication off (`_bt_allequalimage`). A unique index may do it, but has nothing to merge.
    let deduplicates = definition.include.is_empty()
        && !definition.unique
        && columns.iter().all(|c| c.is_some_and(|c| c.dedup));
    let leaves = if deduplicates {
        let columns: Vec<&Column> = columns.iter().copied().flatten().collect();
        deduplicated(&columns, &entry, rows, most_distinct).min(plain)
    } else {
        plain
    };
    let leaves = leaves.ceil().max(1.0);
    let pivot = Entry::of(&definition.keys, &[], table).size;
    // Where two leaves meet within equal keys, the key that parts them needs a heap TID as well (`_bt_truncate`).
    let most = ((POSTING_MAX - entry.size) / TID).max(1.0);
    let entries = if deduplicates { rows / most } else { rows };
    let distinct = if definition.unique {
        rows
    } else {
        distinct_keys(&columns, rows).min(most_distinct)
    };
    let shared = (1.0 - distinct / entries.max(1.0)).max(0.0);
    let (height, inner) = levels(leaves, pivot + 8.0 * shared);
    (leaves + inner + 1.0, height)
}

/// How many different keys there are; columns are taken as independent, and those without statistics as unique.
fn distinct_keys(columns: &[Option<&Column>], rows: f64) -> f64 {
    let stats = |c: Option<&Column>| {
        c.and_then(|c| c.stats.as_ref())
            .map_or(rows, |s| s.distinct(rows))
    };
    let combinations: f64 = columns.iter().copied().map(stats).product();
    if columns.len() == 1 {
        return combinations;
    }
    // So many of the combinations turn up in that many rows.
    combinations * -(-rows / combinations.max(1.0)).exp_m1()
}

/// Children of an inner page as the loader fills it.
fn fanout(pivot: f64) -> f64 {
    // Three children at least: nbtree refuses keys of which fewer than three fit a page.
    (((PAGE_FREE - INNER_RESERVE) / (pivot + LINE_POINTER)).floor() + 1.0).max(3.0)
}

/// Levels above the leaves, and the pages in them.
fn levels(leaves: f64, pivot: f64) -> (f64, f64) {
    let fanout = fanout(pivot);
    let (mut height, mut inner, mut level) = (0.0, 0.0, leaves);
    while level > 1.0 {
        level = (level / fanout).ceil();
        inner += level;
        height += 1.0;
    }
    (height, inner)
}

/// Entries of `size` bytes that the loader puts into a leaf (`_bt_buildadd`). It counts the posting list of the last one
/// as free, because truncation takes it out of the high key; the last entry that fits moves on to the next page.
fn per_leaf(size: f64, posting: f64, constant: bool) -> f64 {
    let size = size + LINE_POINTER;
    let count = (PAGE_FREE - LEAF_RESERVE + posting) / size;
    let physical = PAGE_FREE / size - 1.0;
    let count = if constant {
        count.floor().min(physical.floor())
    } else {
        count.min(physical)
    };
    count.max(1.0)
}

/// Leaf pages when equal keys share posting lists. Rows with the same columns NULL are taken together; among them each
/// most common value of a single column is a group, and the rest, as well as several columns, spread evenly.
fn deduplicated(columns: &[&Column], entry: &Entry, rows: f64, most: f64) -> f64 {
    let leaves = |&(nulls, share, size): &(u64, f64, f64)| {
        let (all, rows) = (rows, rows * share);
        let present: Vec<&&Column> = columns
            .iter()
            .enumerate()
            .filter(|(at, _)| nulls >> at & 1 == 0)
            .map(|(_, column)| column)
            .collect();
        if let ([column], [_]) = (present.as_slice(), columns) {
            return single_column(column, size, rows, all);
        }
        let distinct = |c: &&&Column| c.stats.as_ref().map_or(all, |s| s.distinct(all));
        let combinations: f64 = present.iter().map(distinct).product();
        // So many of the combinations turn up in that many rows, and no fewer than one column alone has values.
        let least = present.iter().map(distinct).fold(1.0, f64::max);
        let turn_up = (combinations * -(-rows / combinations).exp_m1()).min(most);
        let turn_up = turn_up.max(least);
        group_leaves(turn_up, rows, size)
    };
    entry.variants.iter().map(leaves).sum()
}

/// The rows of an index on one column that are not NULL, `all` with those that are.
fn single_column(column: &Column, size: f64, rows: f64, all: f64) -> f64 {
    let Some(stats) = &column.stats else {
        return rows / per_leaf(size, 0.0, false);
    };
    let not_null = (1.0 - fraction(stats.null_frac)).max(1e-9);
    let (mut rest, mut common, mut leaves) = (not_null, 0.0, 0.0);
    let frequencies = stats.most_common_freqs.iter().flatten();
    for (at, &frequency) in frequencies.enumerate() {
        let frequency = fraction(frequency).min(rest);
        rest -= frequency;
        common += 1.0;
        let value = stats.most_common_vals.as_ref().and_then(|v| v.get(at));
        let key = value.map_or(size, |v| size_of_value(column, v, size));
        leaves += group_leaves(1.0, rows * frequency / not_null, key);
    }
    let others = stats.distinct(all) - common;
    leaves + group_leaves(others, rows * rest / not_null, size)
}

/// Leaf pages of `rows` entries spread evenly over `distinct` keys of that size.
fn group_leaves(distinct: f64, rows: f64, key: f64) -> f64 {
    if rows < 1.0 {
        return 0.0;
    }
    // A mean over keys of several widths: most are of the nearest aligned size.
    let key = (key / 8.0).round() * 8.0;
    let most = ((POSTING_MAX - key) / TID).floor();
    if most < 2.0 {
        return rows / per_leaf(key, 0.0, true);
    }
    let distinct = within(distinct, 1.0, rows);
    let per_key = rows / distinct;
    let (mut items, mut bytes, mut posting) = (0.0, 0.0, 0.0);
    for (count, chance) in group_sizes(per_key) {
        let full = (count / most).floor();
        let tail = count - full * most;
        let tails = if tail >= 1.0 { 1.0 } else { 0.0 };
        let full_size = align8(key + TID * most);
        let tail_size = if tail > 1.0 {
            align8(key + TID * tail)
        } else {
            key
        };
        items += chance * (full + tails);
        bytes += chance * (full * full_size + tails * tail_size);
        posting += chance * (full * (full_size - key) + tails * (tail_size - key));
    }
    // Groups of many full posting lists are practically of one size.
    let constant = per_key > 4.0 * most;
    distinct * items / per_leaf(bytes / items, posting / items, constant)
}

/// Sizes of groups whose mean size is known, with their chance: about Poisson for small groups; for large ones it is
/// enough to even out the rounding.
fn group_sizes(mean: f64) -> Vec<(f64, f64)> {
    if mean >= 20.0 {
        return (-2..=2)
            .map(|d| ((mean + f64::from(d)).floor(), 0.2))
            .collect();
    }
    let mut chance = (1.0 - mean).exp();
    let mut sizes = Vec::with_capacity(80);
    for further in 0..80 {
        let count = f64::from(further) + 1.0;
        sizes.push((count, chance));
        chance *= (mean - 1.0) / count;
    }
    sizes
}
