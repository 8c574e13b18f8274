//! All about one row: a statement with its plan and advice, a session with its locks, a table with its indexes.

mod advice;
mod session;
mod sql;
mod statement;
mod table;

use ratatui::layout::Rect;

use super::pen::Pen;
use crate::tui::app::App;
use crate::tui::column::RowKey;
use crate::tui::theme::Part;

pub(super) use statement::heading;

/// A line in parts.
pub(super) type Line = Vec<(String, Part)>;

/// A line in one part.
pub(super) fn plain(text: impl Into<String>) -> Line {
    vec![(text.into(), Part::Plain)]
}

/// The title of a section.
pub(super) fn title(text: &str) -> Line {
    vec![(text.to_owned(), Part::Title)]
}

/// A value with its name before it.
pub(super) fn fact(name: &str, value: impl Into<String>) -> Line {
    vec![
        (format!("  {name:<12} "), Part::Faint),
        (value.into(), Part::Plain),
    ]
}

/// The lines of a row's page.
pub(super) fn lines(app: &App, key: &RowKey, width: usize) -> Vec<Line> {
    match key {
        RowKey::Statement(key) => statement::lines(app, key, width),
        RowKey::Session(pid, start) => session::lines(app, *pid, start, width),
        RowKey::Table(oid) => table::lines(app, *oid, width),
        RowKey::Name(name) if app.screen().name == "advice" => advice::lines(app, name, width),
        _ => row(app, key, width),
    }
}

/// A row of which nothing more is known: its columns, one a line.
fn row(app: &App, key: &RowKey, width: usize) -> Vec<Line> {
    let Some(row) = app.grid.rows.iter().find(|row| row.key == *key) else {
        return vec![plain("it is gone")];
    };
    let mut lines = Vec::new();
    for (column, value) in app.screen().columns.iter().zip(&row.values) {
        let text = column.written(value);
        for (nth, part) in wrapped(&text, width.saturating_sub(16))
            .into_iter()
            .enumerate()
        {
            let name = if nth == 0 { column.title } else { "" };
            lines.push(fact(name, part));
        }
        lines.push(vec![(format!("  {:<12} {}", "", column.help), Part::Faint)]);
    }
    lines
}

pub(super) fn draw(app: &App, pen: &mut Pen<'_>, area: Rect, key: &RowKey, top: usize) {
    let lines = lines(app, key, usize::from(area.width).saturating_sub(2));
    let last = lines.len().saturating_sub(usize::from(area.height));
    let shown = lines.iter().skip(top.min(last));
    for (y, line) in (area.top()..area.bottom()).zip(shown) {
        pen.words(area.x + 1, y, area.right(), line);
    }
    let below = lines
        .len()
        .saturating_sub(top.min(last) + usize::from(area.height));
    if below > 0 {
        let text = format!(" {below} more lines below ");
        let length = u16::try_from(text.len()).unwrap_or(0);
        let x = area.right().saturating_sub(length + 1);
        pen.text(x, area.bottom() - 1, length, &text, Part::Selected);
    }
}

/// A text in lines of at most that many characters, broken at blanks where there are any.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let width = width.max(8);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut length = 0;
    for word in text.split(' ') {
        let mut word: Vec<char> = word.chars().collect();
        if length > 0 && length + 1 + word.len() > width {
            lines.push(std::mem::take(&mut line));
            length = 0;
        }
        while word.len() > width {
            let rest = word.split_off(width);
            lines.push(word.into_iter().collect());
            word = rest;
        }
        if length > 0 {
            line.push(' ');
            length += 1;
        }
        length += word.len();
        line.extend(word);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn texts_are_broken_at_blanks() {
        assert_eq!(wrapped("", 10), [""]);
        assert_eq!(wrapped("one two three", 8), ["one two", "three"]);
        assert_eq!(wrapped("abcdefghijkl", 8), ["abcdefgh", "ijkl"]);
        assert_eq!(wrapped("a abcdefghijkl b", 8), ["a", "abcdefgh", "ijkl b"]);
    }
}
