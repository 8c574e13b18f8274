//! A base table in a statement: its size, its conditions with their selectivities, and how many rows pass them.

use crate::advisor::estimate::condition::{Clause, Use};
use crate::advisor::estimate::index::Ix;
use crate::advisor::estimate::number::{count, fraction};
use crate::advisor::estimate::selectivity::Field;
use crate::advisor::estimate::settings::clamp_rows;
use crate::advisor::size::leaf_partitions;
use crate::model::catalog::Table;
use crate::model::index::Index;
use crate::model::snapshot::Snapshot;
use crate::query::shape::{Predicate, Relation};

/// Position of a column in `Table::columns`; `NO_COLUMN` matches no index key.
pub(crate) type ColumnAt = usize;
pub(crate) const NO_COLUMN: ColumnAt = usize::MAX;

/// Set of clauses of one table, by position.
pub(crate) type Clauses = u64;

/// A base table with what the statement asks of it.
#[derive(Debug, Clone)]
pub(crate) struct Base<'a> {
    pub(crate) table: Option<&'a Table>,
    pub(crate) alias: &'a str,
    pub(crate) tuples: f64,
    pub(crate) pages: f64,
    /// Share of pages that an index-only scan need not visit.
    pub(crate) all_visible: f64,
    /// Leaf partitions that a scan visits; 1 for an ordinary table.
    pub(crate) partitions: f64,
    /// All conditions, first the AND-ed ones, then those of OR arms.
    pub(crate) clauses: Vec<Clause>,
    /// The AND-ed ones.
    pub(crate) and: Clauses,
    /// ORs: each a list of arms.
    pub(crate) ors: Vec<Vec<Clauses>>,
    /// Shares of conditions that are not independent: both bounds of a range, functional dependencies.
    pub(crate) pairs: Vec<(Clauses, f64)>,
    /// Selectivity of all conditions.
    pub(crate) share: f64,
    /// Rows that pass them.
    pub(crate) rows: f64,
    /// Bytes of the columns that the statement reads.
    pub(crate) width: f64,
    /// Columns that the statement reads; `None` = all, or the row itself (it is to be changed).
    pub(crate) needed: Option<Vec<ColumnAt>>,
    /// Usable indexes that exist.
    pub(crate) existing: Vec<Ix<'a>>,
    /// Columns that alone identify a row.
    unique: Vec<ColumnAt>,
    /// Sets of columns that together do.
    unique_sets: Vec<Vec<ColumnAt>>,
    /// Columns that joins compare.
    pub(crate) joined: Vec<ColumnAt>,
}

impl<'a> Base<'a> {
    /// Reads a relation of the shape; `implied` are further conditions that equality joins bring in, `joined` the columns
    /// that joins compare (and that are therefore not NULL).
    pub(crate) fn of(
        relation: &'a Relation,
        implied: &[Predicate],
        joined: &[&str],
        target: bool,
        snapshot: &'a Snapshot,
    ) -> Self {
        let mut base = Self::without_indexes(relation, implied, joined, target, snapshot);
        let existing = snapshot.indexes_of(relation.table_oid);
        base.existing = existing.filter_map(|i| Ix::existing(i, &base)).collect();
        base
    }

    /// The same, but that no index of it is known: for who asks how many rows pass only. What an index is like takes ten times as
    /// long to find out.
    pub(crate) fn without_indexes(
        relation: &'a Relation,
        implied: &[Predicate],
        joined: &[&str],
        target: bool,
        snapshot: &'a Snapshot,
    ) -> Self {
        let table = snapshot.table(relation.table_oid);
        let (tuples, pages) = table.map_or((1000.0, 10.0), size);
        let needed = match (&relation.columns, target) {
            (Some(columns), false) => Some(columns.iter().map(|c| column_at(table, c)).collect()),
            _ => None,
        };
        let mut base = Self {
            table,
            alias: &relation.alias,
            tuples,
            pages,
            all_visible: table.map_or(0.0, |t| fraction(t.relallvisible / t.relpages.max(1.0))),
            partitions: table.map_or(1.0, |t| count(leaf_partitions(t, snapshot).len()).max(1.0)),
            clauses: Vec::new(),
            and: 0,
            ors: Vec::new(),
            pairs: Vec::new(),
            share: 1.0,
            rows: 1.0,
            width: 0.0,
            needed,
            existing: Vec::new(),
            unique: Vec::new(),
            unique_sets: Vec::new(),
            joined: joined.iter().map(|c| column_at(table, c)).collect(),
        };
        let usable = (snapshot.indexes_of(relation.table_oid)).filter(|i| i.usable());
        base.unique_sets = usable.filter_map(|i| unique_columns(i, table)).collect();
        let alone = base.unique_sets.iter().filter(|set| set.len() == 1);
        base.unique = alone.flatten().copied().collect();
        for predicate in relation.predicates.iter().chain(implied) {
            base.and |= base.add(predicate);
        }
        for or in &relation.disjunctions {
            let arms = or
                .iter()
                .map(|arm| arm.iter().map(|p| base.add(p)).fold(0, |a, b| a | b));
            let arms: Vec<Clauses> = arms.collect();
            base.ors.push(arms);
        }
        base.pair_ranges();
        base.pair_dependencies(snapshot, relation.table_oid);
        base.prune_partitions();
        let ors: f64 = base.ors.iter().map(|or| base.or_share(or)).product();
        base.share = base.share_of(base.and) * ors;
        base.rows = clamp_rows(base.tuples * base.share);
        base.width = base.row_width();
        base
    }

