//! How many rows joins give, and what joins make known of their inner side.

use crate::advisor::estimate::index::Param;
use crate::advisor::estimate::join::{Joined, Joiner, Link};
use crate::advisor::estimate::number::fraction;
use crate::advisor::estimate::settings::clamp_rows;
use crate::advisor::estimate::unit::{Clause, Leaf};
use crate::query::shape::JoinKind;

impl Joiner<'_, '_> {
    /// Which fraction of the joined rows will be asked for, at least.
    pub(crate) fn fraction(&self) -> f64 {
        let unit = self.unit;
        let (true, Some(limit), true) = (unit.early, unit.limit, unit.min_max.is_empty()) else {
            return if unit.early { 0.0 } else { 1.0 };
        };
        // Roughly how many there will be; outer joins keep all rows of one side.
        let all = self.leaf_rows.iter().product::<f64>() * self.inner_share(u64::MAX);
        let rows = self.leaf_rows.iter().copied().fold(all, f64::max);
        fraction(limit / rows / 2.0)
    }

    /// The joined set, without paths (`calc_joinrel_size_estimate`).
    pub(crate) fn empty(&self, a: &Joined, b: &Joined, link: &Link) -> Joined {
        let (left, right) = if link.reversed { (b, a) } else { (a, b) };
        let inner = left.rows * right.rows * self.inner_share(link.clauses);
        let rows = match link.kind {
            JoinKind::Inner | JoinKind::Correlated => inner,
            JoinKind::Left => inner.max(left.rows),
            JoinKind::Full => inner.max(left.rows).max(right.rows),
            JoinKind::Semi => left.rows * self.semi_share(link.clauses, right.rows),
            JoinKind::Anti => left.rows * (1.0 - self.semi_share(link.clauses, right.rows)),
        };
        let test = matches!(link.kind, JoinKind::Semi | JoinKind::Anti);
        Joined {
            mask: a.mask | b.mask,
            rows: clamp_rows(rows),
            width: left.width + if test { 0.0 } else { right.width },
            paths: Vec::new(),
            lean: Vec::new(),
        }
    }

    pub(crate) fn members(&self, clauses: u64) -> impl Iterator<Item = &Clause> {
        let all = self.unit.clauses.iter().enumerate();
        all.filter(move |(at, _)| clauses >> at & 1 == 1)
            .map(|(_, c)| c)
    }

    /// Selectivity of clauses together, one of each class of equal columns.
    pub(crate) fn inner_share(&self, clauses: u64) -> f64 {
        let mut seen = 0_u64;
        let mut share = 1.0;
        for clause in self.members(clauses) {
            if let Some(class) = clause.class.filter(|c| *c < 64) {
                if seen >> class & 1 == 1 {
                    continue;
                }
                seen |= 1 << class;
            }
            share *=
                clause.inner_share((self.limit(clause.left.leaf), self.limit(clause.right.leaf)));
        }
        share
    }

    /// Rows that bound the distinct values of a leaf: those of a subquery; a table's statistics speak of the whole table.
    fn limit(&self, leaf: usize) -> f64 {
        match self.unit.leaves.get(leaf) {
            Some(Leaf::Unit(_)) => self.leaf_rows.get(leaf).copied().unwrap_or(f64::INFINITY),
            _ => f64::INFINITY,
        }
    }

    pub(crate) fn semi_share(&self, clauses: u64, right_rows: f64) -> f64 {
        self.members(clauses)
            .map(|c| c.semi_share(right_rows))
            .product()
    }

    /// Whether each outer row finds at most one row of `inner` (`innerrel_is_unique`).
    pub(crate) fn is_unique(&self, inner: &Joined, clauses: u64) -> bool {
        if !inner.mask.is_power_of_two() {
            return false;
        }
        let leaf = inner.mask.trailing_zeros() as usize;
        let Some(Leaf::Base(relation)) = self.unit.leaves.get(leaf) else {
            return false;
        };
        let ends = self.members(clauses).filter(|c| c.equality);
        let ends = ends.map(|c| if c.left.leaf == leaf { c.left } else { c.right });
        let columns: Vec<usize> = ends.map(|e| e.column).collect();
        self.bases
            .get(*relation)
            .is_some_and(|b| b.is_unique_by(&columns))
    }

    /// Join conditions that give `leaf` a value from one of the `outer` leaves.
    pub(crate) fn params(&self, leaf: usize, outer: u64) -> Vec<Param> {
        let rows = |leaf: usize| self.leaf_rows.get(leaf).copied().unwrap_or(1.0);
        let mut params: Vec<Param> = Vec::new();
        for (number, clause) in self.unit.clauses.iter().enumerate() {
            let (here, there) = match (clause.left.leaf == leaf, clause.right.leaf == leaf) {
                (true, false) => (&clause.left, &clause.right),
                (false, true) => (&clause.right, &clause.left),
                _ => continue,
            };
            if clause.redundant || outer >> there.leaf & 1 == 0 {
                continue;
            }
            let share = if clause.equality {
                here.param
            } else {
                1.0 / 3.0
            };
            let param = Param {
                column: here.column,
                equality: clause.equality,
                share,
                clause: number,
                class: clause.class,
                outer: there.leaf,
            };
            // Of columns that are equal anyway one is enough: that with the most rows, which repeats the scan most often.
            let same = |p: &&mut Param| clause.class.is_some() && p.class == clause.class;
            match params.iter_mut().find(same) {
                Some(known) if rows(known.outer) < rows(there.leaf) => *known = param,
                Some(_) => {}
                None => params.push(param),
            }
        }
        params
    }
}
