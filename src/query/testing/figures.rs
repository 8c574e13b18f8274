//! `key=value` comments of a fixture → figures of tables and columns.

use crate::model::catalog::{Column, Table};
use crate::model::stats::{ColumnStats, TableStats};
use crate::query::testing::Comment;

/// Applies one comment to the table or to the column that it is about.
pub(super) fn table_figures(table: &mut Table, comment: &Comment) {
    let (named, text) = match comment.text.split_once(": ") {
        Some((name, rest)) if !name.contains('=') => (Some(name.trim()), rest),
        _ => (None, comment.text.as_str()),
    };
    let column = named.unwrap_or(&comment.word).to_owned();
    for (key, value) in pairs(text) {
        let stats = table.stats.get_or_insert_with(TableStats::default);
        let counter = match key.as_str() {
            "seq_scan" => Some(&mut stats.seq_scan),
            "seq_tup_read" => Some(&mut stats.seq_tup_read),
            "idx_scan" => Some(&mut stats.idx_scan),
            "n_tup_ins" => Some(&mut stats.n_tup_ins),
            "n_tup_upd" => Some(&mut stats.n_tup_upd),
            "n_tup_del" => Some(&mut stats.n_tup_del),
            "n_tup_hot_upd" => Some(&mut stats.n_tup_hot_upd),
            "n_live_tup" => Some(&mut stats.n_live_tup),
            "n_mod_since_analyze" => Some(&mut stats.n_mod_since_analyze),
            "n_dead_tup" => Some(&mut stats.n_dead_tup),
            _ => None,
        };
        if let Some(counter) = counter {
            *counter = integer(&value);
            continue;
        }
        match key.as_str() {
            "rows" => table.reltuples = number(&value),
            "pages" => table.relpages = number(&value),
            "visible" => table.relallvisible = number(&value),
            "fillfactor" => table.fillfactor = number(&value),
            "extension" => table.extension = Some(value),
            _ => {
                let column = (table.columns.iter_mut())
                    .find(|c| c.name == column)
                    .unwrap_or_else(|| panic!("fixture: {key}={value} behind no column: {column}"));
                column_figure(column, &key, &value);
            }
        }
    }
}

pub(super) fn column_figure(column: &mut Column, key: &str, value: &str) {
    let width = width_of(column);
    let stats = column.stats.get_or_insert_with(|| ColumnStats {
        avg_width: width,
        n_distinct: -1.0,
        ..ColumnStats::default()
    });
    match key {
        "n_distinct" => stats.n_distinct = number(value),
        "null_frac" => stats.null_frac = number(value),
        "width" | "avg_width" => stats.avg_width = number(value),
        "correlation" => stats.correlation = Some(number(value)),
        "histogram" => {
            stats.histogram_bounds = Some(list(value).into_iter().map(|(v, _)| v).collect());
        }
        "mcv" => {
            let (values, frequencies) = list(value).into_iter().unzip();
            stats.most_common_vals = Some(values);
            stats.most_common_freqs = Some(frequencies);
        }
        other => panic!("fixture: unknown figure of a column: {other}"),
    }
}

pub(super) fn number(value: &str) -> f64 {
    value
        .parse()
        .unwrap_or_else(|_| panic!("fixture: {value} is no number"))
}

pub(super) fn integer(value: &str) -> i64 {
    value
        .parse()
        .unwrap_or_else(|_| panic!("fixture: {value} is no whole number"))
}

/// `key=value key={…}` → pairs; a word without `=` is a key with an empty value.
pub(super) fn pairs(text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| c == '=' || c.is_whitespace())
            .unwrap_or(rest.len());
        let key = rest[..end].to_owned();
        rest = &rest[end..];
        let mut value = String::new();
        if let Some(after) = rest.strip_prefix('=') {
            let end = if after.starts_with('{') {
                let mut quoted = false;
                let end = after.find(|c| {
                    quoted ^= c == '\'';
                    c == '}' && !quoted
                });
                end.map_or(after.len(), |e| e + 1)
            } else {
                after.find(char::is_whitespace).unwrap_or(after.len())
            };
            value = after[..end].to_owned();
            rest = &after[end..];
        }
        pairs.push((key, value));
        rest = rest.trim_start();
    }
    pairs
}

/// `{'a':0.9,b:0.1}` or `{1,2,3}` → values with their frequencies (0 when not given).
pub(super) fn list(text: &str) -> Vec<(String, f64)> {
    let inner = text.trim_start_matches('{').trim_end_matches('}');
    let mut items: Vec<(String, String)> = vec![Default::default()];
    let (mut quoted, mut frequency) = (false, false);
    for c in inner.chars() {
        let last = items.last_mut().expect("never empty");
        match c {
            '\'' => quoted = !quoted,
            ',' if !quoted => {
                frequency = false;
                items.push(Default::default());
            }
            ':' if !quoted => frequency = true,
            ' ' if !quoted => {}
            c if frequency => last.1.push(c),
            c => last.0.push(c),
        }
    }
    (items.into_iter())
        .map(|(value, f)| (value, f.parse().unwrap_or(0.0)))
        .collect()
}

pub(super) fn fixed_width(typlen: i16) -> f64 {
    if typlen > 0 { f64::from(typlen) } else { 16.0 }
}

pub(super) fn width_of(column: &Column) -> f64 {
    (column.stats.as_ref()).map_or_else(|| fixed_width(column.typlen), |s| s.avg_width)
}
