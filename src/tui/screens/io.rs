//! I/O and WAL: who reads and writes blocks on what occasion, how much WAL is made, how checkpoints go.

use crate::model::sample::{IoKey, IoSample, Sample, Wants};
use crate::tui::app::App;
use crate::tui::column::{Column, Format, Level, Row, RowKey, Rows, Value};
use crate::tui::screens::{Preview, Screen};
use crate::tui::text::BLOCK;
use crate::tui::tracks::{amount, seconds};

pub(super) const SCREEN: Screen = Screen {
    name: "io",
    columns: COLUMNS,
    frozen: 3,
    sort: Some(("read", true)),
    wants: Wants {
        io: true,
        ..Wants::NOTHING
    },
    is_momentary: false,
    preview: Preview::None,
    rows,
    badge: None,
};

const COLUMNS: &[Column] = &[
    Column::new(
        "who",
        "WHO",
        20,
        Format::Text,
        100,
        "kind of process; wal and checkpoints are sums of the server",
    ),
    Column::new(
        "object",
        "OBJECT",
        14,
        Format::Text,
        98,
        "relations, temporary relations, WAL",
    ),
    Column::new(
        "context",
        "CONTEXT",
        11,
        Format::Text,
        97,
        "normal, vacuum, bulkread, bulkwrite, init",
    ),
    Column::new(
        "reads",
        "READS/s",
        8,
        Format::Number,
        70,
        "read operations a second",
    ),
    Column::new(
        "read",
        "READ/s",
        8,
        Format::Bytes,
        95,
        "bytes read a second",
    ),
    Column::new(
        "read_ms",
        "ms/READ",
        8,
        Format::Number,
        60,
        "mean time of a read, ms (track_io_timing)",
    )
    .level(slow),
    Column::new(
        "writes",
        "WRITES/s",
        8,
        Format::Number,
        69,
        "write operations a second",
    ),
    Column::new(
        "write",
        "WRITE/s",
        8,
        Format::Bytes,
        94,
        "bytes written a second",
    ),
    Column::new(
        "write_ms",
        "ms/WRITE",
        8,
        Format::Number,
        59,
        "mean time of a write, ms (track_io_timing)",
    )
    .level(slow),
    Column::new(
        "hit",
        "HIT%",
        5,
        Format::Percent,
        80,
        "share of the blocks found in the cache",
    ),
    Column::new(
        "evict",
        "EVICT/s",
        8,
        Format::Number,
        50,
        "blocks pushed out of the cache a second",
    ),
    Column::new(
        "extend",
        "EXT/s",
        8,
        Format::Number,
        40,
        "extensions of files a second",
    ),
    Column::new("fsync", "FSYNC/s", 8, Format::Number, 45, "fsyncs a second"),
];

fn slow(ms: f64) -> Level {
    if ms >= 10.0 { Level::Warn } else { Level::Calm }
}

fn rows(app: &App) -> Rows {
    let Some(sample) = &app.sample else {
        return super::unread(None);
    };
    let mut rows = Vec::new();
    rows.extend(wal(app, sample));
    rows.extend(checkpoints(app, sample));
    let io = sample.io.read();
    rows.extend(io.into_iter().flatten().filter_map(|io| row(app, io)));
    match (rows.is_empty(), sample.io.trouble()) {
        (false, _) => Rows::Some(rows),
        (true, Some(why)) => Rows::Unseen(format!("could not look: {why}")),
        (true, None) if io.is_none() => super::unread(None),
        (true, None) => Rows::Nothing("nothing was read or written".to_owned()),
    }
}

/// A row about the whole server.
fn sparse(object: &str, values: &[(&str, Value)]) -> Row {
    let key = IoKey {
        backend_type: "(server)".to_owned(),
        object: object.to_owned(),
        context: "all".to_owned(),
    };
    let named = [
        ("who", Value::text(&key.backend_type)),
        ("object", Value::text(object)),
        ("context", Value::text(&key.context)),
    ];
    super::sparse(COLUMNS, RowKey::Io(key), &[&named[..], values].concat())
}

fn wal(app: &App, sample: &Sample) -> Option<Row> {
    sample.wal.read()?;
    let track = &app.tracks.wal;
    let seconds = seconds(track, app.mode, None);
    let counted = amount(track, &(), app.mode).counted;
    let rate = |amount: f64| Value::rate(amount, seconds);
    Some(sparse(
        "wal",
        &[
            ("writes", rate(counted.records)),
            ("write", rate(counted.bytes)),
            ("evict", rate(counted.buffers_full)),
        ],
    ))
}

fn checkpoints(app: &App, sample: &Sample) -> Option<Row> {
    sample.checkpoints.read()?;
    let track = &app.tracks.checkpoints;
    let seconds = seconds(track, app.mode, None);
    let counted = amount(track, &(), app.mode).counted;
    let rate = |amount: f64| Value::rate(amount, seconds);
    Some(sparse(
        "checkpoints",
        &[
            ("writes", rate(counted.buffers_written)),
            ("write", rate(counted.buffers_written * BLOCK)),
            (
                "write_ms",
                Value::ratio(counted.write_time, counted.buffers_written),
            ),
        ],
    ))
}

fn row(app: &App, io: &IoSample) -> Option<Row> {
    let track = &app.tracks.io;
    let delta = amount(track, &io.key, app.mode);
    let counted = delta.counted;
    let idle = counted.reads + counted.writes + counted.hits + counted.extends + counted.fsyncs;
    if idle == 0.0 {
        return None;
    }
    let seconds = seconds(track, app.mode, None);
    let rate = |amount: f64| Value::rate(amount, seconds);
    let blocks = counted.read_bytes / BLOCK;
    let timed = |time: f64, count: f64| {
        if time > 0.0 {
            Value::ratio(time, count)
        } else {
            Value::Missing
        }
    };
    Some(Row {
        key: RowKey::Io(io.key.clone()),
        values: vec![
            Value::text(&io.key.backend_type),
            Value::text(&io.key.object),
            Value::text(&io.key.context),
            rate(counted.reads),
            rate(counted.read_bytes),
            timed(counted.read_time, counted.reads),
            rate(counted.writes),
            rate(counted.write_bytes),
            timed(counted.write_time, counted.writes),
            Value::ratio(counted.hits, counted.hits + blocks),
            rate(counted.evictions),
            rate(counted.extends),
            rate(counted.fsyncs),
        ],
        origin: delta.origin,
    })
}
