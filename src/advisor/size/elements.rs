//! Which elements the values of a column have, and how often: what GIN keeps an entry for each of.
//!
//! `most_common_elems` of arrays and `tsvector`s tells the frequent ones. Documents and texts have no such list; there the
//! elements of the sampled values are counted (common values, histogram bounds), those of a document path by path.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::advisor::estimate::number::{count, fraction, within};
use crate::model::catalog::{Column, Table};
use crate::model::index::{IndexKey, KeyOf};
use crate::model::stats::{ColumnStats, whole_numbers};

/// Elements that occur equally often.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Element {
    /// Share of the rows that have one of them.
    pub(super) share: f64,
    /// How many there are.
    pub(super) number: f64,
    /// Mean bytes of the key.
    pub(super) width: f64,
}

/// `tsvector`: header of a lexeme, and of its positions (`WordEntry`, `WordEntryPosVector`).
const LEXEME: f64 = 9.0;
/// Three-letter sequences that any text has.
const TRIGRAMS: f64 = 30_000.0;

/// The elements of a key's values in `rows` rows.
pub(super) fn elements(key: &IndexKey, table: &Table, rows: f64) -> Vec<Element> {
    let KeyOf::Column(name) = &key.of else {
        return scalar(None, rows);
    };
    let Some(column) = table.column(name) else {
        return scalar(None, rows);
    };
    let opclass = key.opclass.as_deref().unwrap_or_default();
    let named = |name: &str| opclass.rsplit('.').next() == Some(name);
    match (&column.stats, column.base_type.as_str()) {
        (Some(stats), "jsonb") => document(stats, named("jsonb_path_ops"), rows),
        (Some(stats), _) if named("gin_trgm_ops") => trigrams(stats, rows),
        (Some(stats), "tsvector") => listed(stats, lexemes(stats), rows),
        (Some(stats), _) if column.category == "A" => {
            let sizes = stats.elem_count_histogram.as_ref();
            listed(
                stats,
                sizes.and_then(|h| h.last()).copied().unwrap_or(3.0),
                rows,
            )
        }
        _ => scalar(Some(column), rows),
    }
}

/// A scalar (`btree_gin`) is its own only element.
fn scalar(column: Option<&Column>, rows: f64) -> Vec<Element> {
    let stats = column.and_then(|c| c.stats.as_ref());
    let number = stats.map_or(rows, |s| s.distinct(rows)).max(1.0);
    vec![Element {
        share: 1.0 / number,
        number,
        width: stats.map_or(8.0, |s| s.avg_width),
    }]
}

/// Mean lexemes of a row, from the width of the column: there is no histogram of them.
fn lexemes(stats: &ColumnStats) -> f64 {
    ((stats.avg_width - 8.0) / (LEXEME + mean_width(stats))).max(1.0)
}

/// Mean bytes of the elements that are listed.
fn mean_width(stats: &ColumnStats) -> f64 {
    let listed = stats.most_common_elems.as_deref().unwrap_or_default();
    if listed.is_empty() {
        return 8.0;
    }
    listed.iter().map(|e| count(e.len())).sum::<f64>() / count(listed.len())
}

/// Arrays and `tsvector`s with `per_row` elements in a row: those that are listed, and the rest as Zipf's law continues the
/// list (element number i has a share of c / i) until the rows have all their elements.
fn listed(stats: &ColumnStats, per_row: f64, rows: f64) -> Vec<Element> {
    let shares = stats.most_common_elem_freqs.as_deref().unwrap_or_default();
    let names = stats
        .most_common_elems
        .as_ref()
        .map_or(shares.len(), Vec::len);
    let shares = &shares[..names.min(shares.len())];
    let width = mean_width(stats) + 1.0;
    let one = |share: &f64| Element {
        share: fraction(*share),
        number: 1.0,
        width,
    };
    let mut elements: Vec<Element> = shares.iter().map(one).collect();
    let mut rest = per_row * (1.0 - fraction(stats.null_frac)) - shares.iter().sum::<f64>();
    let (mut rank, least) = (
        count(shares.len()),
        shares.iter().copied().fold(1.0, f64::min),
    );
    if shares.is_empty() {
        // Nothing was seen twice: nearly every element is another one.
        let number = (rest * rows).max(1.0);
        return vec![Element {
            share: 1.0 / rows.max(1.0),
            number,
            width,
        }];
    }
    // Octaves of the ranks; beyond one row each there is nothing rarer.
    while rest > 1e-9 {
        let share = (least * count(shares.len()) / (rank * 1.5)).max(1.0 / rows.max(1.0));
        let number = rank.min(rest / share).max(1.0);
        elements.push(Element {
            share,
            number,
            width,
        });
        rest -= number * share;
        rank *= 2.0;
    }
    elements
}

/// What sampled values have in common, by element.
#[derive(Debug, Default)]
struct Counted {
    /// Share of the rows, and how many samples have it.
    elements: BTreeMap<String, (f64, usize)>,
}

