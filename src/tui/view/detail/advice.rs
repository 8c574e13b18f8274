//! A recommendation or a finding: what it is, why, and what does it.

use super::sql;
use super::{Line, fact, plain, title, wrapped};
use crate::tui::app::App;
use crate::tui::text::{bytes, clean, number, percent};
use crate::tui::theme::Part;

pub(super) fn lines(app: &App, name: &str, width: usize) -> Vec<Line> {
    let Some(advice) = crate::tui::update::advice(app, name) else {
        return vec![plain("it is gone")];
    };
    let mut lines = vec![
        title(&clean(&advice.what)),
        fact("on", clean(&advice.object)),
    ];
    lines.push(fact("priority", advice.priority.clone()));
    if !advice.confidence.is_empty() {
        lines.push(fact("sure", advice.confidence.clone()));
    }
    if let Some(share) = advice.saves_share {
        let a_day = advice
            .saves_ms_per_day
            .map(|ms| format!(", {} s a day", number(ms / 1000.0)));
        let text = format!(
            "{} % of the load{}",
            percent(share),
            a_day.unwrap_or_default()
        );
        lines.push(fact("saves", text));
    }
    if let Some(size) = advice.size_bytes {
        lines.push(fact("takes", bytes(size)));
    }
    lines.push(Vec::new());
    for reason in &advice.reasons {
        lines.extend(wrapped(&clean(reason), width).into_iter().map(plain));
    }
    lines.push(Vec::new());
    if advice.ddl.is_empty() {
        return lines;
    }
    for statement in advice.ddl.lines() {
        lines.extend(sql::lines(statement, width));
    }
    lines.push(Vec::new());
    lines.push(vec![
        ("Y".to_owned(), Part::Key),
        (" copies the statement, ".to_owned(), Part::Plain),
        ("w".to_owned(), Part::Key),
        (
            " saves all of them; nothing was executed".to_owned(),
            Part::Plain,
        ),
    ]);
    lines
}
