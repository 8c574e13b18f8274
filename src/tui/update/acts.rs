//! What keys do beside moving: details, plans, advice, sessions, files, and how the picture is made.

use super::{Advised, App, Effect, Explained, Filter, Key, Layer, RowKey, StatementKey, collect};
use crate::model::sample::Activity;
use crate::tui::app::INTERVALS;
use crate::tui::column::{Row, Value};
use crate::tui::keys::Action;
use crate::tui::message::Advice;
use crate::tui::text::{age, clean};

/// Does what is no move.
pub(super) fn act(app: &mut App, action: Action) -> Vec<Effect> {
    match action {
        Action::Pause => {
            toggle_pause(app);
            Vec::new()
        }
        Action::Interval(by) => interval(app, by),
        Action::Mode => {
            app.mode = app.mode.next();
            app.regrid();
            Vec::new()
        }
        Action::Rebase => {
            app.tracks.rebase();
            app.tell("counting since now; nothing was reset on the server");
            app.regrid();
            Vec::new()
        }
        Action::Idle => {
            app.show_idle = !app.show_idle;
            app.regrid();
            Vec::new()
        }
        Action::SameUser => same(app, "user"),
        Action::SameDatabase => same(app, "db"),
        Action::Explain => explain(app, false),
        Action::Analyze if app.options.allow_analyze => explain(app, true),
        Action::Analyze => {
            app.tell("executing statements has to be allowed: pgperf top --allow-analyze");
            Vec::new()
        }
        Action::Copy => copy(app),
        Action::CopyDdl => copy_ddl(app),
        Action::Save => save(app),
        Action::Cancel => ask(app, false),
        Action::Terminate => ask(app, true),
        Action::Theme => {
            app.options.theme = app.options.theme.next();
            let name = app.options.theme.name();
            app.tell(format!("colours: {name}"));
            vec![Effect::Redraw]
        }
        Action::Mouse => {
            app.options.mouse = !app.options.mouse;
            let who = if app.options.mouse {
                "pgperf's"
            } else {
                "the terminal's"
            };
            app.tell(format!("the mouse is {who}"));
            vec![Effect::Mouse(app.options.mouse)]
        }
        Action::Redraw => vec![Effect::Redraw],
        Action::Suspend => vec![Effect::Suspend],
        _ => Vec::new(),
    }
}

fn toggle_pause(app: &mut App) {
    if let Some(Layer::Columns(cursor)) = app.layers.last() {
        let name = app.screen().columns[*cursor].name;
        let hidden = &mut app.look_mut().hidden;
        if !hidden.remove(name) {
            hidden.insert(name);
        }
        return;
    }
    app.paused = match app.paused {
        Some(_) => None,
        None => Some(app.now),
    };
    if app.paused.is_none() {
        app.regrid();
    }
}

fn interval(app: &mut App, by: i32) -> Vec<Effect> {
    let own = app.options.interval;
    let next = if by > 0 {
        INTERVALS.iter().find(|seconds| **seconds > own)
    } else {
        INTERVALS.iter().rev().find(|seconds| **seconds < own)
    };
    let Some(next) = next else {
        return Vec::new();
    };
    app.options.interval = *next;
    app.slowed = None;
    app.tell(format!("every {next} s"));
    vec![collect(app)]
}

/// Only rows that have the same value in a column as this one.
fn same(app: &mut App, name: &str) -> Vec<Effect> {
    let value = app.selected().and_then(|row| of_column(app, row, name));
    let Some(value) = value else {
        app.tell(format!("this row has no {name}"));
        return Vec::new();
    };
    app.filter = Filter::new(&format!("{name}:{value}"));
    app.regrid();
    Vec::new()
}

fn of_column(app: &App, row: &Row, name: &str) -> Option<String> {
    let at = app.screen().columns.iter().position(|c| c.name == name)?;
    match &row.values[at] {
        Value::Text(text) => Some(text.to_string()),
        _ => None,
    }
}

/// The row that is looked at: the one whose details are open, or that of the cursor.
fn subject(app: &App) -> Option<RowKey> {
    let open = app.layers.iter().rev().find_map(|layer| match layer {
        Layer::Detail(key, _) => Some(key.clone()),
        _ => None,
    });
    open.or_else(|| app.look().selected.clone())
}

