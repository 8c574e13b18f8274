//! `/`: which rows are shown. Terms that all have to hold: a word that stands somewhere in the row, `db:shop` in one column, `mean>10`.

use crate::tui::column::{Column, Row, Value};

/// A filter.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// As it was written.
    pub text: String,
    terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq)]
enum Term {
    Anywhere(String),
    In(String, String),
    Above(String, f64),
    Below(String, f64),
}

impl Filter {
    /// Reads one.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self {
            text: text.trim().to_owned(),
            terms: text.split_whitespace().map(term).collect(),
        }
    }

    /// Whether everything passes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether a row passes.
    #[must_use]
    pub fn passes(&self, columns: &[Column], row: &Row) -> bool {
        self.terms.iter().all(|term| passes(term, columns, row))
    }
}

fn term(word: &str) -> Term {
    let amount = |text: &str| text.parse::<f64>().ok();
    if let Some((name, limit)) = word.split_once('>')
        && let Some(limit) = amount(limit)
    {
        return Term::Above(name.to_lowercase(), limit);
    }
    if let Some((name, limit)) = word.split_once('<')
        && let Some(limit) = amount(limit)
    {
        return Term::Below(name.to_lowercase(), limit);
    }
    match word.split_once(':') {
        Some((name, text)) if !name.is_empty() && !text.is_empty() => {
            Term::In(name.to_lowercase(), text.to_lowercase())
        }
        _ => Term::Anywhere(word.to_lowercase()),
    }
}

fn passes(term: &Term, columns: &[Column], row: &Row) -> bool {
    let cells = || columns.iter().zip(&row.values);
    let has = |value: &Value, text: &str| match value {
        Value::Text(value) => value.to_lowercase().contains(text),
        _ => false,
    };
    let amount = |name: &str| {
        let found = cells().find(|(column, _)| column.name == name);
        match found {
            Some((_, Value::Number(amount))) => Some(*amount),
            _ => None,
        }
    };
    match term {
        Term::Anywhere(text) => cells().any(|(_, value)| has(value, text)),
        Term::In(name, text) => {
            let is_column = columns.iter().any(|column| column.name == name);
            if is_column {
                cells().any(|(column, value)| {
                    column.name == name
                        && (has(value, text) || column.written(value).to_lowercase() == *text)
                })
            } else {
                // `a:b` that names no column is a word with a colon in it.
                let whole = format!("{name}:{text}");
                cells().any(|(_, value)| has(value, &whole))
            }
        }
        Term::Above(name, limit) => amount(name).is_some_and(|amount| amount > *limit),
        Term::Below(name, limit) => amount(name).is_some_and(|amount| amount < *limit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::delta::Origin;
    use crate::tui::column::{Format, RowKey};

    #[test]
    fn rows_pass_when_all_terms_hold() {
        let columns = [
            Column::new("mean", "MEAN", 8, Format::Number, 0, ""),
            Column::new("db", "DB", 8, Format::Text, 0, ""),
            Column::new("query", "QUERY", 8, Format::Text, 0, ""),
        ];
        let row = Row {
            key: RowKey::Name(String::new()),
            values: vec![
                Value::Number(12.5),
                Value::text("Shop"),
                Value::text("select a::int from T"),
            ],
            origin: Origin::Exact,
        };
        for (text, expected) in [
            ("", true),
            ("SELECT", true),
            ("select from", true),
            ("select drop", false),
            ("db:sho", true),
            ("db:other", false),
            ("query:shop", false),
            ("a::int", true),
            ("mean>10", true),
            ("mean>12.5", false),
            ("mean<20 db:shop", true),
            ("mean:12.5", true),
            ("unknown>1", false),
            ("a>b", false),
        ] {
            assert_eq!(Filter::new(text).passes(&columns, &row), expected, "{text}");
        }
    }
}
