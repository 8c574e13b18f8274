//! Draws the application. Pure: the same state gives the same picture.

mod above;
mod detail;
mod header;
mod layout;
mod load;
mod pen;
mod preview;
mod table;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::tui::app::{App, Layer, Link};
use crate::tui::theme::Part;
use layout::{FOOTER, HEADS, Layout};
use pen::Pen;

/// What is smaller cannot be read.
const LEAST: (u16, u16) = (60, 12);

/// How many rows of the table fit.
#[must_use]
pub fn table_height(app: &App) -> usize {
    usize::from(Layout::new(app.size, app.screen()).rows())
}

/// Whether the page of the cursor's row is shown below the table.
#[must_use]
pub fn shows_page(app: &App) -> bool {
    let layout = Layout::new(app.size, app.screen());
    layout.is_page && layout.preview.height > 0
}

/// How many lines the layer on top has.
#[must_use]
pub fn lines_above(app: &App) -> usize {
    let width = usize::from(app.size.0).saturating_sub(2);
    match app.layers.last() {
        Some(Layer::Detail(key, _)) => detail::lines(app, key, width).len(),
        Some(Layer::Messages(_)) => above::messages(app).len(),
        _ => 0,
    }
}

/// What is at a place of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hit {
    /// A screen's tab.
    Tab(usize),
    /// The head of a column.
    Head(usize),
    /// A row.
    Row(usize),
}

/// What is at that place, unless something lies above it.
#[must_use]
pub fn hit(app: &App, x: u16, y: u16) -> Option<Hit> {
    if y + 1 == header::HEIGHT {
        return header::tab_at(app, x).map(Hit::Tab);
    }
    if !app.layers.is_empty() {
        return None;
    }
    let layout = Layout::new(app.size, app.screen());
    let first = layout.table.y + HEADS;
    if y + 1 == first {
        return table::column_at(app, layout.table, x).map(Hit::Head);
    }
    let line = usize::from(y.checked_sub(first)?);
    let row = app.look().top + line;
    (line < table_height(app) && row < app.grid.rows.len()).then_some(Hit::Row(row))
}

/// Draws all of it.
pub fn view(app: &App, frame: &mut Frame<'_>) {
    let area = frame.area();
    let mut pen = Pen::new(frame.buffer_mut(), app.options.theme, app.options.ascii);
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let text = format!(
            "too small: {}x{} of {}x{}",
            area.width, area.height, LEAST.0, LEAST.1
        );
        pen.line(area, 0, &text, Part::Plain);
        pen.line(area, 1, "q quits", Part::Faint);
        return;
    }
    header::draw(app, &mut pen, area);
    let body = Rect {
        y: area.y + header::HEIGHT,
        height: area.height - header::HEIGHT - FOOTER,
        ..area
    };
    let open = app.layers.iter().rev().find_map(|layer| match layer {
        Layer::Detail(key, top) => Some((key, *top)),
        _ => None,
    });
    if let Some((key, top)) = open {
        detail::draw(app, &mut pen, body, key, top);
    } else {
        let layout = Layout::new((area.width, area.height), app.screen());
        load::draw(app, &mut pen, layout.load);
        table::draw(app, &mut pen, layout.table);
        preview::draw(app, &mut pen, &layout);
    }
    above::draw(app, &mut pen, area);
    above::footer(app, &mut pen, area);
    if let Link::Lost(..) = app.link {
        pen.dim(body);
    }
}

#[cfg(test)]
mod tests;
