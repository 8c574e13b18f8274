//! A table: how it is used and kept, its indexes, the statements that name it.

use super::{Line, fact, plain, title};
use crate::model::sample::{IndexSample, TableSample};
use crate::query::highlight::{Class, classes};
use crate::tui::app::App;
use crate::tui::text::{age, bytes, clean, count, number, percent};
use crate::tui::theme::Part;
use crate::tui::tracks::{Mode, amount};

/// So many statements that name it are shown.
const STATEMENTS: usize = 12;

pub(super) fn lines(app: &App, oid: u32, width: usize) -> Vec<Line> {
    let sample = app.sample.as_ref();
    let tables = sample.and_then(|sample| sample.tables.read());
    let Some(table) = tables.and_then(|tables| tables.iter().find(|table| table.oid == oid)) else {
        return vec![plain("the table is gone, or not read")];
    };
    let mut lines = vec![title(&format!(
        "table {}.{}",
        clean(&table.schema),
        clean(&table.name)
    ))];
    lines.extend(facts(app, table));
    lines.push(Vec::new());
    lines.push(title("Indexes"));
    lines.extend(indexes(app, oid));
    lines.push(Vec::new());
    lines.push(title("Statements that name it, by their time"));
    lines.extend(statements(app, table, width));
    lines
}

fn facts(app: &App, table: &TableSample) -> Vec<Line> {
    let now = app.sample.as_ref().map_or(0.0, |sample| sample.pulse.at);
    let ago = |at: Option<f64>| {
        at.map_or_else(|| "never".to_owned(), |at| format!("{} ago", age(now - at)))
    };
    let rows = table.n_live_tup + table.n_dead_tup;
    let dead = if rows > 0.0 {
        percent(table.n_dead_tup / rows)
    } else {
        "0".to_owned()
    };
    let counters = &table.counters;
    vec![
        fact(
            "size",
            format!(
                "{}, as of its last VACUUM or ANALYZE",
                bytes(table.size_bytes)
            ),
        ),
        fact(
            "rows",
            format!(
                "{} live, {} dead ({dead} %)",
                count(table.n_live_tup),
                count(table.n_dead_tup)
            ),
        ),
        fact("vacuumed", ago(table.last_vacuum)),
        fact(
            "analyzed",
            format!(
                "{}; {} rows changed since",
                ago(table.last_analyze),
                count(table.n_mod_since_analyze)
            ),
        ),
        fact(
            "scans",
            format!(
                "{} sequential, {} by index, since the reset",
                count(counters.seq_scan),
                count(counters.idx_scan)
            ),
        ),
        fact(
            "rows read",
            format!(
                "{} sequentially, {} by index",
                count(counters.seq_tup_read),
                count(counters.idx_tup_fetch)
            ),
        ),
        fact(
            "written",
            format!(
                "{} inserted, {} updated ({} of them HOT), {} deleted",
                count(counters.n_tup_ins),
                count(counters.n_tup_upd),
                count(counters.n_tup_hot_upd),
                count(counters.n_tup_del)
            ),
        ),
    ]
}

fn indexes(app: &App, oid: u32) -> Vec<Line> {
    let panel = app.sample.as_ref().map(|sample| &sample.indexes);
    let Some(all) = panel.and_then(|panel| panel.read()) else {
        let why = panel.and_then(|panel| panel.trouble());
        return vec![plain(format!("  {}", why.unwrap_or("not read yet")))];
    };
    let line = |index: &IndexSample| {
        let kind = match (index.valid, index.primary, index.unique) {
            (false, ..) => ", INVALID",
            (_, true, _) => ", primary key",
            (_, _, true) => ", unique",
            _ => "",
        };
        let used = if index.counters.idx_scan == 0.0 {
            " (never used since the reset)"
        } else {
            ""
        };
        plain(format!(
            "  {}  {}, {} scans{used}{kind}",
            clean(&index.name),
            bytes(index.size_bytes),
            count(index.counters.idx_scan)
        ))
    };
    let of_it: Vec<Line> = all
        .iter()
        .filter(|index| index.table_oid == oid)
        .map(line)
        .collect();
    if of_it.is_empty() {
        return vec![plain("  none")];
    }
    of_it
}

fn statements(app: &App, table: &TableSample, width: usize) -> Vec<Line> {
    let track = &app.tracks.statements;
    let mut found: Vec<(f64, f64, &str)> = track
        .last()
        .filter_map(|(key, counted)| {
            let text = app.texts.get(&key.queryid?)?;
            let delta = amount(track, key, app.mode);
            let time = match app.mode {
                Mode::Cumulative => counted.counters.total_exec_time,
                _ => delta.counted.total_exec_time,
            };
            names(text, &table.name).then_some((time, counted.counters.calls, &**text))
        })
        .collect();
    if found.is_empty() {
        return vec![plain("  none of those whose text is known")];
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.2.cmp(b.2)));
    let line = |(time, _, text): &(f64, f64, &str)| {
        let text: String = clean(text).chars().take(width.saturating_sub(16)).collect();
        vec![
            (format!("  {:>8} ms  ", number(*time)), Part::Faint),
            (text, Part::Plain),
        ]
    };
    found.iter().take(STATEMENTS).map(line).collect()
}

/// Whether a text names something so.
fn names(text: &str, name: &str) -> bool {
    let found = classes(text)
        .into_iter()
        .filter(|(class, _)| *class == Class::Other);
    let mut words = found.map(|(_, word)| word.trim_matches('"'));
    words.any(|word| word.eq_ignore_ascii_case(name))
}
