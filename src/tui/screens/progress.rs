//! Progress: VACUUM, ANALYZE, CREATE INDEX, CLUSTER, COPY and base backups that are under way.

use crate::model::delta::Origin;
use crate::model::sample::{Progress, Wants};
use crate::tui::app::App;
use crate::tui::column::{Column, Format, Row, RowKey, Rows, Value};
use crate::tui::screens::{Preview, Screen};

pub(super) const SCREEN: Screen = Screen {
    name: "progress",
    columns: COLUMNS,
    frozen: 1,
    sort: Some(("time", true)),
    wants: Wants {
        progress: true,
        ..Wants::NOTHING
    },
    is_momentary: true,
    preview: Preview::None,
    rows,
    badge: None,
};

const COLUMNS: &[Column] = &[
    Column::new("pid", "PID", 8, Format::Count, 99, "process"),
    Column::new("command", "COMMAND", 20, Format::Text, 98, "what it does"),
    Column::new("db", "DB", 10, Format::Text, 50, "database"),
    Column::new(
        "on",
        "ON",
        24,
        Format::Text,
        95,
        "the table, if it is one of this database",
    ),
    Column::new(
        "done",
        "DONE%",
        6,
        Format::Percent,
        97,
        "how much of this phase is done",
    ),
    Column::new(
        "of",
        "OF",
        9,
        Format::Count,
        60,
        "how much there is to do in this phase",
    ),
    Column::new("unit", "UNIT", 6, Format::Text, 59, "of what"),
    Column::new("time", "TIME", 8, Format::Age, 96, "since when"),
    Column::new(
        "left",
        "LEFT",
        8,
        Format::Age,
        90,
        "time that is left for this phase, if it goes on at the pace so far and is the first",
    ),
    Column::new("phase", "PHASE", 20, Format::Text, 94, "phase"),
];

fn rows(app: &App) -> Rows {
    let panel = app.sample.as_ref().map(|sample| &sample.progress);
    let Some(all) = panel.and_then(|panel| panel.read()) else {
        return super::unread(panel.and_then(|panel| panel.trouble()));
    };
    if all.is_empty() {
        return Rows::Nothing(
            "no VACUUM, ANALYZE, CREATE INDEX, CLUSTER, COPY or base backup is under way"
                .to_owned(),
        );
    }
    let now = app.sample.as_ref().map_or(0.0, |sample| sample.pulse.at);
    Rows::Some(all.iter().map(|progress| row(progress, now)).collect())
}

fn row(progress: &Progress, now: f64) -> Row {
    let time = progress.since.map(|since| (now - since).max(0.0));
    let share = (progress.total > 0.0).then(|| (progress.done / progress.total).min(1.0));
    let left = time
        .zip(share)
        .filter(|(_, share)| *share > 0.0)
        .map(|(time, share)| time / share - time);
    Row {
        key: RowKey::Name(format!("{} {}", progress.pid, progress.command)),
        values: vec![
            Value::Number(f64::from(progress.pid)),
            Value::text(&progress.command),
            Value::some(progress.database.as_ref()),
            Value::some(progress.relation.as_ref()),
            Value::number(share),
            Value::number((progress.total > 0.0).then_some(progress.total)),
            Value::text(&progress.unit),
            Value::number(time),
            Value::number(left),
            Value::text(&progress.phase),
        ],
        origin: Origin::Exact,
    }
}
