//! The conditions on one table: what each keeps of its rows, what all keep together, and what an index can make of them.

use crate::advisor::estimate::base::{Base, Clauses, ColumnAt, NO_COLUMN, column_at};
use crate::advisor::estimate::number::count;
use crate::advisor::estimate::selectivity::{ARRAY_LENGTH, Field, Share, Side};
use crate::advisor::estimate::settings::Settings;
use crate::model::snapshot::Snapshot;
use crate::query::shape::{Operand, Operator, Predicate};

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

impl Base<'_> {
    /// Adds a condition; the empty set when there are more than fit (they then filter nothing).
    pub(crate) fn add(&mut self, predicate: &Predicate) -> Clauses {
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

    pub(crate) fn pair_ranges(&mut self) {
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
    pub(crate) fn pair_dependencies(&mut self, snapshot: &Snapshot, table_oid: u32) {
        let statistics = snapshot
            .extended_stats
            .iter()
            .filter(|s| s.table_oid == table_oid);
        let mut found: Vec<(f64, Clauses)> = Vec::new();
        for object in statistics {
            for (from, to, degree) in object.pairs() {
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
    pub(crate) fn prune_partitions(&mut self) {
        let Some(table) = self.table.filter(|_| self.partitions > 1.0) else {
            return;
        };
        let Some(key) = table.partition_columns.first() else {
            return;
        };
        let on_key = |c: &Clause| c.predicate.column == *key && c.predicate.expression.is_none();
        let constant = |c: &Clause| !c.predicate.operand.is_unknown();
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
}
