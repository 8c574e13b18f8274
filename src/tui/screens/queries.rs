//! Queries: which statements the server's time goes to.

use crate::model::delta::Delta;
use crate::model::sample::{StatementCounters, StatementKey, StatementSample, Wants};
use crate::tui::app::App;
use crate::tui::column::{Column, Format, Level, Row, RowKey, Rows, Value};
use crate::tui::screens::{Preview, Screen};
use crate::tui::text::BLOCK;
use crate::tui::tracks::{amount, seconds};

pub(super) const SCREEN: Screen = Screen {
    name: "queries",
    columns: COLUMNS,
    frozen: 1,
    sort: Some(("load", true)),
    wants: Wants {
        statements: true,
        ..Wants::NOTHING
    },
    is_momentary: false,
    preview: Preview::Statement,
    rows,
    badge: None,
};

const COLUMNS: &[Column] = &[
    Column::new(
        "load",
        "LOAD%",
        6,
        Format::Percent,
        99,
        "share of the execution and planning time of all statements",
    )
    .level(load),
    Column::new(
        "aas",
        "AAS",
        6,
        Format::Number,
        60,
        "time per second: so many sessions run it on average",
    ),
    Column::new(
        "calls",
        "CALLS/s",
        8,
        Format::Number,
        95,
        "executions a second",
    ),
    Column::new(
        "mean",
        "MEAN ms",
        8,
        Format::Number,
        94,
        "mean execution time, ms",
    ),
    Column::new(
        "rows",
        "ROWS/c",
        7,
        Format::Number,
        80,
        "rows per execution",
    ),
    Column::new(
        "hit",
        "HIT%",
        5,
        Format::Percent,
        75,
        "share of the blocks found in the cache",
    )
    .level(hit),
    Column::new(
        "read",
        "READ/s",
        8,
        Format::Bytes,
        74,
        "bytes read into the cache a second",
    ),
    Column::new(
        "dirt",
        "DIRT/s",
        8,
        Format::Bytes,
        40,
        "bytes of blocks dirtied a second",
    ),
    Column::new(
        "temp",
        "TEMP/s",
        8,
        Format::Bytes,
        50,
        "bytes of temporary files written a second",
    )
    .level(any),
    Column::new(
        "wal",
        "WAL/s",
        8,
        Format::Bytes,
        45,
        "bytes of WAL a second",
    ),
    Column::new(
        "io",
        "IO%",
        5,
        Format::Percent,
        35,
        "share of its time that it waited for blocks (track_io_timing)",
    ),
    Column::new(
        "plan",
        "PLAN%",
        6,
        Format::Percent,
        30,
        "share of its time for planning (track_planning)",
    ),
    Column::new(
        "jit",
        "JIT%",
        5,
        Format::Percent,
        29,
        "share of its time for compiling",
    )
    .level(compiling),
    Column::new(
        "max",
        "MAX ms*",
        8,
        Format::Number,
        25,
        "longest execution since the server counts it, not of the interval",
    ),
    Column::new("db", "DB", 10, Format::Text, 55, "database"),
    Column::new("user", "USER", 10, Format::Text, 54, "role"),
    Column::new(
        "nested",
        "N",
        1,
        Format::Text,
        20,
        "n: runs inside functions",
    ),
    Column::new(
        "query",
        "QUERY",
        30,
        Format::Text,
        100,
        "the statement, constants as $1",
    ),
];

fn load(share: f64) -> Level {
    if share >= 0.3 {
        Level::Warn
    } else {
        Level::Calm
    }
}

fn hit(share: f64) -> Level {
    if share < 0.9 {
        Level::Warn
    } else {
        Level::Calm
    }
}

fn any(amount: f64) -> Level {
    if amount > 0.0 {
        Level::Warn
    } else {
        Level::Calm
    }
}

fn compiling(share: f64) -> Level {
    if share >= 0.3 {
        Level::Warn
    } else {
        Level::Calm
    }
}

fn rows(app: &App) -> Rows {
    let Some(sample) = &app.sample else {
        return super::unread(None);
    };
    if let Some(why) = sample.statements.trouble() {
        return Rows::Unseen(format!("could not look: {why}"));
    }
    let Some(statements) = sample.statements.read() else {
        return super::unread(None);
    };
    let track = &app.tracks.statements;
    let cumulative = statements.reset.map(|reset| sample.pulse.at - reset);
    let seconds = seconds(track, app.mode, cumulative);
    let counted: Vec<(&StatementSample, Delta<StatementCounters>)> = (statements.entries.iter())
        .map(|entry| (entry, amount(track, &entry.key, app.mode)))
        .filter(|(entry, delta)| delta.counted.calls > 0.0 && !is_own(app, &entry.key))
        .collect();
    if counted.is_empty() {
        return Rows::Nothing("no statement was executed".to_owned());
    }
    let total: f64 = counted.iter().map(|(_, delta)| time(&delta.counted)).sum();
    let row = |(entry, delta): &(&StatementSample, Delta<StatementCounters>)| Row {
        key: RowKey::Statement(entry.key),
        values: values(app, entry, &delta.counted, total, seconds),
        origin: delta.origin,
    };
    Rows::Some(counted.iter().map(row).collect())
}

/// Whether it is one of ours, which carry a mark: nobody else's load.
fn is_own(app: &App, key: &StatementKey) -> bool {
    let text = key.queryid.and_then(|id| app.texts.get(&id));
    text.is_some_and(|text| text.contains("/* pgperf */"))
}

fn time(counters: &StatementCounters) -> f64 {
    counters.total_exec_time + counters.total_plan_time
}

fn values(
    app: &App,
    entry: &StatementSample,
    counters: &StatementCounters,
    total: f64,
    seconds: Option<f64>,
) -> Vec<Value> {
    let own = time(counters);
    let rate = |amount: f64| Value::rate(amount, seconds);
    let blocks = counters.shared_blks_hit + counters.shared_blks_read;
    let max = entry.key.queryid.map(|_| entry.max_exec_time);
    vec![
        Value::ratio(own, total),
        rate(own / 1000.0),
        rate(counters.calls),
        Value::ratio(counters.total_exec_time, counters.calls),
        Value::ratio(counters.rows, counters.calls),
        Value::ratio(counters.shared_blks_hit, blocks),
        rate(counters.shared_blks_read * BLOCK),
        rate(counters.shared_blks_dirtied * BLOCK),
        rate(counters.temp_blks_written * BLOCK),
        rate(counters.wal_bytes),
        Value::ratio(counters.blk_time.min(own), own),
        Value::ratio(counters.total_plan_time, own),
        Value::ratio(counters.jit_time.min(own), own),
        Value::number(max),
        Value::text(app.database(entry.key.dbid)),
        Value::text(app.role(entry.key.userid)),
        if entry.key.toplevel {
            Value::text("")
        } else {
            Value::text("n")
        },
        query(app, &entry.key),
    ]
}

/// The statement's text, or why it is not there.
fn query(app: &App, key: &StatementKey) -> Value {
    let Some(id) = key.queryid else {
        let hidden = app
            .sample
            .as_ref()
            .and_then(|sample| sample.statements.read());
        let hidden = hidden.map_or(0, |statements| statements.hidden);
        return Value::text(format!(
            "(hidden: other roles' statements, {hidden} entries in all)"
        ));
    };
    match app.texts.get(&id) {
        Some(text) => Value::Text(text.clone()),
        None => Value::text(format!("(text not read yet, queryid {id})")),
    }
}
