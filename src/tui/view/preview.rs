//! What the cursor's row is about, below the table: its statement, or as much of its page as there is room for.

use ratatui::layout::Rect;

use super::detail::{Line, lines, wrapped};
use super::layout::Layout;
use super::pen::Pen;
use crate::tui::app::App;
use crate::tui::column::RowKey;
use crate::tui::text::{age, clean, count, number};
use crate::tui::theme::Part;

/// A page is shown in two columns from this width on.
const TWO_COLUMNS: u16 = 160;

pub(super) fn draw(app: &App, pen: &mut Pen<'_>, layout: &Layout) {
    let area = layout.preview;
    if area.height < 2 {
        return;
    }
    let Some(row) = app.selected() else {
        return;
    };
    let inside = Rect {
        y: area.y + 1,
        height: area.height - 1,
        ..area
    };
    if layout.is_page {
        pen.rule(area, &[]);
        page(app, pen, inside, &row.key);
    } else {
        pen.rule(area, &heading(app, &row.key));
        let text = text(app, &row.key).unwrap_or_default();
        statement(pen, inside, &text);
    }
}

/// As many lines of the row's page as fit, in one column or two.
fn page(app: &App, pen: &mut Pen<'_>, area: Rect, key: &RowKey) {
    let columns = if area.width >= TWO_COLUMNS { 2 } else { 1 };
    let width = area.width / columns;
    let lines = lines(app, key, usize::from(width).saturating_sub(2));
    let height = usize::from(area.height);
    for (column, part) in (0..columns).zip(lines.chunks(height)) {
        let x = area.x + column * width;
        for (y, line) in (area.top()..area.bottom()).zip(part) {
            pen.words(x + 1, y, x + width - 1, line);
        }
    }
    let shown = height * usize::from(columns);
    if lines.len() > shown {
        pen.right(
            area.x,
            area.bottom() - 1,
            area.width - 1,
            " Enter shows more ",
            Part::Faint,
        );
    }
}

/// A statement in the lines that there are; the last one says whether there is more.
fn statement(pen: &mut Pen<'_>, area: Rect, text: &str) {
    let text: Vec<&str> = text.split_whitespace().collect();
    let mut lines = wrapped(&text.join(" "), usize::from(area.width).saturating_sub(2));
    let height = usize::from(area.height);
    if lines.len() > height {
        lines.truncate(height);
        if let Some(last) = lines.last_mut() {
            let room = usize::from(area.width).saturating_sub(4);
            *last = last.chars().take(room).chain(" …".chars()).collect();
        }
    }
    for (y, line) in (area.top()..area.bottom()).zip(&lines) {
        pen.text(area.x + 1, y, area.width - 1, line, Part::Plain);
    }
}

/// The row's statement, safe to show.
fn text(app: &App, key: &RowKey) -> Option<String> {
    match key {
        RowKey::Statement(key) => Some(match app.texts.get(&key.queryid?) {
            Some(text) => clean(text),
            None => "its text is not known".to_owned(),
        }),
        RowKey::Session(pid, start) => {
            let session = crate::tui::update::session(app, *pid, start)?;
            session.query.as_deref().map(clean)
        }
        _ => None,
    }
}

/// Who it is, and what the server has counted of it in all.
fn heading(app: &App, key: &RowKey) -> Line {
    let plain = |text: String| (text, Part::Plain);
    match key {
        RowKey::Statement(key) => {
            let mut line = super::detail::heading(app, key);
            let statements = app
                .sample
                .as_ref()
                .and_then(|sample| sample.statements.read());
            let entry = statements.and_then(|all| all.entries.iter().find(|e| e.key == *key));
            if let Some(entry) = entry {
                let counters = &entry.counters;
                let mean = counters.total_exec_time / counters.calls.max(1.0);
                line.push(plain(format!(
                    "  in all {} calls, mean {} ms, longest {} ms",
                    count(counters.calls),
                    number(mean),
                    number(entry.max_exec_time)
                )));
            }
            line
        }
        RowKey::Session(pid, start) => {
            let mut line = vec![(format!("session {pid}"), Part::Title)];
            let Some(session) = crate::tui::update::session(app, *pid, start) else {
                return line;
            };
            let now = app.sample.as_ref().map_or(0.0, |sample| sample.pulse.at);
            if let Some(start) = session.backend_start {
                line.push(plain(format!(
                    "  connected {} ago",
                    age((now - start).max(0.0))
                )));
            }
            if let Some(address) = &session.client_addr {
                line.push(plain(format!("  from {}", clean(address))));
            }
            line
        }
        _ => Vec::new(),
    }
}