/// Opens all about the row.
pub(super) fn detail(app: &mut App) -> Vec<Effect> {
    if let Some(Layer::Columns(_)) = app.layers.last() {
        return super::closed(app);
    }
    // From a session to its statement.
    let next = match app.layers.last() {
        Some(Layer::Detail(RowKey::Session(pid, start), _)) => statement_of(app, *pid, start),
        Some(_) => None,
        None => app.look().selected.clone(),
    };
    let Some(key) = next else {
        return Vec::new();
    };
    let is_statement = matches!(key, RowKey::Statement(_));
    app.layers.push(Layer::Detail(key, 0));
    let mut effects = vec![collect(app)];
    if is_statement {
        effects.extend(explain(app, false));
    }
    effects
}

/// The session of that process, if it is still the same.
pub(crate) fn session<'a>(app: &'a App, pid: i32, start: &str) -> Option<&'a Activity> {
    let sessions = app.sample.as_ref()?.activity.read()?;
    let is_it = |s: &&Activity| s.pid == pid && s.backend_start_text.as_deref() == Some(start);
    sessions.iter().find(is_it)
}

fn statement_of(app: &App, pid: i32, start: &str) -> Option<RowKey> {
    let id = session(app, pid, start)?.query_id?;
    let mut keys = app.tracks.statements.last().map(|(key, _)| key);
    let key = keys.find(|key| key.queryid == Some(id))?;
    Some(RowKey::Statement(*key))
}

/// Asks for the plan of the statement, unless it is there.
fn explain(app: &mut App, analyze: bool) -> Vec<Effect> {
    let subject = match subject(app) {
        Some(RowKey::Session(pid, start)) => statement_of(app, pid, &start),
        subject => subject,
    };
    let Some(RowKey::Statement(key)) = subject else {
        app.tell("no statement is selected");
        return Vec::new();
    };
    let is_open =
        |layer: &Layer| matches!(layer, Layer::Detail(RowKey::Statement(k), _) if *k == key);
    if !app.layers.iter().any(is_open) {
        app.layers.push(Layer::Detail(RowKey::Statement(key), 0));
    }
    if app.explained.get(&key) == Some(&Explained::Waiting) {
        return Vec::new();
    }
    let is_done = matches!(app.explained.get(&key), Some(Explained::Done(Ok(_))));
    if is_done && !analyze {
        return Vec::new();
    }
    let why = unexplainable(app, &key);
    if let Some(why) = why {
        app.explained.insert(key, Explained::Done(Err(why)));
        return Vec::new();
    }
    let text = key.queryid.and_then(|id| app.texts.get(&id));
    let Some(text) = text else {
        let why = "its text is not known yet; try again in a moment".to_owned();
        app.explained.insert(key, Explained::Done(Err(why)));
        return Vec::new();
    };
    let text = text.to_string();
    app.explained.insert(key, Explained::Waiting);
    let width = usize::from(app.size.0).saturating_sub(4).clamp(60, 160);
    vec![Effect::Explain {
        key,
        text,
        analyze,
        width,
    }]
}

/// Why a statement cannot be planned here.
fn unexplainable(app: &App, key: &StatementKey) -> Option<String> {
    if app.options.is_replay {
        return Some("a recording has no server that could plan it".to_owned());
    }
    if key.queryid.is_none() {
        return Some("these are other roles' statements, whose texts are hidden".to_owned());
    }
    let here = app.sample.as_ref().map(|s| s.pulse.database.clone())?;
    let database = app.database(key.dbid);
    (database != here)
        .then(|| format!("it runs in database {database}, and pgperf is connected to {here}"))
}

/// Asks for advice for the whole load.
pub(super) fn advise(app: &mut App) -> Vec<Effect> {
    if app.options.is_replay {
        let why = "a recording has no server that could be asked".to_owned();
        app.advised = Advised::Done(Err(why));
        return Vec::new();
    }
    if app.advised == Advised::Waiting {
        return Vec::new();
    }
    app.advised = Advised::Waiting;
    app.regrid();
    vec![Effect::Advise]
}

fn copy(app: &mut App) -> Vec<Effect> {
    let text = match subject(app) {
        Some(RowKey::Statement(key)) => {
            let text = key.queryid.and_then(|id| app.texts.get(&id));
            text.map(ToString::to_string)
        }
        Some(RowKey::Session(pid, start)) => {
            session(app, pid, &start).and_then(|session| session.query.clone())
        }
        Some(RowKey::Name(name)) if app.screen().name == "advice" => {
            advice(app, &name).map(|advice| advice.what.clone())
        }
        _ => app.selected().and_then(|row| of_column(app, row, "name")),
    };
    copied(app, text, "nothing to copy here")
}

