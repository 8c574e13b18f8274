//! A base table in a statement: its size, its conditions with their selectivities, and how many rows pass them.

use crate::advisor::estimate::index::Ix;
use crate::advisor::estimate::selectivity::{ARRAY_LENGTH, Field, Share, Side, count};
use crate::advisor::estimate::settings::{Settings, clamp_rows};
use crate::advisor::size::leaf_partitions;
use crate::model::catalog::Table;
use crate::model::index::Index;
use crate::model::snapshot::Snapshot;
use crate::query::shape::{Operand, Operator, Predicate, Relation};

/// Position of a column in `Table::columns`; `NO_COLUMN` matches no index key.
pub(crate) type ColumnAt = usize;
pub(crate) const NO_COLUMN: ColumnAt = usize::MAX;

/// What an index can make of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Equality,
    /// Several values: one descent each.
    Any,
    Null,
    NotNull,
    Low,
    High,
    Both,
    /// `LIKE 'x%'`: needs the right collation or operator class.
    Prefix,
    /// Only a filter on each row.
    Filter,
}

/// One condition on the table.
#[derive(Debug, Clone)]
pub(crate) struct Clause {
    pub(crate) column: ColumnAt,
    pub(crate) predicate: Predicate,
    pub(crate) usage: Use,
    pub(crate) share: Share,
    /// Elements of an IN list; 1 for all others.
    pub(crate) elements: f64,
    /// Operator calls per row when it is a filter.
    pub(crate) operators: f64,
}

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
    pairs: Vec<(Clauses, f64)>,
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
            all_visible: table.map_or(0.0, |t| {
                (t.relallvisible / t.relpages.max(1.0)).max(0.0).min(1.0)
            }),
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
        let indexes: Vec<&Index> = snapshot
            .indexes_of(relation.table_oid)
            .filter(|i| i.usable())
            .collect();
        base.unique_sets = indexes
            .iter()
            .filter_map(|i| unique_columns(i, table))
            .collect();
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
        base.existing = indexes
            .iter()
            .filter_map(|i| Ix::existing(i, &base))
            .collect();
        base
    }

    /// Adds a condition; the empty set when there are more than fit (they then filter nothing).
    fn add(&mut self, predicate: &Predicate) -> Clauses {
        if self.clauses.len() >= 64 {
            return 0;
        }
        let column = column_at(self.table, &predicate.column);
        let clause = self.clause(column, predicate);
        self.clauses.push(clause);
        1 << (self.clauses.len() - 1)
    }

    fn clause(&self, column: ColumnAt, predicate: &Predicate) -> Clause {
        // Statistics of the column say nothing about an expression over it.
        let field = match predicate.expression {
            None => self.field(column),
            Some(_) => Field {
                column: None,
                ..self.field(NO_COLUMN)
            },
        };
        let (share, side) = field.share(predicate);
        let elements = match (&predicate.operator, &predicate.operand) {
            (Operator::In(_), Operand::Literals(values)) => count(values.len()).max(1.0),
            (Operator::In(length), _) => length.map_or(ARRAY_LENGTH, count).max(1.0),
            _ => 1.0,
        };
        let usage = match (&predicate.operator, side) {
            (Operator::In(_), _) if elements > 1.0 => Use::Any,
            (Operator::Eq | Operator::In(_), _) => Use::Equality,
            (Operator::IsNull, _) => Use::Null,
            (Operator::IsNotNull, _) => Use::NotNull,
            (Operator::Between, _) => Use::Both,
            (Operator::LikePrefix, _) => Use::Prefix,
            (_, Some(Side::Low)) => Use::Low,
            (_, Some(Side::High)) => Use::High,
            _ => Use::Filter,
        };
        // `cost_qual_eval`: NULL tests are free, a list is searched half way (hashed from 9 constants on, 14+).
        let operators = match usage {
            Use::Null | Use::NotNull => 0.0,
            Use::Both => 2.0,
            Use::Any if elements >= 9.0 && matches!(predicate.operand, Operand::Literals(_)) => 2.0,
            Use::Any => 0.5 * elements,
            _ => 1.0,
        } + if predicate.expression.is_some() {
            1.0
        } else {
            0.0
        };
        Clause {
            column,
            predicate: predicate.clone(),
            usage,
            share,
            elements,
            operators,
        }
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

    /// Selectivity of a set of AND-ed conditions (`clauselist_selectivity`).
    pub(crate) fn share_of(&self, clauses: Clauses) -> f64 {
        let mut left = clauses;
        let mut share = 1.0;
        for &(pair, both) in &self.pairs {
            if left & pair == pair {
                left &= !pair;
                share *= both;
            }
        }
        while left != 0 {
            let at = left.trailing_zeros();
            left &= left - 1;
            share *= self.clauses.get(at as usize).map_or(1.0, |c| c.share.share);
        }
        share
    }

    /// Selectivity of an OR (`clauselist_selectivity_or`).
    pub(crate) fn or_share(&self, arms: &[Clauses]) -> f64 {
        arms.iter().fold(0.0, |sum, &arm| {
            let share = self.share_of(arm);
            sum + share - sum * share
        })
    }

    /// Cost of testing those conditions on one row.
    pub(crate) fn filter_cost(&self, clauses: Clauses, settings: &Settings) -> f64 {
        let members = self
            .clauses
            .iter()
            .enumerate()
            .filter(|(i, _)| clauses >> i & 1 == 1);
        members.map(|(_, c)| c.operators).sum::<f64>() * settings.cpu_operator
    }

    /// Cost of testing all ORs on one row.
    pub(crate) fn or_cost(&self, settings: &Settings) -> f64 {
        self.ors
            .iter()
            .flatten()
            .map(|&arm| self.filter_cost(arm, settings))
            .sum()
    }

    fn pair_ranges(&mut self) {
        let mut pairs: Vec<(Clauses, f64)> = Vec::new();
        for (i, low) in self
            .clauses
            .iter()
            .enumerate()
            .filter(|(_, c)| c.usage == Use::Low)
        {
            let same = |c: &Clause| {
                c.usage == Use::High
                    && c.column == low.column
                    && c.predicate.expression == low.predicate.expression
            };
            if let Some(j) = self.clauses.iter().position(same) {
                let field = self.field(low.column);
                pairs.push((
                    1 << i | 1 << j,
                    field.both(low.share, self.clauses[j].share).share,
                ));
            }
        }
        self.pairs = pairs;
    }

    /// Functional dependencies of extended statistics: P(a,b) = f·min(P(a),P(b)) + (1-f)·P(a)·P(b)
    /// (`dependencies_clauselist_selectivity`), for pairs of equalities.
    fn pair_dependencies(&mut self, snapshot: &Snapshot, table_oid: u32) {
        let statistics = snapshot
            .extended_stats
            .iter()
            .filter(|s| s.table_oid == table_oid);
        let mut found: Vec<(f64, Clauses)> = Vec::new();
        for text in statistics.filter_map(|s| s.dependencies.as_ref()) {
            for (from, to, degree) in dependencies(text) {
                let equality = |attnum: i16| {
                    self.clauses.iter().position(|c| {
                        matches!(c.usage, Use::Equality | Use::Any)
                            && c.predicate.expression.is_none()
                            && self
                                .field(c.column)
                                .column
                                .is_some_and(|c| c.attnum == attnum)
                    })
                };
                if let (Some(i), Some(j)) = (equality(from), equality(to)) {
                    found.push((degree, 1 << i | 1 << j));
                }
            }
        }
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        for (degree, pair) in found {
            if self.pairs.iter().all(|(taken, _)| taken & pair == 0) {
                let a = self.clauses[pair.trailing_zeros() as usize].share.share;
                let b = self.clauses[63 - pair.leading_zeros() as usize].share.share;
                self.pairs
                    .push((pair, degree * a.min(b) + (1.0 - degree) * a * b));
            }
        }
    }

    /// Partitions that constants on the partition key leave; the table shrinks to them.
    fn prune_partitions(&mut self) {
        let Some(table) = self.table.filter(|_| self.partitions > 1.0) else {
            return;
        };
        let Some(key) = table.partition_columns.first() else {
            return;
        };
        let on_key = |c: &Clause| c.predicate.column == *key && c.predicate.expression.is_none();
        let constant = |c: &Clause| !matches!(c.predicate.operand, Operand::Unknown);
        let mut left = self.partitions;
        let mut share = 1.0;
        for clause in self.clauses.iter().filter(|c| on_key(c) && constant(c)) {
            match clause.usage {
                Use::Equality | Use::Any => left = left.min(clause.elements),
                Use::Low | Use::High | Use::Both => share *= clause.share.share,
                _ => {}
            }
        }
        let left = left
            .min((self.partitions * share).ceil() + 1.0)
            .min(self.partitions);
        let kept = left / self.partitions;
        self.partitions = left.max(1.0);
        self.pages = (self.pages * kept).ceil().max(1.0);
        // The rows that pass are the same; they are a larger share of fewer rows.
        self.tuples *= kept;
        for clause in &mut self.clauses {
            if clause.predicate.column == *key && self.and != 0 {
                clause.share.share = (clause.share.share / kept).min(1.0);
            }
        }
        for (pair, both) in &mut self.pairs {
            if self.clauses[pair.trailing_zeros() as usize]
                .predicate
                .column
                == *key
            {
                *both = (*both / kept).min(1.0);
            }
        }
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

/// Reads `{"1 => 2": 0.9, "1, 3 => 2": 1.0}`: dependencies of one column on one other.
fn dependencies(text: &str) -> Vec<(i16, i16, f64)> {
    let entry = |part: &str| {
        let (pair, degree) = part.rsplit_once(':')?;
        let (from, to) = pair.split_once("=>")?;
        let number = |t: &str| t.trim_matches([' ', '"', '{']).parse().ok();
        let degree: f64 = degree.trim_matches([' ', '}']).parse().ok()?;
        Some((number(from)?, number(to)?, degree.max(0.0).min(1.0)))
    };
    text.split(", \"").filter_map(entry).collect()
}
