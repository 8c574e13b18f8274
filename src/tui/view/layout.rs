//! Where what stands: the load, the table, and what is shown of the cursor's row. It hangs on the size and the screen alone, so that
//! nothing moves when the cursor does.

use ratatui::layout::Rect;

use super::header;
use crate::tui::screens::{Preview, Screen};

/// The line at the bottom.
pub(super) const FOOTER: u16 = 1;

/// The line above the table's rows, and the heads.
pub(super) const HEADS: u16 = 2;

/// From this size on there is room for more than a table.
const LARGE: (u16, u16) = (160, 45);

/// The lines of the load.
const LOAD: u16 = 7;

/// The places of what lies between header and footer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// Where the load of the last minutes comes from; empty in a small terminal.
    pub(super) load: Rect,
    /// The table with its heads.
    pub(super) table: Rect,
    /// What is shown of the cursor's row; may be empty.
    pub(super) preview: Rect,
    /// Whether the preview is the row's page.
    pub(super) is_page: bool,
}

impl Layout {
    pub(super) fn new((width, height): (u16, u16), screen: &Screen) -> Self {
        let is_tall = height >= LARGE.1;
        let is_large = width >= LARGE.0 && is_tall;
        let load = if is_large { LOAD } else { 0 };
        let room = height.saturating_sub(header::HEIGHT + FOOTER + load);
        let preview = match screen.preview {
            Preview::None => 0,
            _ if is_tall => room / 5 * 2,
            Preview::Statement if height >= 32 => 6,
            Preview::Statement if height >= 22 => 4,
            Preview::Statement | Preview::Page => 0,
        };
        let table = room - preview;
        let rect = |y: u16, height: u16| Rect::new(0, y, width, height);
        Self {
            load: rect(header::HEIGHT, load),
            table: rect(header::HEIGHT + load, table),
            preview: rect(header::HEIGHT + load + table, preview),
            is_page: is_tall,
        }
    }

    /// How many rows of the table fit.
    pub(super) fn rows(&self) -> u16 {
        self.table.height.saturating_sub(HEADS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::screens::SCREENS;

    #[test]
    fn at_every_size_the_parts_lie_below_each_other() {
        for (width, height) in [
            (0, 0),
            (80, 24),
            (120, 40),
            (160, 45),
            (200, 60),
            (u16::MAX, u16::MAX),
        ] {
            for screen in SCREENS {
                let Layout {
                    load,
                    table,
                    preview,
                    ..
                } = Layout::new((width, height), screen);
                let name = screen.name;
                assert_eq!(
                    (load.y, load.bottom()),
                    (header::HEIGHT, table.y),
                    "{name} {height}"
                );
                assert_eq!(table.bottom(), preview.y, "{name} {height}");
                let end = height.saturating_sub(FOOTER).max(header::HEIGHT);
                assert_eq!(preview.bottom(), end, "{name} {height}");
            }
        }
    }
}
