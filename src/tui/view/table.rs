//! The table of a screen: the line above it, the heads, the rows that fit.

use ratatui::layout::Rect;

use super::pen::Pen;
use crate::model::delta::Origin;
use crate::tui::app::App;
use crate::tui::column::{Column, Format, Level, Row};
use crate::tui::theme::Part;
use crate::tui::tracks::Mode;

/// A column with its place.
struct Placed {
    at: usize,
    column: &'static Column,
    x: u16,
    width: u16,
}

pub(super) fn draw(app: &App, pen: &mut Pen<'_>, area: Rect) {
    above(app, pen, area);
    let placed = place(app, area);
    for place in &placed {
        head(app, pen, area.y + 1, place);
    }
    let rows = Rect {
        y: area.y + 2,
        height: area.height.saturating_sub(2),
        ..area
    };
    if app.grid.rows.is_empty() {
        let text = app.grid.empty.clone().unwrap_or_else(|| {
            format!(
                "none of the {} rows passes the filter {:?}; Esc clears it",
                app.grid.all, app.filter.text
            )
        });
        for (line, text) in super::detail::wrapped(&text, usize::from(rows.width) - 2)
            .iter()
            .enumerate()
        {
            let line = u16::try_from(line).unwrap_or(u16::MAX);
            pen.line(
                rows,
                line.saturating_add(1),
                &format!(" {text}"),
                Part::Plain,
            );
        }
        return;
    }
    let shown = app.grid.rows.iter().enumerate().skip(app.look().top);
    for ((at, row), y) in shown.zip(rows.top()..rows.bottom()) {
        let is_selected = at == app.look().cursor;
        line(pen, y, row, &placed);
        if is_selected {
            let marker = if pen.ascii { ">" } else { "▌" };
            pen.text(area.x, y, 1, marker, Part::Plain);
            pen.paint(
                Rect {
                    y,
                    height: 1,
                    ..area
                },
                Part::Selected,
            );
        }
    }
}

/// What is sorted by, which amounts they are, the filter, and how many rows there are.
fn above(app: &App, pen: &mut Pen<'_>, area: Rect) {
    let look = app.look();
    let sort = look.sort.map_or(String::new(), |sort| {
        let column = &app.screen().columns[sort];
        let way = if look.descending { "desc" } else { "asc" };
        format!("sort {} {way}   ", column.title)
    });
    let is_first = app.sample.is_some() && app.interval() <= 0.0;
    let mode = match app.mode {
        _ if app.screen().is_momentary => "now".to_owned(),
        _ if is_first => "since the server's reset, until the first interval is over".to_owned(),
        Mode::Interval => "last interval".to_owned(),
        Mode::SinceStart => format!(
            "since {} ago",
            crate::tui::text::age(app.tracks.databases.age())
        ),
        Mode::Cumulative => "since the server's reset".to_owned(),
    };
    let filter = if app.filter.is_empty() {
        String::new()
    } else {
        format!("   filter {}", app.filter.text)
    };
    let age = app.sample.as_ref();
    let age = age.map_or(0.0, |sample| sample.age(app.screen().wants));
    let age = if age > 0.0 {
        format!(", {} old", crate::tui::text::age(age))
    } else {
        String::new()
    };
    let text = format!(" {sort}{mode}{age}{filter}");
    let (count, top) = (app.grid.rows.len(), look.top);
    let last = (top + app.height()).min(count);
    let place = match count {
        0 => String::new(),
        _ if count < app.grid.all => format!("{}-{last} / {count} of {} ", top + 1, app.grid.all),
        _ => format!("{}-{last} / {count} ", top + 1),
    };
    let y = area.y;
    let length = u16::try_from(place.chars().count()).unwrap_or(0);
    pen.text(
        area.x,
        y,
        area.width.saturating_sub(length + 1),
        &text,
        Part::Faint,
    );
    pen.right(area.x, y, area.width, &place, Part::Faint);
}

/// The columns that fit: those of low priority go first, the last column takes the rest.
fn place(app: &App, area: Rect) -> Vec<Placed> {
    let all = app.columns();
    let frozen = app.screen().frozen;
    let mut columns: Vec<(usize, &'static Column)> = Vec::new();
    for (nth, (at, column)) in all.iter().enumerate() {
        if nth < frozen || nth >= frozen + app.look().sideways {
            columns.push((*at, column));
        }
    }
    let room = area.width.saturating_sub(1);
    let needed = |columns: &[(usize, &'static Column)]| -> u16 {
        columns.iter().map(|(_, column)| column.width + 1).sum()
    };
    let is_last = |at: usize| at + 1 == app.screen().columns.len();
    while columns.len() > 1 && needed(&columns) > room {
        let least = (columns.iter().enumerate())
            .filter(|(_, (at, _))| !is_last(*at))
            .min_by_key(|(_, (_, column))| column.priority)
            .map(|(nth, _)| nth);
        match least {
            Some(nth) => columns.remove(nth),
            None => break,
        };
    }
    let mut spare = room.saturating_sub(needed(&columns));
    let flexible = columns
        .iter()
        .rposition(|(_, column)| column.format == Format::Text);
    let mut x = area.x + 1;
    let mut placed = Vec::new();
    for (nth, (at, column)) in columns.iter().enumerate() {
        let mut width = column.width;
        if Some(nth) == flexible {
            width += std::mem::take(&mut spare);
        }
        placed.push(Placed {
            at: *at,
            column,
            x,
            width,
        });
        x += width + 1;
    }
    placed
}

/// The column of the screen whose head is at that column of the terminal.
pub(super) fn column_at(app: &App, area: Rect, x: u16) -> Option<usize> {
    let mut placed = place(app, area).into_iter();
    placed
        .find(|place| (place.x..=place.x + place.width).contains(&x))
        .map(|place| place.at)
}

fn head(app: &App, pen: &mut Pen<'_>, y: u16, place: &Placed) {
    let is_sorted = app.look().sort == Some(place.at);
    let part = if is_sorted { Part::Sorted } else { Part::Head };
    if place.column.is_right() {
        pen.right(place.x, y, place.width, place.column.title, part);
    } else {
        pen.text(place.x, y, place.width, place.column.title, part);
    }
}

fn line(pen: &mut Pen<'_>, y: u16, row: &Row, placed: &[Placed]) {
    for place in placed {
        let value = &row.values[place.at];
        let level = place.column.level_of(value);
        let mut text = place.column.written(value);
        // A lower bound, where counters went back.
        if row.origin != Origin::Exact && place.column.is_right() && text != "-" {
            text.insert(
                0,
                if row.origin == Origin::AtLeast {
                    '~'
                } else {
                    '?'
                },
            );
        }
        // Not by colour alone.
        if level != Level::Calm && place.column.is_right() {
            text.push(if level == Level::Alarm { '!' } else { '^' });
        }
        if place.column.is_right() {
            let marked = u16::from(level != Level::Calm);
            pen.right(place.x, y, place.width + marked, &text, Part::At(level));
        } else {
            pen.text(place.x, y, place.width, &text, Part::At(level));
        }
    }
}