    /// The column for the estimators.
    pub(crate) fn field(&self, column: ColumnAt) -> Field<'a> {
        Field {
            column: self.table.and_then(|t| t.columns.get(column)),
            tuples: self.tuples,
            unique: self.unique.contains(&column),
        }
    }

    /// Whether at most one row has given values in those columns (`relation_has_unique_index_for`).
    pub(crate) fn is_unique_by(&self, columns: &[ColumnAt]) -> bool {
        let given = |c: &ColumnAt| columns.contains(c) || self.is_fixed(*c);
        self.unique_sets.iter().any(|set| set.iter().all(given))
    }

    /// Whether a condition gives the column a single value.
    pub(crate) fn is_fixed(&self, column: ColumnAt) -> bool {
        let mut clauses = self.clauses.iter().enumerate();
        clauses.any(|(at, c)| {
            self.and >> at & 1 == 1
                && c.usage == Use::Equality
                && c.column == column
                && c.predicate.expression.is_none()
                && column != NO_COLUMN
        })
    }

    fn row_width(&self) -> f64 {
        let Some(table) = self.table else { return 32.0 };
        let width = |at: ColumnAt| {
            table
                .columns
                .get(at)
                .map_or(8.0, |c| match (&c.stats, c.typlen) {
                    (_, length) if length > 0 => f64::from(length),
                    (Some(stats), _) if stats.avg_width > 0.0 => stats.avg_width.min(1e6),
                    _ => 32.0,
                })
        };
        match &self.needed {
            Some(columns) => columns.iter().map(|&c| width(c)).sum(),
            None => (0..table.columns.len()).map(width).sum(),
        }
    }
}

/// Rows and pages (`estimate_rel_size`): a table that was never vacuumed counts as at least ten pages.
fn size(table: &Table) -> (f64, f64) {
    let finite = |x: f64| {
        if x.is_finite() {
            x.clamp(0.0, 1e15)
        } else {
            0.0
        }
    };
    let (rows, pages) = (finite(table.rows()), finite(table.relpages));
    let width: f64 = table
        .columns
        .iter()
        .map(|c| {
            if c.typlen > 0 {
                f64::from(c.typlen)
            } else {
                32.0
            }
        })
        .sum();
    let per_page = ((8192.0 - 24.0) / (width + 28.0)).max(1.0);
    match (rows > 0.0, pages > 0.0) {
        (true, true) => (rows, pages),
        (true, false) => (rows, (rows / per_page).ceil()),
        (false, _) if table.reltuples < 0.0 || pages == 0.0 => {
            let pages = pages.max(10.0);
            ((pages * per_page).floor(), pages)
        }
        // Analysed and found empty.
        (false, _) => (1.0, pages.max(1.0)),
    }
}

/// The position of a column by name.
pub(crate) fn column_at(table: Option<&Table>, name: &str) -> ColumnAt {
    let at = table.and_then(|t| t.columns.iter().position(|c| c.name == name));
    at.unwrap_or(NO_COLUMN)
}

fn unique_columns(index: &Index, table: Option<&Table>) -> Option<Vec<ColumnAt>> {
    let definition = &index.definition;
    if !definition.unique || definition.predicate.is_some() {
        return None;
    }
    let keys = definition.keys.iter();
    keys.map(|k| k.column_name().map(|name| column_at(table, name)))
        .collect()
}
