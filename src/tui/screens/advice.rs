//! Advice: which indexes the load wants, which it does not need, and what rules find wrong with the database. Nothing is executed.

use crate::model::delta::Origin;
use crate::model::sample::Wants;
use crate::tui::app::{Advised, App};
use crate::tui::column::{Column, Format, Row, RowKey, Rows, Value};
use crate::tui::message::Advice;
use crate::tui::screens::{Preview, Screen};

pub(super) const SCREEN: Screen = Screen {
    name: "advice",
    columns: COLUMNS,
    frozen: 1,
    sort: None,
    wants: Wants::NOTHING,
    is_momentary: true,
    preview: Preview::Page,
    rows,
    badge: Some(count),
};

const COLUMNS: &[Column] = &[
    Column::new(
        "priority",
        "PRIORITY",
        8,
        Format::Text,
        99,
        "how urgent it is",
    ),
    Column::new(
        "action",
        "DO",
        8,
        Format::Text,
        95,
        "create, drop, replace an index; look: a rule found something",
    ),
    Column::new(
        "on",
        "ON",
        20,
        Format::Text,
        90,
        "the table, setting or whatever it is about",
    ),
    Column::new(
        "saves",
        "SAVES%",
        6,
        Format::Percent,
        88,
        "share of the load's cost that it saves",
    ),
    Column::new(
        "saves_s",
        "s/DAY",
        8,
        Format::Number,
        80,
        "seconds a day that it saves, by the load so far",
    ),
    Column::new(
        "size",
        "SIZE",
        8,
        Format::Bytes,
        85,
        "what it takes, or gives back",
    ),
    Column::new("sure", "SURE", 6, Format::Text, 70, "how sure it is"),
    Column::new(
        "what",
        "WHAT",
        30,
        Format::Text,
        100,
        "what it is, or the statement that does it; Y copies the statement, w saves all of them",
    ),
];

fn count(app: &App) -> usize {
    match &app.advised {
        Advised::Done(Ok(all)) => all.len(),
        _ => 0,
    }
}

fn rows(app: &App) -> Rows {
    match &app.advised {
        Advised::Unasked => Rows::Unseen("nobody has asked yet: e asks".to_owned()),
        Advised::Waiting => {
            Rows::Unseen("the planner is being asked, for at most 30 s …".to_owned())
        }
        Advised::Done(Err(why)) => Rows::Unseen(format!("could not advise: {why}")),
        Advised::Done(Ok(all)) if all.is_empty() => {
            Rows::Nothing("the load needs no other indexes than there are, and no rule finds anything wrong with the database".to_owned())
        }
        Advised::Done(Ok(all)) => Rows::Some(all.iter().map(row).collect()),
    }
}

fn row(advice: &Advice) -> Row {
    Row {
        key: RowKey::Name(advice.name()),
        values: vec![
            Value::text(&advice.priority),
            Value::text(&advice.action),
            Value::text(&advice.object),
            Value::number(advice.saves_share),
            Value::number(advice.saves_ms_per_day.map(|ms| ms / 1000.0)),
            Value::number(advice.size_bytes),
            Value::text(&advice.confidence),
            Value::text(if advice.ddl.is_empty() {
                &advice.what
            } else {
                &advice.ddl
            }),
        ],
        origin: Origin::Exact,
    }
}
