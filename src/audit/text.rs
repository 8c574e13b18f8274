//! A statement's text as rules look at it: what stands in it, and what is known of the tables that it names and of its cost.

mod narrowed;
pub(in crate::audit) mod unchanged;

pub(crate) use narrowed::converts;

use crate::model::catalog::{Column as TableColumn, Table, TableKind};
use crate::model::ident::QualifiedName;
use crate::model::index::Index;
use crate::model::snapshot::Snapshot;
use crate::query::facts::{Block, Column, Condition, Facts, Place, Read, Source};

/// Tables of fewer rows are read whole in a millisecond or two, whatever is asked of them.
const LARGE: f64 = 10_000.0;

/// Share of a table's rows up to which an index finds them sooner.
const FEW: f64 = 0.05;

/// A statement's text, looked at.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    /// The text, read.
    pub read: &'a Read,
    /// What is known of the database.
    pub snapshot: Option<&'a Snapshot>,
    /// What the statement costs.
    pub cost: Cost,
}

/// What a statement costs, as far as it is known.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cost {
    /// Executions.
    pub calls: Option<f64>,
    /// Rows that it returns or changes in one, on average.
    pub rows_per_call: Option<f64>,
    /// Milliseconds that one takes, on average.
    pub mean_ms: Option<f64>,
    /// Share of the time of all statements, 0 to 1; 0 = not known.
    pub share: f64,
}

impl<'a> Text<'a> {
    /// What stands in it.
    #[must_use]
    pub fn facts(&self) -> &'a Facts {
        &self.read.facts
    }

    /// The outermost block.
    #[must_use]
    pub fn top(&self) -> Option<&'a Block> {
        self.facts().blocks.get(self.top_at())
    }

    /// Its position: queries of WITH come before it.
    #[must_use]
    pub fn top_at(&self) -> usize {
        let place = self
            .facts()
            .blocks
            .iter()
            .position(|b| b.place == Place::Top);
        place.unwrap_or(usize::MAX)
    }

    /// Positions of what a block reads from.
    pub fn relations(&self, block: usize) -> impl Iterator<Item = usize> {
        let all = self.facts().relations.iter().enumerate();
        all.filter(move |(_, r)| r.block == block).map(|(at, _)| at)
    }

    /// The conditions on the rows of a block.
    pub fn conditions(&self, block: usize) -> impl Iterator<Item = &'a Condition> {
        let all = self.facts().conditions.iter();
        all.filter(move |condition| condition.block == block)
    }

    /// The table that is read from, if it is known.
    #[must_use]
    pub fn table(&self, relation: usize) -> Option<&'a Table> {
        let snapshot = self.snapshot?;
        let Source::Table(parts) = &self.facts().relations[relation].source else {
            return None;
        };
        match parts.as_slice() {
            [name] => (snapshot.server.search_path.iter())
                .find_map(|schema| snapshot.table_named(&QualifiedName::new(schema, name))),
            [.., schema, name] => snapshot.table_named(&QualifiedName::new(schema, name)),
            [] => None,
        }
    }

    /// Whose column it is that a block names: the position among the relations; `None` where that cannot be told.
    #[must_use]
    pub fn owner(&self, column: &Column, block: usize) -> Option<usize> {
        let blocks = &self.facts().blocks;
        let mut around = std::iter::successors(Some(block), |&b| blocks[b].parent);
        if let Some(of) = &column.of {
            return around.find_map(|b| {
                let mut own = self.relations(b);
                own.find(|&r| self.facts().relations[r].name == *of)
            });
        }
        let own: Vec<usize> = self.relations(block).collect();
        let tables: Option<Vec<&Table>> = own.iter().map(|&r| self.table(r)).collect();
        // Where a relation is not known, the column may be one of its own.
        let tables = tables?;
        let holders = own.iter().zip(tables);
        let mut holders = holders.filter(|(_, table)| table.column(&column.name).is_some());
        let first = holders.next().map(|(&relation, _)| relation);
        first.filter(|_| holders.next().is_none())
    }

    /// The table of a column and what is known of the column.
    #[must_use]
    pub fn column(&self, column: &Column, block: usize) -> Option<(&'a Table, &'a TableColumn)> {
        let table = self.table(self.owner(column, block)?)?;
        Some((table, table.column(&column.name)?))
    }

    /// Rows of a table that is read from, where they were counted.
    #[must_use]
    pub fn rows(&self, relation: usize) -> Option<f64> {
        let table = self.table(relation)?;
        let counted = table.reltuples > 0.0 || table.stats.is_some();
        (counted && table.kind != TableKind::View).then(|| table.rows())
    }

    /// Whether it is known to be large enough for the way it is read to matter.
    #[must_use]
    pub fn is_large(&self, relation: usize) -> bool {
        self.rows(relation).is_some_and(|rows| rows >= LARGE)
    }

    /// Whether it is known to be small.
    #[must_use]
    pub fn is_small(&self, relation: usize) -> bool {
        self.rows(relation).is_some_and(|rows| rows < LARGE)
    }

    /// The indexes of a table that can be used.
    pub fn indexes(&self, table: &'a Table) -> impl Iterator<Item = &'a Index> {
        let all = self
            .snapshot
            .into_iter()
            .flat_map(|s| s.indexes_of(table.oid));
        all.filter(|index| index.valid)
    }

    /// Columns of a table that together are unique and not NULL, the key with the fewest first.
    #[must_use]
    pub fn key(&self, table: &'a Table) -> Option<Vec<&'a str>> {
        self.keys(table).into_iter().min_by_key(Vec::len)
    }

    /// All such keys.
    #[must_use]
    pub fn keys(&self, table: &'a Table) -> Vec<Vec<&'a str>> {
        let not_null = |name: &&str| table.column(name).is_some_and(|c| c.not_null);
        let unique = self.indexes(table).filter(|index| {
            let definition = &index.definition;
            definition.unique
                && definition.predicate.is_none()
                && definition.key_columns().count() == definition.keys.len()
        });
        let columns = unique.map(|index| index.definition.key_columns().collect::<Vec<_>>());
        columns
            .filter(|columns| columns.iter().all(not_null))
            .collect()
    }

    /// Whether so few rows have one value of a column that an index finds them sooner than reading the table does; not where that is
    /// not known.
    #[must_use]
    pub fn is_selective(&self, table: &Table, column: &TableColumn) -> bool {
        let different = column.stats.as_ref().map_or(0.0, |s| s.n_distinct);
        let different = if different < 0.0 {
            -different * table.rows()
        } else {
            different
        };
        different >= 1.0 / FEW
    }

    /// Whether a column is the first one of an index on all rows.
    #[must_use]
    pub fn leads_index(&self, table: &'a Table, column: &str) -> bool {
        self.indexes(table).any(|index| {
            let first = index.definition.keys.first();
            index.definition.predicate.is_none()
                && matches!(index.definition.method.as_str(), "btree" | "hash")
                && first.and_then(|key| key.column_name()) == Some(column)
        })
    }
}
