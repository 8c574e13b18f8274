//! The screens, one file each: what a sample shows of one thing, as columns and rows.

mod activity;
mod advice;
mod databases;
mod indexes;
mod io;
mod locks;
mod progress;
mod queries;
mod tables;

use crate::model::delta::Origin;
use crate::model::sample::Wants;
use crate::tui::app::App;
use crate::tui::column::{Column, Row, RowKey, Rows, Value};

/// What is shown of the cursor's row below the table, where there is room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preview {
    /// Nothing: the row is all.
    None,
    /// The statement; of a large terminal, the page.
    Statement,
    /// The page, in a large terminal.
    Page,
}

/// A screen.
#[derive(Debug)]
pub struct Screen {
    /// What `--screen` and the tab call it.
    pub name: &'static str,
    /// Its columns; the last one takes the room that is left.
    pub columns: &'static [Column],
    /// How many columns at the left stay when the others are scrolled.
    pub frozen: usize,
    /// The column that is sorted by at first, and whether the largest come first; none keeps the order of the rows.
    pub sort: Option<(&'static str, bool)>,
    /// What has to be read for it, beside what every sample has.
    pub wants: Wants,
    /// Its rows are as of now, whatever the mode: nothing in them is an amount of an interval.
    pub is_momentary: bool,
    /// Makes the rows.
    pub rows: fn(&App) -> Rows,
    /// What is shown of the cursor's row below the table.
    pub preview: Preview,
    /// What is counted in the tab: locks, advice.
    pub badge: Option<fn(&App) -> usize>,
}

/// All of them, by their keys 1 to 9.
pub const SCREENS: &[Screen] = &[
    queries::SCREEN,
    activity::SCREEN,
    locks::SCREEN,
    tables::SCREEN,
    indexes::SCREEN,
    io::SCREEN,
    progress::SCREEN,
    advice::SCREEN,
    databases::SCREEN,
];

/// Why a part has no rows yet.
fn unread(trouble: Option<&str>) -> Rows {
    Rows::Unseen(match trouble {
        Some(why) => format!("could not look: {why}"),
        None => "waiting for the first sample".to_owned(),
    })
}

/// A row of which only some columns have a value.
fn sparse(columns: &[Column], key: RowKey, values: &[(&str, Value)]) -> Row {
    let value = |column: &Column| {
        let found = values.iter().find(|(of, _)| *of == column.name);
        found.map_or(Value::Missing, |(_, value)| value.clone())
    };
    Row {
        key,
        values: columns.iter().map(value).collect(),
        origin: Origin::Exact,
    }
}

/// `orders` in `public`, else `schema.orders`.
fn qualified(schema: &str, name: &str) -> String {
    if schema == "public" {
        name.to_owned()
    } else {
        format!("{schema}.{name}")
    }
}

/// The screen of that name.
#[must_use]
pub fn position(name: &str) -> Option<usize> {
    SCREENS.iter().position(|screen| screen.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_names_and_room() {
        for screen in SCREENS {
            let mut names: Vec<_> = screen.columns.iter().map(|c| c.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), screen.columns.len(), "{}", screen.name);
            for column in screen.columns {
                assert!(!column.help.is_empty(), "{}.{}", screen.name, column.name);
                assert!(
                    usize::from(column.width) >= column.title.chars().count(),
                    "{}.{}",
                    screen.name,
                    column.name
                );
                assert!(
                    column
                        .name
                        .chars()
                        .all(|c| c.is_ascii_lowercase() || c == '_'),
                    "{}.{}",
                    screen.name,
                    column.name
                );
            }
            if let Some((sort, _)) = screen.sort {
                assert!(names.contains(&sort), "{}: {sort}", screen.name);
            }
        }
    }
}
