//! Indexes: which are used, and what they take.

use crate::model::sample::{IndexSample, Wants};
use crate::tui::app::App;
use crate::tui::column::{Column, Format, Level, Row, RowKey, Rows, Value};
use crate::tui::screens::{Preview, Screen};
use crate::tui::tracks::{amount, seconds};

pub(super) const SCREEN: Screen = Screen {
    name: "indexes",
    columns: COLUMNS,
    frozen: 1,
    sort: Some(("scans", true)),
    wants: Wants {
        indexes: true,
        ..Wants::NOTHING
    },
    is_momentary: false,
    preview: Preview::None,
    rows,
    badge: None,
};

const COLUMNS: &[Column] = &[
    Column::new("name", "INDEX", 28, Format::Text, 100, "schema and index"),
    Column::new("table", "TABLE", 18, Format::Text, 80, "its table"),
    Column::new(
        "size",
        "SIZE",
        8,
        Format::Bytes,
        95,
        "as of its last VACUUM or ANALYZE",
    ),
    Column::new("scans", "SCANS/s", 8, Format::Number, 94, "scans a second"),
    Column::new(
        "read",
        "READ/s",
        8,
        Format::Number,
        70,
        "entries read a second",
    ),
    Column::new(
        "fetch",
        "FETCH/s",
        8,
        Format::Number,
        69,
        "rows fetched by them a second",
    ),
    Column::new(
        "total",
        "SCANS*",
        9,
        Format::Count,
        85,
        "scans since the counters' reset; on this server alone, standbys count their own",
    )
    .level(unused),
    Column::new(
        "last",
        "LAST",
        8,
        Format::Age,
        75,
        "time since the last scan (16+)",
    ),
    Column::new("kind", "KIND", 10, Format::Text, 78, "PK, unique, INVALID"),
];

fn unused(scans: f64) -> Level {
    if scans == 0.0 {
        Level::Warn
    } else {
        Level::Calm
    }
}

fn rows(app: &App) -> Rows {
    let panel = app.sample.as_ref().map(|sample| &sample.indexes);
    let Some(indexes) = panel.and_then(|panel| panel.read()) else {
        return super::unread(panel.and_then(|panel| panel.trouble()));
    };
    if indexes.is_empty() {
        return Rows::Nothing("this database has no indexes".to_owned());
    }
    Rows::Some(indexes.iter().map(|index| row(app, index)).collect())
}

fn row(app: &App, index: &IndexSample) -> Row {
    let track = &app.tracks.indexes;
    let pulse = app.sample.as_ref().map(|sample| &sample.pulse);
    let now = pulse.map_or(0.0, |pulse| pulse.at);
    let reset = pulse.and_then(|pulse| pulse.stats_reset);
    let seconds = seconds(track, app.mode, reset.map(|reset| now - reset));
    let delta = amount(track, &index.oid, app.mode);
    let rate = |amount: f64| Value::rate(amount, seconds);
    let kind = match (index.valid, index.primary, index.unique) {
        (false, ..) => "INVALID",
        (_, true, _) => "PK",
        (_, _, true) => "unique",
        _ => "",
    };
    Row {
        key: RowKey::Index(index.oid),
        values: vec![
            Value::text(super::qualified(&index.schema, &index.name)),
            Value::text(&index.table),
            Value::Number(index.size_bytes),
            rate(delta.counted.idx_scan),
            rate(delta.counted.idx_tup_read),
            rate(delta.counted.idx_tup_fetch),
            Value::Number(index.counters.idx_scan),
            Value::number(index.last_scan.map(|at| (now - at).max(0.0))),
            Value::text(kind),
        ],
        origin: delta.origin,
    }
}
