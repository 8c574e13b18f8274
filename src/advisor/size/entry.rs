//! How many bytes one btree entry takes: header, alignment, NULL bitmap, and the widths of real values where known.

use crate::advisor::estimate::number::{fraction, within};
use crate::model::catalog::{Column, Table};
use crate::model::index::{IndexKey, KeyOf};
use crate::model::stats::ColumnStats;

/// `IndexTupleData`: heap TID and flags (`itup.h`).
const HEADER: f64 = 8.0;
/// The header with its NULL bitmap: 8 + 4 bytes, aligned.
const HEADER_WITH_NULLS: f64 = 16.0;
/// Widest short varlena (`varatt.h`): up to it a value has a one-byte header and no alignment.
const SHORT_VARLENA: f64 = 127.0;
/// Longest key that nbtree takes (`BTMaxItemSize`, a third of a page); longer values are compressed or refused.
const LONGEST: f64 = 2704.0;
/// How many sampled widths stand for a column.
const SAMPLES: usize = 64;

/// Mean size of an entry, without its line pointer.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Over all rows.
    pub(crate) size: f64,
    /// By which columns are NULL: their positions as a bit set, the share of such rows, and the size.
    pub(crate) variants: Vec<(u64, f64, f64)>,
    /// Whether all entries are of one size.
    pub(crate) constant: bool,
}

impl Entry {
    /// The entry of those keys and INCLUDE columns.
    pub(crate) fn of(keys: &[IndexKey], include: &[String], table: &Table) -> Self {
        let keys = keys.iter().map(|key| match &key.of {
            KeyOf::Column(name) => table.column(name),
            KeyOf::Expression(_) => None,
        });
        let include = include.iter().map(|name| table.column(name));
        let parts: Vec<Part> = keys.chain(include).map(Part::of).collect();

        // Each combination of NULLs, up to four columns that have any; further ones count as never NULL.
        let nullable: Vec<usize> = (0..parts.len())
            .filter(|&i| parts[i].null_frac > 0.0)
            .take(4)
            .collect();
        let mut variants = Vec::new();
        for nulls in 0..1_u64 << nullable.len() {
            let is_null = |part: usize| {
                let bit = nullable.iter().position(|&n| n == part);
                bit.is_some_and(|bit| nulls >> bit & 1 == 1)
            };
            let chance = |&part: &usize| match (is_null(part), parts[part].null_frac) {
                (true, null_frac) => null_frac,
                (false, null_frac) => 1.0 - null_frac,
            };
            let share: f64 = nullable.iter().map(chance).product();
            let null_parts = (0..parts.len().min(64)).filter(|&part| is_null(part));
            let set = null_parts.fold(0, |set, part| set | 1 << part);
            variants.push((set, share, mean_size(&parts, is_null)));
        }
        Self {
            size: variants.iter().map(|(_, share, size)| share * size).sum(),
            constant: variants.len() == 1 && parts.iter().all(|p| p.widths.len() == 1),
            variants,
        }
    }
}

/// Size of an entry that holds just this value of the column.
pub(crate) fn size_of_value(column: &Column, value: &str, otherwise: f64) -> f64 {
    match column.base_type.as_str() {
        "text" | "varchar" | "bpchar" => align8(HEADER + text_width(value)),
        _ => otherwise,
    }
}

/// Entry size with the given parts NULL, averaged over the sampled widths.
fn mean_size(parts: &[Part], is_null: impl Fn(usize) -> bool) -> f64 {
    let header = if (0..parts.len()).any(&is_null) {
        HEADER_WITH_NULLS
    } else {
        HEADER
    };
    let samples = parts.iter().map(|p| p.widths.len()).max().unwrap_or(1);
    let (mut sum, mut count) = (0.0, 0.0);
    for sample in 0..samples {
        let mut offset = 0.0_f64;
        for (position, part) in parts.iter().enumerate().filter(|(i, _)| !is_null(*i)) {
            // Different strides, so that the samples of two columns do not march in step.
            let width = part.widths[sample * (2 * position + 1) % part.widths.len()];
            if !(part.varlena && width <= SHORT_VARLENA) {
                offset = (offset / part.align).ceil() * part.align;
            }
            offset += width;
        }
        sum += align8(header + offset);
        count += 1.0;
    }
    sum / count
}

/// What one column adds to an entry.
struct Part {
    /// The one width, or samples of a varying one; never empty.
    widths: Vec<f64>,
    align: f64,
    varlena: bool,
    null_frac: f64,
}

impl Part {
    fn of(column: Option<&Column>) -> Self {
        let Some(column) = column else {
            // An expression, or a column that is not in the snapshot: taken as a short text.
            return Self {
                widths: scattered(16.0),
                align: 4.0,
                varlena: true,
                null_frac: 0.0,
            };
        };
        let align = match column.typalign.as_str() {
            "c" => 1.0,
            "s" => 2.0,
            "d" => 8.0,
            _ => 4.0,
        };
        let stats = column.stats.as_ref();
        let widths = match stats {
            _ if column.typlen > 0 => vec![f64::from(column.typlen)],
            Some(stats) => varlena_widths(column, stats),
            // The guess of `get_typavgwidth` for a type of unlimited width.
            None => scattered(32.0),
        };
        Self {
            widths,
            align,
            varlena: column.typlen <= 0,
            null_frac: stats.map_or(0.0, |s| fraction(s.null_frac)),
        }
    }
}

/// Widths of real values where `pg_stats` shows some (text and numeric), else the average with some scatter.
fn varlena_widths(column: &Column, stats: &ColumnStats) -> Vec<f64> {
    let width: fn(&str) -> f64 = match column.base_type.as_str() {
        "text" | "varchar" | "bpchar" => text_width,
        "numeric" => numeric_width,
        _ => return scattered(stats.avg_width),
    };
    // The histogram, where there is one, stands for most rows.
    let lists = [&stats.histogram_bounds, &stats.most_common_vals];
    match lists.into_iter().flatten().find(|list| !list.is_empty()) {
        Some(values) => {
            let step = values.len().div_ceil(SAMPLES);
            values.iter().step_by(step).map(|v| width(v)).collect()
        }
        None => scattered(stats.avg_width),
    }
}

/// Bytes of a text value in an index: one byte of header for a short one, four (and alignment) for a longer one.
#[allow(
    clippy::cast_precision_loss,
    reason = "values in pg_stats are at most a few kB long"
)]
fn text_width(value: &str) -> f64 {
    let length = value.len() as f64;
    if length < SHORT_VARLENA {
        length + 1.0
    } else {
        (length + 4.0).min(LONGEST)
    }
}

/// Bytes of a numeric (`numeric.c`, short format): varlena header, sign and weight in two bytes, and two for each group
/// of four decimal digits on either side of the point.
#[allow(
    clippy::cast_precision_loss,
    reason = "a numeric of pg_stats has at most a few thousand digits"
)]
fn numeric_width(value: &str) -> f64 {
    let digits = value.trim_start_matches('-');
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0').len().div_ceil(4);
    let decimals = decimals.trim_end_matches('0').len().div_ceil(4);
    (3.0 + 2.0 * (whole + decimals) as f64).min(LONGEST)
}

/// Widths around an average that is all we know.
fn scattered(average: f64) -> Vec<f64> {
    let average = within(average, 1.0, LONGEST);
    (-3..=4)
        .map(|d| (average + f64::from(d)).max(1.0))
        .collect()
}

/// `MAXALIGN`.
pub(crate) fn align8(size: f64) -> f64 {
    (size / 8.0).ceil() * 8.0
}
