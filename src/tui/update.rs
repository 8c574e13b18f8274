//! What a message does to the application, and what it wants to be done outside. Pure: no clock, no terminal, no server.

mod acts;
mod moves;

pub(crate) use acts::{advice, session};

use crate::model::sample::{Sample, StatementKey};
use crate::tui::app::{Advised, App, Explained, Layer, Link};
use crate::tui::column::RowKey;
use crate::tui::filter::Filter;
use crate::tui::keys::{Action, Key, action};
use crate::tui::message::{Effect, Message};

/// So many statements' texts are asked for beside those that are missed, for the server reads all of them anyway.
const TEXTS_AHEAD: usize = 300;

/// Takes a message.
pub fn update(app: &mut App, message: Message) -> Vec<Effect> {
    match message {
        Message::Key(key) => on_key(app, key),
        Message::Click(x, y) => moves::click(app, x, y),
        Message::Wheel(lines) => moves::by(app, lines),
        Message::Paste(text) => {
            if let Some(Layer::Input(input)) = app.layers.last_mut() {
                input.push_str(text.lines().next().unwrap_or_default());
            }
            filtered(app)
        }
        Message::Resize(width, height) => {
            let before = app.wants();
            app.size = (width, height);
            app.settle();
            if app.wants() == before {
                Vec::new()
            } else {
                vec![collect(app)]
            }
        }
        Message::Clock(now) => {
            app.now = now;
            app.told = app.told.take().filter(|(_, until)| *until > now);
            Vec::new()
        }
        Message::Sample(sample) => on_sample(app, *sample),
        Message::Slowed(seconds) => {
            let is_slowed = seconds > app.options.interval * 1.01;
            app.slowed = is_slowed.then_some(seconds);
            Vec::new()
        }
        Message::Texts(texts) => {
            let texts = texts.into_iter();
            app.texts.extend(texts.map(|(id, text)| (id, text.into())));
            app.no_texts = None;
            refresh(app);
            Vec::new()
        }
        Message::NoTexts(why) => {
            app.no_texts = Some(why);
            Vec::new()
        }
        Message::Roles(roles) => {
            app.roles.extend(roles);
            refresh(app);
            Vec::new()
        }
        Message::Lost(why, seconds) => {
            if app.link == Link::Live {
                app.note(format!("connection lost: {why}"));
            }
            app.link = Link::Lost(why, app.now + seconds);
            Vec::new()
        }
        Message::Explained(key, result) => {
            app.explained.insert(key, Explained::Done(result));
            Vec::new()
        }
        Message::Advised(result) => {
            app.advised = Advised::Done(result);
            refresh(app);
            Vec::new()
        }
        Message::Told(what) => {
            app.note(what.clone());
            app.tell(what);
            Vec::new()
        }
    }
}

fn on_sample(app: &mut App, mut sample: Sample) -> Vec<Effect> {
    if let Link::Lost(..) = app.link {
        app.note("connected again".to_owned());
    }
    app.link = Link::Live;
    for what in app.tracks.advance(app.sample.as_ref(), &sample) {
        app.note(what.clone());
        app.tell(what);
    }
    if let Some(before) = app.sample.take() {
        sample.keep(before);
    }
    app.sample = Some(sample);
    refresh(app);
    missing_texts(app)
}

/// Makes the rows anew, unless the picture stands still.
fn refresh(app: &mut App) {
    if app.paused.is_none() {
        app.regrid();
    }
}

/// Asks for the texts of the statements that are shown and not known, and of those that cost most.
fn missing_texts(app: &App) -> Vec<Effect> {
    let statement = |key: &RowKey| match key {
        RowKey::Statement(StatementKey { queryid, .. }) => *queryid,
        _ => None,
    };
    let is_missing = |id: &i64| !app.texts.contains_key(id);
    let shown = app.grid.rows.iter().take(app.look().top + app.height());
    let mut missed: Vec<i64> = shown
        .filter_map(|row| statement(&row.key))
        .filter(is_missing)
        .collect();
    let tracks = &app.tracks.statements;
    if !app.filter.is_empty() && app.screen().name == "queries" {
        // What a filter hides may be hidden because its text is not known.
        let active = tracks.interval.keys().filter_map(|key| key.queryid);
        missed.extend(active.filter(is_missing));
        let all = tracks.last().filter_map(|(key, _)| key.queryid);
        missed.extend(all.filter(|_| !tracks.has_interval()).filter(is_missing));
    }
    if missed.is_empty() {
        return Vec::new();
    }
    let running = app
        .sample
        .iter()
        .flat_map(|s| s.activity.read().into_iter().flatten());
    let mut ids = missed;
    ids.extend(
        running
            .filter_map(|session| session.query_id)
            .filter(is_missing),
    );
    let mut all: Vec<(f64, i64)> = (tracks.last())
        .filter_map(|(key, counted)| Some((counted.counters.total_exec_time, key.queryid?)))
        .filter(|(_, id)| is_missing(id))
        .collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    ids.extend(all.into_iter().take(TEXTS_AHEAD).map(|(_, id)| id));
    // What runs now may be on the screen the next time.
    let active = tracks.interval.keys().filter_map(|key| key.queryid);
    ids.extend(active.filter(is_missing));
    ids.sort_unstable();
    ids.dedup();
    vec![Effect::Texts(ids)]
}

