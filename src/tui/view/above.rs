//! What lies above the screen: help, messages, questions, the column chooser; and the line at the bottom.

use ratatui::layout::Rect;

use super::pen::Pen;
use crate::tui::app::{App, Layer, Link};
use crate::tui::column::Level;
use crate::tui::keys::BINDINGS;
use crate::tui::text::{clean, clock};
use crate::tui::theme::Part;

pub(super) fn draw(app: &App, pen: &mut Pen<'_>, area: Rect) {
    match app.layers.last() {
        Some(Layer::Help(top)) => help(pen, area, *top),
        Some(Layer::Messages(top)) => {
            let lines = messages(app);
            let inner = pen.frame(
                centered(area, 100, lines.len() + 2),
                "what could not be read, and what happened",
            );
            for (line, text) in (0..inner.height).zip(lines.iter().skip(*top)) {
                pen.line(inner, line, text, Part::Plain);
            }
        }
        Some(Layer::Columns(cursor)) => columns(app, pen, area, *cursor),
        Some(Layer::Confirm {
            pid,
            terminate,
            who,
            ..
        }) => {
            let (title, what) = if *terminate {
                ("terminate a session", "Terminate")
            } else {
                ("cancel a statement", "Cancel the statement of")
            };
            let inner = pen.frame(centered(area, 76, 8), title);
            pen.line(inner, 0, &format!("{what} session {pid}?"), Part::Title);
            let lines = super::detail::wrapped(who, usize::from(inner.width));
            for (line, text) in (1..4).zip(&lines) {
                pen.line(inner, line, text, Part::Plain);
            }
            pen.line(inner, 5, "y does it, every other key does not", Part::Key);
        }
        _ => {}
    }
}

/// In the middle, no larger than what it lies in.
fn centered(area: Rect, width: u16, height: usize) -> Rect {
    let width = width.min(area.width);
    let height = u16::try_from(height).unwrap_or(u16::MAX).min(area.height);
    Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    }
}

fn help(pen: &mut Pen<'_>, area: Rect, top: usize) {
    let frame = centered(area, 96, BINDINGS.len() + 2);
    let fits = BINDINGS.len() + 2 <= usize::from(frame.height);
    let title = if fits { "keys" } else { "keys, more with j k" };
    let inner = pen.frame(frame, title);
    let last = BINDINGS.len().saturating_sub(usize::from(inner.height));
    for (line, binding) in (0..inner.height).zip(BINDINGS.iter().skip(top.min(last))) {
        let keys: Vec<String> = binding.keys.iter().map(ToString::to_string).collect();
        let y = inner.y + line;
        pen.text(inner.x, y, 16, &keys.join(" "), Part::Key);
        pen.text(
            inner.x + 17,
            y,
            inner.width.saturating_sub(17),
            binding.help,
            Part::Plain,
        );
    }
}

/// What could not be read, and what happened, newest first.
pub(super) fn messages(app: &App) -> Vec<String> {
    let mut lines = Vec::new();
    let troubles = app.troubles();
    if troubles.is_empty() {
        lines.push("everything could be read".to_owned());
    }
    for trouble in troubles {
        lines.extend(super::detail::wrapped(
            &format!("! {}", clean(&trouble)),
            92,
        ));
    }
    lines.push(String::new());
    if app.events.is_empty() {
        lines.push("nothing happened".to_owned());
    }
    for (at, what) in app.events.iter().rev() {
        lines.extend(super::detail::wrapped(
            &format!("{} {}", clock(*at), clean(what)),
            92,
        ));
    }
    lines
}

fn columns(app: &App, pen: &mut Pen<'_>, area: Rect, cursor: usize) {
    let all = app.screen().columns;
    let inner = pen.frame(
        centered(area, 96, all.len() + 2),
        "columns: Space shows or hides, Enter closes",
    );
    let first = (cursor + 1).saturating_sub(usize::from(inner.height));
    for (line, (at, column)) in (0..inner.height).zip(all.iter().enumerate().skip(first)) {
        let mark = if app.look().hidden.contains(column.name) {
            ' '
        } else {
            'x'
        };
        let part = if at == cursor {
            Part::Selected
        } else {
            Part::Plain
        };
        let text = format!("[{mark}] {:<12} {}", column.title, column.help);
        pen.line(inner, line, &text, part);
    }
}

/// The line at the bottom: what is typed, what was told, or the keys.
pub(super) fn footer(app: &App, pen: &mut Pen<'_>, area: Rect) {
    let y = area.bottom() - 1;
    if let Some(Layer::Input(input)) = app.layers.last() {
        let at = pen.text(area.x, y, area.width, "/", Part::Key);
        let at = pen.text(at, y, area.right() - at, &clean(input), Part::Plain);
        let at = pen.text(at, y, 1, if pen.ascii { "_" } else { "▏" }, Part::Key);
        let hint = "   a word, db:shop, user:app, mean>10; Enter keeps it, Esc clears it";
        pen.text(at, y, area.right().saturating_sub(at), hint, Part::Faint);
        return;
    }
    if let Link::Lost(why, _) = &app.link {
        pen.text(
            area.x,
            y,
            area.width,
            &format!(" {}", clean(why)),
            Part::At(Level::Alarm),
        );
        return;
    }
    if let Some((told, _)) = &app.told {
        pen.text(
            area.x,
            y,
            area.width,
            &format!(" {}", clean(told)),
            Part::Title,
        );
        return;
    }
    let mut bound: Vec<(String, &str)> = BINDINGS
        .iter()
        .filter_map(|binding| Some((binding.keys.first()?.to_string(), binding.footer?)))
        .collect();
    let length = |bound: &[(String, &str)]| -> usize {
        bound
            .iter()
            .map(|(key, word)| key.chars().count() + word.len() + 3)
            .sum()
    };
    // Help and quit, the last ones, stay.
    while bound.len() > 2 && length(&bound) > usize::from(area.width) {
        bound.remove(bound.len() - 3);
    }
    let mut words = Vec::new();
    for (key, word) in bound {
        words.push((format!(" {key}"), Part::Key));
        words.push((format!(" {word} "), Part::Plain));
    }
    pen.words(area.x, y, area.right(), &words);
}
