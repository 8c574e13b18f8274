//! A page of a terminal: paragraphs, facts, tables and hanging blocks that end where the terminal does.

use std::fmt::Write as _;

use tabled::builder::Builder;
use tabled::settings::object::Columns;
use tabled::settings::{Alignment, Style as TableStyle};

use crate::report::Style;
use crate::report::plain::{truncate, width, wrap, wrap_at_most};

/// Lines that a statement's text may take.
const TEXT_LINES: usize = 3;
/// Columns that the last column of a table must have to be worth reading; else it moves below the table.
const READABLE: usize = 30;
/// Narrower terminals get this width: the figures of a statement need it.
const NARROWEST: usize = 60;

pub(super) const BOLD: &str = "1";
pub(super) const GREEN: &str = "32";
pub(super) const YELLOW: &str = "33";

/// Lines of text that end where the terminal does.
pub(super) struct Page {
    out: String,
    width: usize,
    colour: bool,
}

impl Page {
    pub(super) fn new(style: Style) -> Self {
        Self {
            out: String::new(),
            width: style.width.max(NARROWEST),
            colour: style.colour,
        }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    pub(super) fn blank(&mut self) {
        self.out.push('\n');
    }

    /// One line as it is, however long.
    pub(super) fn verbatim(&mut self, indent: usize, colour: &str, line: &str) {
        self.out.push_str(&" ".repeat(indent));
        if self.colour && !colour.is_empty() {
            let _ = write!(self.out, "\u{1b}[{colour}m{line}\u{1b}[0m");
        } else {
            self.out.push_str(line.trim_end());
        }
        self.out.push('\n');
    }

    pub(super) fn paragraph(&mut self, indent: usize, colour: &str, text: &str) {
        for line in wrap(text, self.width - indent) {
            self.verbatim(indent, colour, &line);
        }
    }

    /// Labels in one column, texts wrapped in the next.
    pub(super) fn facts(&mut self, indent: usize, facts: &[(&str, String)]) {
        let longest = facts
            .iter()
            .map(|(label, _)| width(label))
            .max()
            .unwrap_or(0);
        let start = indent + longest + 2;
        for (label, text) in facts {
            let mut label = format!("{label:longest$}  ");
            for line in wrap(text, self.width - start) {
                self.verbatim(indent, "", &format!("{label}{line}"));
                label = " ".repeat(longest + 2);
            }
        }
    }

    /// A text behind a margin; lines that it takes more begin below its beginning.
    pub(super) fn hanging(&mut self, margin: &str, text: &str) {
        const LEAST: usize = 20;
        let columns = self.width.saturating_sub(width(margin)).max(LEAST);
        let mut before = margin.to_owned();
        for line in wrap(text, columns) {
            self.verbatim(0, "", &format!("{before}{line}"));
            before = " ".repeat(width(margin));
        }
    }

    /// One line, cut where the terminal ends.
    pub(super) fn coloured(&mut self, colour: &str, line: &str) {
        let line = truncate(line, self.width);
        self.verbatim(0, colour, &line);
    }

    /// Lines that hang under a mark; each takes at most `TEXT_LINES`.
    pub(super) fn block(&mut self, indent: usize, mark: &str, lines: &[String]) {
        let mut mark = mark.to_owned();
        for text in lines {
            for line in wrap_at_most(text, self.width - indent - width(&mark), TEXT_LINES) {
                self.verbatim(indent, "", &format!("{mark}{line}"));
                mark = " ".repeat(width(&mark));
            }
        }
    }

    /// A table of figures with, if there is room, a last column of texts. Says whether there was room.
    pub(super) fn table(
        &mut self,
        indent: usize,
        head: &[&str],
        rows: &[Vec<String>],
        last: Option<(&str, &[String])>,
    ) -> bool {
        let column = |i: usize| rows.iter().map(move |r| width(&r[i])).max().unwrap_or(0);
        let figures: usize = (0..head.len())
            .map(|i| column(i).max(head[i].len()) + 3)
            .sum();
        let room = (self.width - indent).saturating_sub(figures + 2);
        let last = last.filter(|_| room >= READABLE);
        let mut builder = Builder::new();
        let title = last.map(|(title, _)| title.to_owned());
        builder.push_record(head.iter().map(ToString::to_string).chain(title));
        for (i, row) in rows.iter().enumerate() {
            let text = last.map(|(_, texts)| wrap_at_most(&texts[i], room, TEXT_LINES).join("\n"));
            builder.push_record(row.iter().cloned().chain(text));
        }
        let mut table = builder.build();
        table.with(TableStyle::psql());
        table.modify(Columns::new(..head.len()), Alignment::right());
        for line in table.to_string().lines() {
            self.verbatim(indent, "", line);
        }
        last.is_some()
    }
}
