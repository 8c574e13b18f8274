//! A screen without a terminal: `--once` and `--batch`, and what `w` saves. The same columns and values as on the screen.

use std::fmt::Write as _;

use crate::tui::app::App;
use crate::tui::column::{Row, Value};
use crate::tui::text::{clean, clock};

/// How a text is put into CSV: in quotes where that is needed.
fn csv_field(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn raw(value: &Value) -> String {
    match value {
        Value::Missing => String::new(),
        Value::Number(amount) => format!("{amount}"),
        Value::Text(text) => clean(text),
    }
}

fn rows(app: &App, limit: Option<usize>) -> &[Row] {
    let rows = &app.grid.rows;
    &rows[..limit.unwrap_or(rows.len()).min(rows.len())]
}

/// When, where, and what is not seen: the lines before a table.
fn caption(app: &App) -> Vec<String> {
    let Some(sample) = &app.sample else {
        return vec!["no sample yet".to_owned()];
    };
    let seconds = app.interval();
    let at = clock(sample.pulse.at);
    let span = if app.screen().is_momentary {
        format!("at {at}")
    } else if seconds > 0.0 {
        format!("{seconds:.1} s until {at}")
    } else {
        format!("since the server's reset, at {at}")
    };
    let mut lines = vec![format!(
        "{} on {}, PostgreSQL {}, {span}",
        app.screen().name,
        clean(&app.options.target),
        clean(&sample.pulse.version)
    )];
    lines.extend(
        app.troubles()
            .iter()
            .map(|trouble| format!("not seen: {}", clean(trouble))),
    );
    lines
}

/// A table as text, columns as wide as their values; the last one is not cut.
#[must_use]
pub fn text(app: &App, limit: Option<usize>) -> String {
    let (columns, rows) = (app.columns(), rows(app, limit));
    let mut page = caption(app).join("\n") + "\n";
    if rows.is_empty() {
        let why = app.grid.empty.clone();
        let why = why.unwrap_or_else(|| "no row passes the filter".to_owned());
        let _ = writeln!(page, "{}", clean(&why));
        return page;
    }
    let mut cells: Vec<Vec<String>> =
        vec![columns.iter().map(|(_, c)| c.title.to_owned()).collect()];
    cells.extend(rows.iter().map(|row| {
        let written = columns
            .iter()
            .map(|(at, column)| column.written(&row.values[*at]));
        written.collect::<Vec<_>>()
    }));
    let width = |nth: usize| {
        cells
            .iter()
            .map(|row| row[nth].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    for row in &cells {
        let mut line = String::new();
        for (nth, ((_, column), cell)) in columns.iter().zip(row).enumerate() {
            let width = widths[nth];
            let _ = if column.is_right() {
                write!(line, "{cell:>width$}  ")
            } else {
                write!(line, "{cell:<width$}  ")
            };
        }
        let _ = writeln!(page, "{}", line.trim_end());
    }
    page
}

/// CSV with a head; amounts with all their digits. What is not seen is told by no row: it goes to stderr.
#[must_use]
pub fn csv(app: &App, limit: Option<usize>, with_head: bool) -> String {
    let columns = app.columns();
    let at = app.sample.as_ref().map_or(0.0, |sample| sample.pulse.at);
    let mut page = String::new();
    if with_head {
        let names: Vec<&str> = columns.iter().map(|(_, column)| column.name).collect();
        let _ = writeln!(page, "at,{}", names.join(","));
    }
    for row in rows(app, limit) {
        let fields: Vec<String> = columns
            .iter()
            .map(|(at, _)| csv_field(&raw(&row.values[*at])))
            .collect();
        let _ = writeln!(page, "{at:.3},{}", fields.join(","));
    }
    page
}

/// A JSON text. `serde_json` would let pass the control characters beyond ASCII, which a terminal may obey.
fn json_text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// One JSON object a sample, in one line: time, what is not seen, rows by column names.
#[must_use]
pub fn ndjson(app: &App, limit: Option<usize>) -> String {
    let columns = app.columns();
    let at = app.sample.as_ref().map_or(0.0, |sample| sample.pulse.at);
    let value = |value: &Value| match value {
        Value::Number(amount) if amount.is_finite() => format!("{amount}"),
        Value::Text(text) => json_text(text),
        Value::Missing | Value::Number(_) => "null".to_owned(),
    };
    let row = |row: &Row| {
        let fields = columns
            .iter()
            .map(|(at, column)| format!("{}:{}", json_text(column.name), value(&row.values[*at])));
        format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
    };
    let rows: Vec<String> = rows(app, limit).iter().map(row).collect();
    let mut gaps: Vec<String> = app.troubles();
    gaps.extend(app.grid.empty.clone().filter(|_| app.grid.rows.is_empty()));
    let gaps: Vec<String> = gaps.iter().map(|gap| json_text(gap)).collect();
    format!(
        "{{\"schema_version\":1,\"screen\":{},\"at\":{at},\"seconds\":{},\"gaps\":[{}],\"rows\":[{}]}}\n",
        json_text(app.screen().name),
        app.interval(),
        gaps.join(","),
        rows.join(",")
    )
}

/// A table in Markdown.
#[must_use]
pub fn markdown(app: &App, limit: Option<usize>) -> String {
    let columns = app.columns();
    let safe = |text: &str| {
        text.replace('\\', "\\\\")
            .replace('|', "\\|")
            .replace('<', "&lt;")
            .replace('`', "\\`")
    };
    let mut page = String::new();
    for line in caption(app) {
        let _ = writeln!(page, "{}\n", safe(&line));
    }
    if rows(app, limit).is_empty() {
        let why = app
            .grid
            .empty
            .clone()
            .unwrap_or_else(|| "no row passes the filter".to_owned());
        let _ = writeln!(page, "{}", safe(&why));
        return page;
    }
    let titles: Vec<String> = columns
        .iter()
        .map(|(_, column)| safe(column.title))
        .collect();
    let _ = writeln!(page, "| {} |", titles.join(" | "));
    let rules: Vec<&str> = columns
        .iter()
        .map(|(_, c)| if c.is_right() { "--:" } else { "---" })
        .collect();
    let _ = writeln!(page, "| {} |", rules.join(" | "));
    for row in rows(app, limit) {
        let cells: Vec<String> = columns
            .iter()
            .map(|(at, column)| safe(&column.written(&row.values[*at])))
            .collect();
        let _ = writeln!(page, "| {} |", cells.join(" | "));
    }
    page
}