impl Counted {
    fn add(&mut self, element: String, share: f64) {
        let seen = self.elements.entry(element).or_default();
        seen.0 += share;
        seen.1 += 1;
    }

    /// Those seen twice as they are; of those seen once there are as many kinds as `of_rare` says of them: their number, that
    /// of those seen twice, and the share of rows that they have together.
    fn classes(&self, width: Option<f64>, of_rare: impl Fn(f64, f64, f64) -> f64) -> Vec<Element> {
        let size = |name: &str| width.unwrap_or(count(name.len()) + 1.0);
        let (mut classes, mut once, mut twice) = (Vec::new(), 0.0, 0.0);
        let (mut rare, mut rare_size) = (0.0, 0.0);
        for (name, &(share, seen)) in &self.elements {
            if seen == 1 {
                (once, rare, rare_size) = (once + 1.0, rare + share, rare_size + size(name));
                continue;
            }
            twice += if seen == 2 { 1.0 } else { 0.0 };
            classes.push(Element {
                share: fraction(share),
                number: 1.0,
                width: size(name),
            });
        }
        if once > 0.0 {
            let number = of_rare(once, twice, rare).max(once);
            classes.push(Element {
                share: rare / number,
                number,
                width: rare_size / once,
            });
        }
        classes
    }
}

/// Chao's estimate of how many kinds there are of those seen once.
fn chao(once: f64, twice: f64) -> f64 {
    once + once * once / (2.0 * twice.max(1.0))
}

fn trigrams(stats: &ColumnStats, rows: f64) -> Vec<Element> {
    let mut counted = Counted::default();
    for (value, share) in samples(stats) {
        let mut of_value: Vec<String> = value
            .to_lowercase()
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .flat_map(|word| {
                let padded: Vec<char> = format!("  {word} ").chars().collect();
                let three = |w: &[char]| w.iter().collect::<String>();
                padded.windows(3).map(three).collect::<Vec<_>>()
            })
            .collect();
        of_value.sort_unstable();
        of_value.dedup();
        for trigram in of_value {
            counted.add(trigram, share);
        }
    }
    let most = TRIGRAMS.min(rows * stats.avg_width.max(1.0));
    counted.classes(Some(4.0), |once, twice, _| chao(once, twice).min(most))
}

/// A document's keys and values (`jsonb_ops`), or its values with their paths, hashed.
fn document(stats: &ColumnStats, hashed: bool, rows: f64) -> Vec<Element> {
    let mut keys = Counted::default();
    let mut paths: BTreeMap<String, Counted> = BTreeMap::new();
    for (text, share) in samples(stats) {
        let Ok(document) = serde_json::from_str::<Value>(text) else {
            continue;
        };
        let mut found = Vec::new();
        walk(&document, String::new(), &mut found);
        found.sort_unstable();
        found.dedup();
        let mut names: Vec<&str> = found
            .iter()
            .filter_map(|(p, _)| p.rsplit('.').next())
            .collect();
        names.sort_unstable();
        names.dedup();
        for name in names.into_iter().filter(|n| !n.is_empty()) {
            keys.add(name.to_owned(), share);
        }
        for (path, value) in found {
            paths.entry(path).or_default().add(value, share);
        }
    }
    let width = hashed.then_some(4.0);
    let mut elements = Vec::new();
    if !hashed {
        elements = keys.classes(None, |once, twice, _| chao(once, twice));
    }
    for values in paths.values() {
        let numbers = whole_numbers(values.elements.keys().map(String::as_str));
        // A value that no two samples share is one of its row alone, or a number among so many.
        elements.extend(values.classes(width, |once, twice, rare| match numbers {
            Some(domain) => within(domain, once, rows * rare),
            None if twice < 1.0 => rows * rare,
            None => chao(once, twice),
        }));
    }
    elements
}

/// The leaves of a document with their paths; places in an array make no difference.
fn walk(value: &Value, path: String, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                walk(member, format!("{path}.{name}"), found);
            }
        }
        Value::Array(items) => {
            for item in items {
                walk(item, path.clone(), found);
            }
        }
        Value::String(text) => found.push((path, text.clone())),
        other => found.push((path, other.to_string())),
    }
}

/// Sampled values, each with the share of the rows that it stands for.
fn samples(stats: &ColumnStats) -> Vec<(&str, f64)> {
    let values = stats.most_common_vals.iter().flatten();
    let shares = stats.most_common_freqs.iter().flatten();
    let mut samples: Vec<(&str, f64)> = values
        .zip(shares)
        .map(|(value, &share)| (value.as_str(), fraction(share)))
        .collect();
    let listed: f64 = samples.iter().map(|s| s.1).sum();
    let rest = fraction(1.0 - fraction(stats.null_frac) - listed);
    let bounds = stats.histogram_bounds.as_deref().unwrap_or_default();
    let each = rest / count(bounds.len()).max(1.0);
    samples.extend(bounds.iter().map(|b| (b.as_str(), each)));
    samples
}
