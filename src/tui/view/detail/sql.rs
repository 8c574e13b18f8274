//! SQL in lines: a clause begins a line, words are coloured by what they are.

use super::Line;
use crate::query::highlight::{Class, classes};
use crate::tui::text::clean;
use crate::tui::theme::Part;

/// Begin a line of their own.
const CLAUSES: &[&str] = &[
    "from",
    "where",
    "group",
    "having",
    "order",
    "limit",
    "offset",
    "union",
    "intersect",
    "except",
    "values",
    "set",
    "returning",
    "window",
    "fetch",
    "left",
    "right",
    "inner",
    "full",
    "cross",
    "join",
];

/// The statement in lines of at most that many characters.
pub(super) fn lines(text: &str, width: usize) -> Vec<Line> {
    let mut page = Page {
        width: width.max(20),
        lines: Vec::new(),
        line: Vec::new(),
        length: 0,
    };
    let (mut depth, mut before) = (0_usize, String::new());
    for (class, token) in classes(text) {
        let word = token.to_lowercase();
        if class == Class::Space {
            page.blank();
            continue;
        }
        match token {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        let is_clause = class == Class::Keyword && CLAUSES.contains(&word.as_str());
        // LEFT JOIN is one clause.
        let goes_on = matches!(
            before.as_str(),
            "left" | "right" | "inner" | "full" | "cross" | "outer"
        );
        if is_clause && depth == 0 && !goes_on {
            page.end();
            page.indent();
        }
        let part = match class {
            Class::Keyword => Part::Keyword,
            Class::Literal => Part::Literal,
            Class::Comment => Part::Faint,
            Class::Space | Class::Other => Part::Plain,
        };
        page.word(&clean(token), part);
        before = word;
    }
    page.end();
    page.lines
}

struct Page {
    width: usize,
    lines: Vec<Line>,
    line: Line,
    length: usize,
}

impl Page {
    fn indent(&mut self) {
        self.line.push(("  ".to_owned(), Part::Plain));
        self.length = 2;
    }

    fn blank(&mut self) {
        if self.length > 0
            && !self
                .line
                .last()
                .is_some_and(|(text, _)| text.ends_with(' '))
        {
            self.line.push((" ".to_owned(), Part::Plain));
            self.length += 1;
        }
    }

    fn word(&mut self, text: &str, part: Part) {
        let length = text.chars().count();
        if self.length > 2 && self.length + length > self.width {
            self.end();
            self.line.push(("    ".to_owned(), Part::Plain));
            self.length = 4;
        }
        self.line.push((text.to_owned(), part));
        self.length += length;
    }

    fn end(&mut self) {
        if self.line.iter().any(|(text, _)| !text.trim().is_empty()) {
            self.lines.push(std::mem::take(&mut self.line));
        }
        self.line.clear();
        self.length = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, width: usize) -> Vec<String> {
        let line = |line: &Line| {
            line.iter()
                .map(|(text, _)| text.as_str())
                .collect::<String>()
        };
        let lines = lines(text, width);
        lines
            .iter()
            .map(|l| line(l).trim_end().to_owned())
            .collect()
    }

    #[test]
    fn clauses_begin_lines() {
        assert_eq!(
            told(
                "select a, 'x from y'  from t left join u on t.id = u.id where a in (select 1 from v) order by 1",
                80
            ),
            [
                "select a, 'x from y'",
                "  from t",
                "  left join u on t.id = u.id",
                "  where a in (select 1 from v)",
                "  order by 1",
            ]
        );
        assert_eq!(
            told("select aaaaaaaaaa, bbbbbbbbbb, cccccccc", 20),
            ["select aaaaaaaaaa,", "    bbbbbbbbbb,", "    cccccccc"]
        );
        assert_eq!(told("", 80), [""; 0]);
        assert_eq!(told("select \u{1b}[31m 1", 80), ["select ·[31m 1"]);
    }

    #[test]
    fn words_are_told_by_what_they_are() {
        let parts: Vec<Part> = lines("select 'a', 1, $1, b -- c", 80)[0]
            .iter()
            .filter(|(text, _)| !text.trim().is_empty())
            .map(|(_, part)| *part)
            .collect();
        assert_eq!(parts[0], Part::Keyword);
        assert_eq!(parts[1], Part::Literal);
        assert_eq!(parts.last(), Some(&Part::Faint));
    }
}
