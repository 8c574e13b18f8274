//! Units: what is planned in one piece. A query block with every subquery that the planner pulls up into it.

use crate::advisor::estimate::base::ColumnAt;
use crate::advisor::estimate::groups::Grouping;
use crate::advisor::estimate::path::SortKey;
use crate::query::shape::JoinKind;

/// Something that takes part in a unit's join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaf {
    /// A base relation, by its number in the shape.
    Base(usize),
    /// The result of another unit: a subquery with GROUP BY, DISTINCT or LIMIT, or a CTE.
    Unit(usize),
}

/// One side of a join clause.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End {
    pub(crate) leaf: usize,
    pub(crate) relation: usize,
    pub(crate) column: ColumnAt,
    /// Distinct values in the whole table.
    pub(crate) distinct: f64,
    pub(crate) null_frac: f64,
    /// Share of the rows that one value of the other side selects.
    pub(crate) param: f64,
    /// Frequency of the most common value.
    pub(crate) top: Option<f64>,
    /// Whether values are unique.
    pub(crate) unique: bool,
    /// Class of equal columns that it belongs to.
    pub(crate) class: Option<usize>,
}

/// A comparison between two leaves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clause {
    pub(crate) left: End,
    pub(crate) right: End,
    pub(crate) kind: JoinKind,
    pub(crate) equality: bool,
    /// Class of equal columns, if both ends belong to one.
    pub(crate) class: Option<usize>,
    /// Both ends equal the same constant: it connects, but neither filters nor drives a join.
    pub(crate) redundant: bool,
    /// Selectivity known from a foreign key or from common values, else from the distinct values.
    pub(crate) share: Option<f64>,
}

impl Clause {
    /// Selectivity as an inner join, given how many rows the two leaves have (`eqjoinsel_inner`).
    pub(crate) fn inner_share(&self, rows: (f64, f64)) -> f64 {
        if self.redundant {
            return 1.0;
        }
        if !self.equality {
            return 1.0 / 3.0;
        }
        if let Some(share) = self.share {
            return share;
        }
        let most = self
            .left
            .distinct
            .min(rows.0)
            .max(self.right.distinct.min(rows.1))
            .max(1.0);
        (1.0 - self.left.null_frac) * (1.0 - self.right.null_frac) / most
    }

    /// Share of the left rows that have a match among `rows` right ones (`eqjoinsel_semi`).
    pub(crate) fn semi_share(&self, rows: f64) -> f64 {
        if self.redundant {
            return 1.0;
        }
        if !self.equality {
            return 1.0 / 3.0;
        }
        let right = self.right.distinct.min(rows).max(1.0);
        let share = (right / self.left.distinct.max(1.0)).min(1.0);
        share * (1.0 - self.left.null_frac)
    }
}

/// A join that is not inner: `left` must all be there before `right` is joined.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Special {
    pub(crate) kind: JoinKind,
    pub(crate) left: u64,
    pub(crate) right: u64,
}

/// A block and all that is planned with it. Leaves are numbered; sets of leaves are bit sets.
#[derive(Debug, Clone, Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent clauses of a query block"
)]
pub(crate) struct Unit {
    /// Its (outermost) block.
    pub(crate) block: usize,
    pub(crate) leaves: Vec<Leaf>,
    pub(crate) clauses: Vec<Clause>,
    pub(crate) specials: Vec<Special>,
    /// Whether a LIMIT may stop it before all rows are there.
    pub(crate) early: bool,
    /// Whether it only tests if there is a row.
    pub(crate) exists: bool,
    /// Subqueries run once.
    pub(crate) once: Vec<usize>,
    /// Subqueries run for each row.
    pub(crate) per_row: Vec<usize>,
    /// Whether it stands for itself: the statement, or an arm of its UNION.
    pub(crate) top: bool,
    /// ORDER BY without the keys that are constant.
    pub(crate) order: Vec<SortKey>,
    /// By number of leading ORDER BY keys: how many groups of equal ones there are.
    pub(crate) presorted: Vec<Grouping>,
    /// Whether it has ORDER BY keys beyond those.
    pub(crate) order_more: bool,
    /// GROUP BY as classes, likewise.
    pub(crate) group: Vec<usize>,
    /// Whether there are GROUP BY keys that are no plain columns.
    pub(crate) group_more: bool,
    pub(crate) grouped: bool,
    pub(crate) grouping: Grouping,
    pub(crate) distinct: Vec<usize>,
    pub(crate) has_distinct: bool,
    pub(crate) distincting: Grouping,
    pub(crate) min_max: Vec<usize>,
    pub(crate) aggregates: bool,
    /// LIMIT, rows.
    pub(crate) limit: Option<f64>,
    /// Classes of interesting columns: (relation, column, class).
    pub(crate) classes: Vec<(usize, ColumnAt, usize)>,
    /// By class: whether it equals a constant.
    pub(crate) constant: Vec<bool>,
    /// By class: whether none of its columns can be NULL.
    pub(crate) not_null: Vec<bool>,
}

impl Unit {
    /// The class of a column that an order or join of this unit speaks of.
    pub(crate) fn class(&self, relation: usize, column: ColumnAt) -> Option<usize> {
        let found = self
            .classes
            .iter()
            .find(|(r, c, _)| *r == relation && *c == column);
        found.map(|(_, _, class)| *class)
    }

    pub(crate) fn is_constant(&self, class: usize) -> bool {
        self.constant.get(class).copied().unwrap_or(false)
    }

    pub(crate) fn never_null(&self, class: usize) -> bool {
        self.not_null.get(class).copied().unwrap_or(false)
    }

    /// How many leading keys of the order of some leaves the unit has a use for (`truncate_useless_pathkeys`).
    pub(crate) fn useful(&self, keys: &[SortKey], leaves: u64) -> usize {
        let Some(first) = keys.first() else { return 0 };
        let merge = usize::from(!first.descending && self.merges(first.class, leaves));
        let end = usize::from(self.min_max.contains(&first.class));
        let within = |classes: &[usize]| {
            keys.iter()
                .take_while(|k| classes.contains(&k.class))
                .count()
        };
        self.sorted(keys)
            .max(merge)
            .max(end)
            .max(within(&self.group))
            .max(within(&self.distinct))
    }

    /// Whether a merge join of those leaves with others can use that class.
    fn merges(&self, class: usize, leaves: u64) -> bool {
        let within = |e: &End| leaves >> e.leaf & 1 == 1;
        self.clauses.iter().any(|c| {
            let end = match (within(&c.left), within(&c.right)) {
                (true, false) => c.left,
                (false, true) => c.right,
                _ => return false,
            };
            c.equality && !c.redundant && end.class == Some(class)
        })
    }

    /// How many leading ORDER BY keys an order satisfies.
    pub(crate) fn sorted(&self, keys: &[SortKey]) -> usize {
        keys.iter()
            .zip(&self.order)
            .take_while(|(a, b)| a == b)
            .count()
    }

    /// Groups of equal values of the first ORDER BY keys.
    pub(crate) fn presorted_groups(&self, keys: usize, rows: f64) -> f64 {
        let grouping = keys.checked_sub(1).and_then(|k| self.presorted.get(k));
        grouping.map_or(1.0, |g| g.groups(rows))
    }
}
