//! The names of a Snapshot, indexed once so that thousands of statements resolve quickly.

use std::cell::OnceCell;
use std::collections::HashMap;

use sqlparser::ast::{Query as QueryAst, Statement as Ast};

use crate::model::catalog::{Column, Table, TableKind};
use crate::model::snapshot::Snapshot;
use crate::query::parse::parse_text;

/// A Snapshot with its names indexed.
#[derive(Debug)]
pub struct Catalog<'s> {
    /// What it is an index of.
    pub snapshot: &'s Snapshot,
    by_name: HashMap<&'s str, Vec<usize>>,
    entries: Vec<Entry<'s>>,
}

#[derive(Debug)]
struct Entry<'s> {
    columns: OnceCell<HashMap<&'s str, &'s Column>>,
    view: OnceCell<Option<Box<QueryAst>>>,
}

/// What a name in FROM means.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Found<'c, 's> {
    /// A relation of the Snapshot.
    Table(TableOf<'c, 's>),
    /// A relation of the system (`pg_catalog`, `information_schema`), which the Snapshot leaves out.
    System,
    /// Nothing.
    Missing,
}

/// A table with its indexed columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TableOf<'c, 's> {
    /// The table.
    pub(crate) table: &'s Table,
    entry: &'c Entry<'s>,
}

impl<'s> Catalog<'s> {
    /// Indexes a Snapshot.
    #[must_use]
    pub fn new(snapshot: &'s Snapshot) -> Self {
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::with_capacity(snapshot.tables.len());
        for (i, table) in snapshot.tables.iter().enumerate() {
            by_name.entry(&table.name).or_default().push(i);
        }
        let entry = || Entry {
            columns: OnceCell::new(),
            view: OnceCell::new(),
        };
        Self {
            snapshot,
            by_name,
            entries: snapshot.tables.iter().map(|_| entry()).collect(),
        }
    }

    /// Resolves a table name as the server would under that search path.
    pub(crate) fn find(&self, schema: Option<&str>, name: &str, path: &[String]) -> Found<'_, 's> {
        let candidates = self.by_name.get(name).map_or(&[][..], Vec::as_slice);
        let in_schema = |schema: &str| {
            let i = *(candidates.iter()).find(|&&i| self.snapshot.tables[i].schema == schema)?;
            Some(Found::Table(TableOf {
                table: &self.snapshot.tables[i],
                entry: &self.entries[i],
            }))
        };
        let found = match schema {
            Some(schema) => in_schema(schema),
            None => path.iter().find_map(|schema| in_schema(schema)),
        };
        let system = match schema {
            Some(schema) => schema == "information_schema" || schema.starts_with("pg_"),
            // Unqualified, pg_catalog comes first; all of its relations bear this prefix.
            None => name.starts_with("pg_"),
        };
        found.unwrap_or(if system {
            Found::System
        } else {
            Found::Missing
        })
    }
}

impl<'c, 's> TableOf<'c, 's> {
    /// Its column of that name.
    pub(crate) fn column(&self, name: &str) -> Option<&'s Column> {
        let columns = (self.entry.columns).get_or_init(|| {
            self.table
                .columns
                .iter()
                .map(|c| (c.name.as_str(), c))
                .collect()
        });
        columns.get(name).copied()
    }

    /// The query behind it, if it is a view whose definition was read and understood.
    pub(crate) fn view(&self) -> Option<&'c QueryAst> {
        let view = self.entry.view.get_or_init(|| {
            let text = self.table.view_definition.as_deref()?;
            match parse_text(text) {
                Ok(Ast::Query(query)) => Some(query),
                _ => None,
            }
        });
        view.as_deref()
    }

    /// Whether it is a view, to be replaced by its query.
    pub(crate) fn is_view(&self) -> bool {
        self.table.kind == TableKind::View
    }
}
