//! The load of the last minutes in a large terminal: active sessions by what they wait for, what they wait for now, and the first
//! advice.

use std::collections::BTreeMap;

use ratatui::layout::Rect;

use super::pen::Pen;
use crate::model::sample::Activity;
use crate::tui::app::{Advised, App};
use crate::tui::column::{Level, Rows};
use crate::tui::screens::{SCREENS, position};
use crate::tui::text::{age, clean};
use crate::tui::theme::Part;
use crate::tui::tracks::{Class, Waits};

/// What stands for a session of a class, told apart without colours too.
fn symbol(class: Class, ascii: bool) -> &'static str {
    match (class, ascii) {
        (Class::Cpu, false) => "█",
        (Class::Io, false) => "▓",
        (Class::Other, false) => "▒",
        (Class::Lock, false) => "░",
        (Class::Cpu, true) => "#",
        (Class::Io, true) => "=",
        (Class::Other, true) => ".",
        (Class::Lock, true) => "x",
    }
}

pub(super) fn draw(app: &App, pen: &mut Pen<'_>, area: Rect) {
    if area.height < 3 {
        return;
    }
    let width = area.width / 4;
    let part = |x: u16, width: u16| Rect { x, width, ..area };
    curve(app, pen, part(area.x, area.width - 2 * width));
    now(app, pen, part(area.right() - 2 * width, width));
    advice(app, pen, part(area.right() - width, width));
}

/// A part's title; gives the room below it, and the column behind the title.
fn titled(pen: &mut Pen<'_>, area: Rect, title: &str) -> (Rect, u16) {
    let end = pen.rule(area, &[(title.to_owned(), Part::Title)]);
    let room = Rect {
        x: area.x + 1,
        y: area.y + 1,
        width: area.width.saturating_sub(3),
        height: area.height - 1,
    };
    (room, end)
}

/// Room for the scale at the left.
const SCALE: u16 = 5;

/// Active sessions sample by sample, the newest at the right, stacked by wait class.
fn curve(app: &App, pen: &mut Pen<'_>, area: Rect) {
    let (room, end) = titled(pen, area, "Active sessions");
    let ascii = pen.ascii;
    let mut x = end + 2;
    for class in Class::ALL {
        let word = format!(" {} {} ", symbol(class, ascii), class.name());
        x = pen.text(x, area.y, 12, &word, Part::Load(class));
    }
    let width = room.width.saturating_sub(SCALE);
    let waits = &app.tracks.waits;
    let shown = waits
        .iter()
        .skip(waits.len().saturating_sub(usize::from(width)));
    // A session is a line, as long as there are few.
    let most = shown.clone().map(Waits::active).max();
    let most = most.unwrap_or(0).max(u32::from(room.height));
    pen.right(room.x, room.y, SCALE - 1, &most.to_string(), Part::Faint);
    pen.right(room.x, room.bottom() - 1, SCALE - 1, "0", Part::Faint);
    for (x, waits) in (room.x + SCALE..).zip(shown) {
        for (y, class) in stack(waits, most, room.height).into_iter().enumerate() {
            let y = room.bottom() - 1 - u16::try_from(y).unwrap_or(0);
            pen.text(x, y, 1, symbol(class, ascii), Part::Load(class));
        }
    }
}

/// The cells of one sample from the bottom up, `height` of them for `most` sessions. One session is a cell at least.
fn stack(waits: &Waits, most: u32, height: u16) -> Vec<Class> {
    let (all, height) = (waits.active(), u32::from(height));
    if all == 0 {
        return Vec::new();
    }
    let cells = (all * height).div_ceil(most.max(1)).min(height);
    let mut stack = Vec::new();
    let mut below = 0;
    for class in Class::ALL {
        below += waits.count(class);
        let end = (below * cells + all / 2) / all;
        while stack.len() < usize::try_from(end).unwrap_or(0) {
            stack.push(class);
        }
    }
    stack
}

