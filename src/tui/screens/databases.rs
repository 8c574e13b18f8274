//! Databases and replication: what each database does, how far standbys are, what slots keep.

use crate::model::sample::{DatabaseSample, Replication, Wants};
use crate::tui::app::App;
use crate::tui::column::{Column, Format, Level, Row, RowKey, Rows, Value};
use crate::tui::screens::{Preview, Screen};
use crate::tui::text::BLOCK;
use crate::tui::tracks::{amount, seconds};

pub(super) const SCREEN: Screen = Screen {
    name: "databases",
    columns: COLUMNS,
    frozen: 2,
    sort: None,
    wants: Wants {
        replication: true,
        ..Wants::NOTHING
    },
    is_momentary: false,
    preview: Preview::None,
    rows,
    badge: None,
};

const COLUMNS: &[Column] = &[
    Column::new(
        "kind",
        "KIND",
        8,
        Format::Text,
        99,
        "database, standby, slot, receiver",
    ),
    Column::new("name", "NAME", 20, Format::Text, 100, "its name"),
    Column::new("sessions", "SESS", 5, Format::Count, 80, "sessions"),
    Column::new("tps", "TPS", 8, Format::Number, 95, "transactions a second"),
    Column::new(
        "rollback",
        "RB%",
        5,
        Format::Percent,
        70,
        "share of them rolled back",
    )
    .level(rollback),
    Column::new(
        "hit",
        "HIT%",
        5,
        Format::Percent,
        75,
        "share of the blocks found in the cache",
    ),
    Column::new(
        "read",
        "READ/s",
        8,
        Format::Bytes,
        74,
        "bytes read into the cache a second",
    ),
    Column::new(
        "returned",
        "ROWS/s",
        8,
        Format::Number,
        60,
        "rows read a second",
    ),
    Column::new(
        "written",
        "WRITTEN/s",
        9,
        Format::Number,
        61,
        "rows written a second",
    ),
    Column::new(
        "temp",
        "TEMP/s",
        8,
        Format::Bytes,
        50,
        "bytes of temporary files a second",
    ),
    Column::new("deadlocks", "DEADL", 5, Format::Count, 45, "deadlocks").level(any),
    Column::new(
        "xid",
        "XID AGE",
        9,
        Format::Count,
        65,
        "age of its oldest transaction ID; at 2 billion the server stops",
    )
    .level(wraparound),
    Column::new(
        "lag",
        "LAG",
        9,
        Format::Bytes,
        90,
        "WAL that a standby has not replayed, or that a slot keeps",
    )
    .level(lag),
    Column::new("lag_s", "LAG s", 8, Format::Age, 89, "the same as a time"),
    Column::new(
        "state",
        "STATE",
        20,
        Format::Text,
        88,
        "state of a standby or slot",
    ),
];

fn rollback(share: f64) -> Level {
    if share >= 0.1 {
        Level::Warn
    } else {
        Level::Calm
    }
}

fn any(count: f64) -> Level {
    if count > 0.0 {
        Level::Warn
    } else {
        Level::Calm
    }
}

fn wraparound(age: f64) -> Level {
    match age {
        a if a >= 1e9 => Level::Alarm,
        a if a >= 4e8 => Level::Warn,
        _ => Level::Calm,
    }
}

fn lag(bytes: f64) -> Level {
    match bytes {
        b if b >= 16e9 => Level::Alarm,
        b if b >= 1e9 => Level::Warn,
        _ => Level::Calm,
    }
}

fn rows(app: &App) -> Rows {
    let Some(sample) = &app.sample else {
        return super::unread(None);
    };
    let mut rows: Vec<Row> = sample.databases.iter().map(|d| database(app, d)).collect();
    rows.extend(sample.replication.read().map_or_else(Vec::new, replication));
    Rows::Some(rows)
}

/// A row about one thing of a kind.
fn sparse(kind: &str, name: &str, values: &[(&str, Value)]) -> Row {
    let named = [("kind", Value::text(kind)), ("name", Value::text(name))];
    let key = RowKey::Name(format!("{kind} {name}"));
    super::sparse(COLUMNS, key, &[&named[..], values].concat())
}

fn database(app: &App, database: &DatabaseSample) -> Row {
    let track = &app.tracks.databases;
    let seconds = seconds(track, app.mode, None);
    let delta = amount(track, &database.oid, app.mode);
    let counted = delta.counted;
    let rate = |amount: f64| Value::rate(amount, seconds);
    let transactions = counted.xact_commit + counted.xact_rollback;
    let row = sparse(
        "database",
        &database.name,
        &[
            ("sessions", Value::Number(database.numbackends)),
            ("tps", rate(transactions)),
            (
                "rollback",
                Value::ratio(counted.xact_rollback, transactions),
            ),
            (
                "hit",
                Value::ratio(counted.blks_hit, counted.blks_hit + counted.blks_read),
            ),
            ("read", rate(counted.blks_read * BLOCK)),
            ("returned", rate(counted.tup_returned)),
            ("written", rate(counted.tup_written)),
            ("temp", rate(counted.temp_bytes)),
            ("deadlocks", Value::Number(counted.deadlocks)),
            ("xid", Value::Number(database.xid_age)),
        ],
    );
    Row {
        origin: delta.origin,
        ..row
    }
}

fn replication(replication: &Replication) -> Vec<Row> {
    let text = |text: Option<&String>| text.cloned().unwrap_or_else(|| "?".to_owned());
    let standbys = replication.standbys.iter().map(|standby| {
        let state = format!(
            "{}, {}",
            text(standby.state.as_ref()),
            text(standby.sync_state.as_ref())
        );
        let name = format!("{} ({})", standby.name, standby.pid);
        let values = [
            ("lag", Value::number(standby.replay_lag_bytes)),
            ("lag_s", Value::number(standby.replay_lag_s)),
            ("state", Value::text(state)),
        ];
        sparse("standby", &name, &values)
    });
    let slots = replication.slots.iter().map(|slot| {
        let active = if slot.active { "active" } else { "INACTIVE" };
        let state = format!(
            "{}, {active}, {}",
            slot.kind,
            text(slot.wal_status.as_ref())
        );
        let values = [
            ("lag", Value::number(slot.retained_bytes)),
            ("state", Value::text(state)),
        ];
        sparse("slot", &slot.name, &values)
    });
    let receivers = replication.receiver.iter().map(|receiver| {
        let values = [
            ("lag_s", Value::number(receiver.replay_age_s)),
            ("state", Value::text(text(receiver.status.as_ref()))),
        ];
        sparse("receiver", &text(receiver.sender_host.as_ref()), &values)
    });
    standbys.chain(slots).chain(receivers).collect()
}