fn on_key(app: &mut App, key: Key) -> Vec<Effect> {
    match app.layers.last() {
        Some(Layer::Input(_)) => return on_input(app, key),
        Some(Layer::Confirm { .. }) => return acts::confirm(app, key),
        _ => {}
    }
    let Some(action) = action(key) else {
        return Vec::new();
    };
    act(app, action)
}

fn act(app: &mut App, action: Action) -> Vec<Effect> {
    match action {
        Action::Quit if app.layers.is_empty() => vec![Effect::Quit],
        Action::Quit => closed(app),
        Action::Back => {
            if !app.layers.is_empty() {
                return closed(app);
            }
            app.filter = Filter::default();
            app.regrid();
            Vec::new()
        }
        Action::Help => opened(app, Layer::Help(0)),
        Action::Messages => opened(app, Layer::Messages(0)),
        Action::Columns => opened(app, Layer::Columns(0)),
        Action::Filter => {
            let text = app.filter.text.clone();
            opened(app, Layer::Input(text))
        }
        Action::Screen(number) => moves::to_screen(app, usize::from(number) - 1),
        Action::NextScreen => moves::turn_screen(app, 1),
        Action::PreviousScreen => moves::turn_screen(app, -1),
        Action::Move(by) => moves::by(app, by),
        Action::Page(by) => {
            let page = i32::try_from(app.height()).unwrap_or(1);
            moves::by(app, by * page)
        }
        Action::Edge(to) => moves::by(app, to.saturating_mul(1_000_000)),
        Action::Sideways(by) => moves::sideways(app, by),
        Action::Time(_) => {
            app.tell("only a recording has another time: --replay");
            Vec::new()
        }
        Action::SortBy(by) => moves::sort_by(app, by),
        Action::Reverse => {
            let look = app.look_mut();
            look.descending = !look.descending;
            app.regrid();
            Vec::new()
        }
        Action::Detail => acts::detail(app),
        action => acts::act(app, action),
    }
}

/// Opens a layer; the one of that kind that is open is closed instead.
fn opened(app: &mut App, layer: Layer) -> Vec<Effect> {
    let kind = std::mem::discriminant(&layer);
    match app.layers.last() {
        Some(top) if std::mem::discriminant(top) == kind => closed(app),
        _ => {
            app.layers.push(layer);
            Vec::new()
        }
    }
}

/// Closes the layer on top.
fn closed(app: &mut App) -> Vec<Effect> {
    app.layers.pop();
    vec![collect(app)]
}

/// What to read from now on.
fn collect(app: &App) -> Effect {
    Effect::Collect(app.wants(), app.options.interval)
}

/// A key while a filter is typed: it works at once.
fn on_input(app: &mut App, key: Key) -> Vec<Effect> {
    let Some(Layer::Input(input)) = app.layers.last_mut() else {
        return Vec::new();
    };
    match key {
        Key::Enter => {
            app.layers.pop();
            return Vec::new();
        }
        Key::Esc | Key::Ctrl('c') => {
            app.layers.pop();
            app.filter = Filter::default();
            app.regrid();
            return missing_texts(app);
        }
        Key::Backspace => {
            input.pop();
        }
        Key::Ctrl('u') => input.clear(),
        Key::Char(c) => input.push(c),
        _ => return Vec::new(),
    }
    filtered(app)
}

fn filtered(app: &mut App) -> Vec<Effect> {
    if let Some(Layer::Input(input)) = app.layers.last() {
        app.filter = Filter::new(input);
        app.regrid();
    }
    missing_texts(app)
}

#[cfg(test)]
mod tests;