/// What sessions do and wait for now, the most of them first.
fn now(app: &App, pen: &mut Pen<'_>, area: Rect) {
    let (room, _) = titled(pen, area, "Now");
    let Some(sample) = &app.sample else {
        return;
    };
    let mut kinds: BTreeMap<String, (usize, Option<f64>, Level)> = BTreeMap::new();
    for session in sample.activity.read().into_iter().flatten() {
        let Some((kind, since, level)) = busy(session) else {
            continue;
        };
        let seconds = since.map(|since| (sample.pulse.at - since).max(0.0));
        let known = kinds.entry(kind).or_insert((0, None, level));
        known.0 += 1;
        known.1 = seconds.into_iter().chain(known.1).reduce(f64::max);
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by(|a, b| {
        b.1.0
            .cmp(&a.1.0)
            .then_with(|| b.1.1.unwrap_or(0.0).total_cmp(&a.1.1.unwrap_or(0.0)))
    });
    if kinds.is_empty() {
        pen.text(
            room.x,
            room.y,
            room.width,
            "nobody does anything",
            Part::Faint,
        );
    }
    for (y, (kind, (count, seconds, level))) in (room.top()..room.bottom()).zip(kinds) {
        let words = [
            (format!("{count:>4} "), Part::Plain),
            (clean(&kind), Part::At(level)),
            (
                seconds.map_or_else(String::new, |s| format!(", {}", age(s))),
                Part::Faint,
            ),
        ];
        pen.words(room.x, y, room.right(), &words);
    }
}

/// What a client's session is busy with, and since when.
fn busy(session: &Activity) -> Option<(String, Option<f64>, Level)> {
    if session.is_idle_in_transaction() && session.is_client() {
        return Some((
            "idle in transaction".to_owned(),
            session.state_change,
            Level::Warn,
        ));
    }
    if session.is_client() && session.state.is_none() {
        return Some(("hidden".to_owned(), None, Level::Warn));
    }
    if !session.is_active() {
        return None;
    }
    let kind = match (&session.wait_event_type, &session.wait_event) {
        (Some(kind), Some(event)) => format!("{kind}:{event}"),
        _ => "runs".to_owned(),
    };
    let level = match Class::of(session.wait_event_type.as_deref()) {
        Class::Lock => Level::Warn,
        Class::Cpu | Class::Io | Class::Other => Level::Calm,
    };
    Some((kind, session.query_start, level))
}

/// The first lines of the Advice screen.
fn advice(app: &App, pen: &mut Pen<'_>, area: Rect) {
    let (room, _) = titled(pen, area, "Advice");
    let Some(screen) = position("advice").and_then(|at| SCREENS.get(at)) else {
        return;
    };
    let line = |y: u16, pen: &mut Pen<'_>, text: &str, part: Part| {
        pen.text(room.x, y, room.width, text, part);
    };
    match (screen.rows)(app) {
        _ if app.advised == Advised::Unasked => {
            line(room.y, pen, "8 asks the planner", Part::Faint);
        }
        Rows::Some(rows) => {
            let column = |name: &str| screen.columns.iter().position(|c| c.name == name);
            for (y, row) in (room.top()..room.bottom()).zip(rows) {
                let value = |name: &str| {
                    column(name).map_or_else(String::new, |at| {
                        screen.columns[at].written(&row.values[at])
                    })
                };
                let text = format!(
                    "{} {} {}: {}",
                    value("priority"),
                    value("action"),
                    value("on"),
                    value("what")
                );
                line(y, pen, &text, Part::Plain);
            }
        }
        Rows::Nothing(why) | Rows::Unseen(why) => line(room.y, pen, &why, Part::Faint),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_has_every_session() {
        let waits = |cpu, io, other, lock| Waits {
            cpu,
            io,
            lock,
            other,
        };
        let cells = |waits: &Waits, most| -> String {
            let cells = stack(waits, most, 5).into_iter();
            cells.map(|class| symbol(class, true)).collect()
        };
        assert_eq!(cells(&waits(0, 0, 0, 0), 5), "");
        assert_eq!(cells(&waits(2, 1, 1, 1), 5), "##=.x");
        assert_eq!(cells(&waits(1, 0, 0, 0), 100), "#");
        assert_eq!(cells(&waits(50, 0, 0, 50), 100), "###xx");
        assert_eq!(cells(&waits(0, 0, 0, 9), 9), "xxxxx");
    }
}