fn copied(app: &mut App, text: Option<String>, otherwise: &str) -> Vec<Effect> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        app.tell(otherwise);
        return Vec::new();
    };
    let lines = text.lines().count();
    app.tell(format!(
        "copied {lines} {} (if the terminal takes OSC 52)",
        if lines == 1 { "line" } else { "lines" }
    ));
    vec![Effect::Copy(text)]
}

/// The DDL that is on the screen.
fn ddl(app: &App) -> Option<String> {
    if let Some(RowKey::Statement(key)) = subject(app)
        && let Some(Explained::Done(Ok(explanation))) = app.explained.get(&key)
    {
        let ddl = explanation.ddl.join("\n");
        return (!ddl.is_empty()).then_some(ddl);
    }
    match (app.screen().name, subject(app)) {
        ("advice", Some(RowKey::Name(name))) => {
            let ddl = advice(app, &name).map(|advice| advice.ddl.clone());
            ddl.filter(|ddl| !ddl.is_empty())
        }
        _ => None,
    }
}

/// The advice of that name.
pub(crate) fn advice<'a>(app: &'a App, name: &str) -> Option<&'a Advice> {
    match &app.advised {
        Advised::Done(Ok(all)) => all.iter().find(|advice| advice.name() == name),
        _ => None,
    }
}

fn copy_ddl(app: &mut App) -> Vec<Effect> {
    let ddl = ddl(app);
    copied(app, ddl, "no DDL is advised here; e asks for advice")
}

fn save(app: &mut App) -> Vec<Effect> {
    if let Some(Layer::Detail(RowKey::Statement(_), _)) = app.layers.last()
        && let Some(ddl) = ddl(app)
    {
        return vec![Effect::Save("sql", ddl + "\n")];
    }
    if let ("advice", Advised::Done(Ok(all))) = (app.screen().name, &app.advised)
        && !all.is_empty()
    {
        let ddl = all.iter().map(|advice| advice.ddl.as_str());
        let ddl: Vec<&str> = ddl.filter(|ddl| !ddl.is_empty()).collect();
        return vec![Effect::Save("sql", ddl.join("\n") + "\n")];
    }
    vec![Effect::Save("txt", crate::tui::print::text(app, None))]
}

/// Asks whether to signal the session.
fn ask(app: &mut App, terminate: bool) -> Vec<Effect> {
    let Some(RowKey::Session(pid, start)) = subject(app) else {
        app.tell("no session is selected; they are on screen 2");
        return Vec::new();
    };
    if app.options.read_only || app.options.is_replay {
        app.tell("sessions are left alone here (--read-only, or a recording)");
        return Vec::new();
    }
    let Some(session) = session(app, pid, &start) else {
        app.tell(format!("session {pid} is gone"));
        return Vec::new();
    };
    let name = |name: Option<&String>| name.map_or_else(|| "?".to_owned(), |name| clean(name));
    let now = app.sample.as_ref().map_or(0.0, |sample| sample.pulse.at);
    let since = session.xact_start.or(session.query_start);
    let since = since.map_or_else(String::new, |since| format!(", for {}", age(now - since)));
    let query: String = clean(session.query.as_deref().unwrap_or_default())
        .chars()
        .take(200)
        .collect();
    let who = format!(
        "{}@{}, {}{since}: {query}",
        name(session.user.as_ref()),
        name(session.database.as_ref()),
        name(session.state.as_ref()),
    );
    app.layers.push(Layer::Confirm {
        pid,
        backend_start: start,
        terminate,
        who,
    });
    Vec::new()
}

/// A key while it is asked: only `y` does it.
pub(super) fn confirm(app: &mut App, key: Key) -> Vec<Effect> {
    let Some(Layer::Confirm {
        pid,
        backend_start,
        terminate,
        ..
    }) = app.layers.pop()
    else {
        return Vec::new();
    };
    if key != Key::Char('y') {
        app.tell("left alone");
        return Vec::new();
    }
    vec![Effect::Signal {
        pid,
        backend_start,
        terminate,
    }]
}
