//! Tables: who reads and writes what, and how it is kept.

use crate::model::sample::TableSample;
use crate::model::sample::Wants;
use crate::tui::app::App;
use crate::tui::column::{Column, Format, Level, Row, RowKey, Rows, Value};
use crate::tui::screens::{Preview, Screen};
use crate::tui::tracks::{amount, seconds};

pub(super) const SCREEN: Screen = Screen {
    name: "tables",
    columns: COLUMNS,
    frozen: 1,
    sort: Some(("seq_read", true)),
    wants: Wants {
        tables: true,
        ..Wants::NOTHING
    },
    is_momentary: false,
    preview: Preview::Page,
    rows,
    badge: None,
};

const COLUMNS: &[Column] = &[
    Column::new("name", "TABLE", 24, Format::Text, 100, "schema and table"),
    Column::new(
        "size",
        "SIZE",
        8,
        Format::Bytes,
        90,
        "as of its last VACUUM or ANALYZE, without indexes",
    ),
    Column::new(
        "seq",
        "SEQ/s",
        8,
        Format::Number,
        88,
        "sequential scans a second",
    ),
    Column::new(
        "seq_read",
        "SEQ ROWS/s",
        10,
        Format::Number,
        95,
        "rows read by them a second",
    ),
    Column::new(
        "idx",
        "IDX/s",
        8,
        Format::Number,
        87,
        "index scans a second",
    ),
    Column::new(
        "ins",
        "INS/s",
        8,
        Format::Number,
        70,
        "rows inserted a second",
    ),
    Column::new(
        "upd",
        "UPD/s",
        8,
        Format::Number,
        71,
        "rows updated a second",
    ),
    Column::new(
        "del",
        "DEL/s",
        8,
        Format::Number,
        69,
        "rows deleted a second",
    ),
    Column::new(
        "hot",
        "HOT%",
        5,
        Format::Percent,
        60,
        "share of the updates that touched no index",
    ),
    Column::new("live", "LIVE", 8, Format::Count, 50, "rows, estimated"),
    Column::new(
        "dead",
        "DEAD%",
        6,
        Format::Percent,
        80,
        "share of the rows that are dead",
    )
    .level(dead),
    Column::new(
        "mod",
        "MOD",
        8,
        Format::Count,
        30,
        "rows changed since the last ANALYZE",
    ),
    Column::new(
        "vacuum",
        "VACUUM",
        8,
        Format::Age,
        40,
        "time since it was vacuumed, by hand or by itself",
    ),
    Column::new(
        "analyze",
        "ANALYZE",
        8,
        Format::Age,
        39,
        "time since it was analyzed",
    ),
];

fn dead(share: f64) -> Level {
    if share >= 0.2 {
        Level::Warn
    } else {
        Level::Calm
    }
}

fn rows(app: &App) -> Rows {
    let panel = app.sample.as_ref().map(|sample| &sample.tables);
    let Some(tables) = panel.and_then(|panel| panel.read()) else {
        return super::unread(panel.and_then(|panel| panel.trouble()));
    };
    if tables.is_empty() {
        return Rows::Nothing("this database has no tables".to_owned());
    }
    Rows::Some(tables.iter().map(|table| row(app, table)).collect())
}

fn row(app: &App, table: &TableSample) -> Row {
    let track = &app.tracks.tables;
    let pulse = app.sample.as_ref().map(|sample| &sample.pulse);
    let now = pulse.map_or(0.0, |pulse| pulse.at);
    let reset = pulse.and_then(|pulse| pulse.stats_reset);
    let seconds = seconds(track, app.mode, reset.map(|reset| now - reset));
    let delta = amount(track, &table.oid, app.mode);
    let counted = delta.counted;
    let rate = |amount: f64| Value::rate(amount, seconds);
    let since = |at: Option<f64>| Value::number(at.map(|at| (now - at).max(0.0)));
    Row {
        key: RowKey::Table(table.oid),
        values: vec![
            Value::text(super::qualified(&table.schema, &table.name)),
            Value::Number(table.size_bytes),
            rate(counted.seq_scan),
            rate(counted.seq_tup_read),
            rate(counted.idx_scan),
            rate(counted.n_tup_ins),
            rate(counted.n_tup_upd),
            rate(counted.n_tup_del),
            Value::ratio(counted.n_tup_hot_upd, counted.n_tup_upd),
            Value::Number(table.n_live_tup),
            Value::ratio(table.n_dead_tup, table.n_live_tup + table.n_dead_tup),
            Value::Number(table.n_mod_since_analyze),
            since(table.last_vacuum),
            since(table.last_analyze),
        ],
        origin: delta.origin,
    }
}
