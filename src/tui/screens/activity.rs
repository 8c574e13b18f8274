//! Activity: what sessions do now.

use crate::model::delta::Origin;
use crate::model::sample::{Activity, Wants};
use crate::tui::app::App;
use crate::tui::column::{Column, Format, Level, Row, RowKey, Rows, Value};
use crate::tui::screens::{Preview, Screen};

pub(super) const SCREEN: Screen = Screen {
    name: "activity",
    columns: COLUMNS,
    frozen: 1,
    sort: Some(("xact", true)),
    wants: Wants::NOTHING,
    is_momentary: true,
    preview: Preview::Statement,
    rows,
    badge: None,
};

const COLUMNS: &[Column] = &[
    Column::new("pid", "PID", 8, Format::Count, 99, "process"),
    Column::new("db", "DB", 10, Format::Text, 70, "database"),
    Column::new("user", "USER", 10, Format::Text, 75, "role"),
    Column::new("app", "APP", 14, Format::Text, 50, "application_name"),
    Column::new(
        "client",
        "CLIENT",
        15,
        Format::Text,
        30,
        "address of the client; - over a socket",
    ),
    Column::new("type", "TYPE", 18, Format::Text, 20, "kind of process"),
    Column::new(
        "state",
        "STATE",
        11,
        Format::Text,
        85,
        "what it does; idle-tx keeps a transaction open and does nothing",
    ),
    Column::new("wait", "WAIT", 20, Format::Text, 80, "what it waits for"),
    Column::new("xact", "XACT", 8, Format::Age, 90, "age of its transaction").level(transaction),
    Column::new(
        "time",
        "TIME",
        8,
        Format::Age,
        88,
        "age of its statement, or for how long it is idle",
    ),
    Column::new(
        "xmin",
        "XMIN",
        7,
        Format::Count,
        40,
        "age of the oldest row version that it keeps from VACUUM, transactions",
    )
    .level(xmin),
    Column::new(
        "blocked",
        "BLOCKED BY",
        12,
        Format::Text,
        60,
        "the sessions whose locks it waits for",
    ),
    Column::new(
        "query",
        "QUERY",
        20,
        Format::Text,
        100,
        "its statement, or the last one",
    ),
];

fn transaction(seconds: f64) -> Level {
    match seconds {
        s if s >= 600.0 => Level::Alarm,
        s if s >= 60.0 => Level::Warn,
        _ => Level::Calm,
    }
}

fn xmin(age: f64) -> Level {
    if age >= 1e6 { Level::Warn } else { Level::Calm }
}

fn rows(app: &App) -> Rows {
    let Some(sample) = &app.sample else {
        return super::unread(None);
    };
    let Some(sessions) = sample.activity.read() else {
        let why = sample.activity.trouble().unwrap_or_default();
        return Rows::Unseen(format!("could not look: {why}"));
    };
    let now = sample.pulse.at;
    let shown: Vec<Row> = sessions
        .iter()
        .filter(|session| app.show_idle || is_busy(session))
        .map(|session| row(session, now))
        .collect();
    if shown.is_empty() {
        return Rows::Nothing(format!(
            "no session does anything; {} are idle or of the server itself (i shows them)",
            sessions.len()
        ));
    }
    Rows::Some(shown)
}

/// Whether it does something, or holds something. A session whose state is hidden may.
fn is_busy(session: &Activity) -> bool {
    if session.backend_type.is_none() || session.is_client() && session.state.is_none() {
        return true;
    }
    let works = session
        .state
        .as_deref()
        .is_some_and(|state| state != "idle");
    works || session.xact_start.is_some()
}

/// The state in a word.
pub(super) fn state(session: &Activity) -> Option<&str> {
    session.state.as_deref().map(|state| match state {
        "idle in transaction" => "idle-tx",
        "idle in transaction (aborted)" => "idle-tx err",
        "fastpath function call" => "fastpath",
        state => state,
    })
}

/// What it waits for: `Lock:transactionid`.
pub(super) fn wait(session: &Activity) -> Option<String> {
    let kind = session.wait_event_type.as_deref()?;
    let event = session.wait_event.as_deref().unwrap_or_default();
    Some(format!("{kind}:{event}"))
}

fn row(session: &Activity, now: f64) -> Row {
    let since = |start: Option<f64>| Value::number(start.map(|start| (now - start).max(0.0)));
    let is_idle = session
        .state
        .as_deref()
        .is_some_and(|state| state.starts_with("idle"));
    let blocked: Vec<String> = session.blocked_by.iter().map(ToString::to_string).collect();
    let start = session.backend_start_text.clone().unwrap_or_default();
    let text = |text: Option<String>| text.map_or(Value::Missing, Value::text);
    Row {
        key: RowKey::Session(session.pid, start),
        values: vec![
            Value::Number(f64::from(session.pid)),
            Value::some(session.database.as_ref()),
            Value::some(session.user.as_ref()),
            Value::some(session.application_name.as_ref()),
            Value::some(session.client_addr.as_ref()),
            Value::some(session.backend_type.as_ref()),
            text(state(session).map(str::to_owned)),
            text(wait(session)),
            since(session.xact_start),
            since(if is_idle {
                session.state_change
            } else {
                session.query_start
            }),
            Value::number(session.xmin_age),
            if blocked.is_empty() {
                Value::Missing
            } else {
                Value::text(blocked.join(","))
            },
            Value::some(session.query.as_ref()),
        ],
        origin: Origin::Exact,
    }
}
