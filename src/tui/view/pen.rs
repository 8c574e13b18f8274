//! Writes into the picture: a text at a place, never beyond its room, in the style of what it is.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::tui::theme::{Part, Theme};

/// A pen on a picture.
pub(super) struct Pen<'b> {
    buffer: &'b mut Buffer,
    theme: Theme,
    /// No lines and dots but ASCII.
    pub(super) ascii: bool,
}

impl<'b> Pen<'b> {
    pub(super) fn new(buffer: &'b mut Buffer, theme: Theme, ascii: bool) -> Self {
        Self {
            buffer,
            theme,
            ascii,
        }
    }

    /// Writes a text that takes at most `width`; gives the column behind it.
    pub(super) fn text(&mut self, x: u16, y: u16, width: u16, text: &str, part: Part) -> u16 {
        if width == 0 || !self.buffer.area.contains((x, y).into()) {
            return x;
        }
        let style = self.theme.style(part);
        if self.ascii && !text.is_ascii() {
            let plain: String = text.chars().map(ascii).collect();
            let (end, _) = self
                .buffer
                .set_stringn(x, y, plain, usize::from(width), style);
            return end;
        }
        let (end, _) = self
            .buffer
            .set_stringn(x, y, text, usize::from(width), style);
        end
    }

    /// Writes a text at the right of its room.
    pub(super) fn right(&mut self, x: u16, y: u16, width: u16, text: &str, part: Part) {
        let length = u16::try_from(text.chars().count()).unwrap_or(width);
        let start = x + width.saturating_sub(length);
        self.text(start, y, width, text, part);
    }

    /// Writes a line of an area.
    pub(super) fn line(&mut self, area: Rect, line: u16, text: &str, part: Part) {
        if line < area.height {
            self.text(area.x, area.y + line, area.width, text, part);
        }
    }

    /// A line across the top of an area, with words in it; gives the column behind them.
    pub(super) fn rule(&mut self, area: Rect, words: &[(String, Part)]) -> u16 {
        let line = if self.ascii { "-" } else { "─" };
        let line = line.repeat(usize::from(area.width));
        self.line(area, 0, &line, Part::Faint);
        let room = usize::from(area.width).saturating_sub(4);
        let (end, mut left) = (area.right().saturating_sub(1), room);
        let mut at = area.x + 1;
        for (nth, (word, part)) in words.iter().enumerate() {
            let before = if nth == 0 { " " } else { "" };
            let after = if nth + 1 == words.len() { " " } else { "" };
            let word: String = format!("{before}{word}{after}")
                .chars()
                .take(left)
                .collect();
            left -= word.chars().count();
            at = self.text(at, area.y, end.saturating_sub(at), &word, *part);
        }
        at
    }

    /// Words in different styles one after another; gives the column behind them.
    pub(super) fn words(&mut self, x: u16, y: u16, end: u16, words: &[(String, Part)]) -> u16 {
        let mut at = x;
        for (word, part) in words {
            at = self.text(at, y, end.saturating_sub(at), word, *part);
        }
        at
    }

    /// Gives what is already written another style.
    pub(super) fn paint(&mut self, area: Rect, part: Part) {
        self.buffer.set_style(area, self.theme.style(part));
    }

    /// Dims an area.
    pub(super) fn dim(&mut self, area: Rect) {
        self.paint(area, Part::Dimmed);
    }

    /// Clears an area and draws a frame with a title around it; gives the room inside.
    pub(super) fn frame(&mut self, area: Rect, title: &str) -> Rect {
        let area = area.intersection(self.buffer.area);
        let [h, v, corners] = if self.ascii {
            ["-", "|", "++++"]
        } else {
            ["─", "│", "┌┐└┘"]
        };
        let corners: Vec<String> = corners.chars().map(String::from).collect();
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                let (is_left, is_right) = (x == area.left(), x + 1 == area.right());
                let (is_top, is_bottom) = (y == area.top(), y + 1 == area.bottom());
                let symbol = match (is_left, is_right, is_top, is_bottom) {
                    (true, _, true, _) => &corners[0],
                    (_, true, true, _) => &corners[1],
                    (true, _, _, true) => &corners[2],
                    (_, true, _, true) => &corners[3],
                    (_, _, true, _) | (_, _, _, true) => h,
                    (true, ..) | (_, true, ..) => v,
                    _ => " ",
                };
                if let Some(cell) = self.buffer.cell_mut((x, y)) {
                    cell.reset();
                    cell.set_symbol(symbol).set_style(Style::new());
                }
            }
        }
        let title = format!(" {title} ");
        self.text(
            area.x + 2,
            area.y,
            area.width.saturating_sub(4),
            &title,
            Part::Title,
        );
        Rect {
            x: area.x + 2,
            y: area.y + 1,
            width: area.width.saturating_sub(4),
            height: area.height.saturating_sub(2),
        }
    }
}

/// What stands for a character where only ASCII can be shown.
fn ascii(c: char) -> char {
    match c {
        '…' | '·' => '.',
        '→' | '≥' => '>',
        '←' => '<',
        '↑' => '^',
        '↓' => 'v',
        c if c.is_ascii() => c,
        _ => '?',
    }
}
