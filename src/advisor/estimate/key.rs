//! One key of an index: which conditions it serves, and whether its order is one that statements mean.

use crate::advisor::estimate::base::{Base, ColumnAt, NO_COLUMN, column_at};
use crate::advisor::estimate::condition::{Clause, Use};
use crate::advisor::estimate::index::Kind;
use crate::model::catalog::Column;
use crate::model::index::{IndexKey, KeyOf};
use crate::query::expression::{canonical, unqualified};

/// Which comparisons of a btree a `GiST` index on a column serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gist {
    No,
    Equality,
    Order,
}

/// What the operator classes of the server and its extensions serve: shapes and documents no equality that a statement means
/// by `=`, ranges just that, whatever else has such a class (`btree_gist`, `ltree`, networks) all of it.
fn gist(key: &IndexKey, column: Option<&Column>) -> Gist {
    let by_trigrams = (key.opclass.as_ref()).is_some_and(|o| o.ends_with("gist_trgm_ops"));
    match column {
        Some(column) if column.category == "R" => Gist::Equality,
        Some(column) if column.btree && column.base_type != "tsvector" && !by_trigrams => {
            Gist::Order
        }
        _ => Gist::No,
    }
}

/// One key.
#[derive(Debug, Clone)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent properties of a key, as in the DDL"
)]
pub(crate) struct Key {
    pub(crate) column: ColumnAt,
    /// In the spelling of `query::expression`.
    expression: Option<String>,
    pub(crate) descending: bool,
    pub(crate) nulls_first: bool,
    /// `text_pattern_ops` and its like: equality and prefixes, but no order.
    pub(crate) pattern: bool,
    /// Sorted by bytes, so that prefixes are ranges.
    bytes: bool,
    /// In another collation than the column's, and so in another order than the statement means.
    collated: bool,
    gist: Gist,
}

impl Key {
    pub(crate) fn of(key: &IndexKey, base: &Base<'_>) -> Self {
        let (column, expression) = match &key.of {
            KeyOf::Column(name) => (column_at(base.table, name), None),
            KeyOf::Expression(text) => {
                let spelled = base.table.map(|table| unqualified(&canonical(text, table)));
                (NO_COLUMN, spelled)
            }
        };
        let c_collation = |name: &String| name == "C" || name == "POSIX" || name == "ucs_basic";
        let bytes = match &key.collation {
            Some(collation) => c_collation(collation),
            None => base.field(column).column.is_some_and(|c| c.collation_is_c),
        };
        Self {
            column,
            expression,
            descending: key.descending,
            nulls_first: key.nulls_first,
            pattern: key
                .opclass
                .as_ref()
                .is_some_and(|o| o.ends_with("pattern_ops")),
            bytes,
            collated: key.collation.is_some(),
            gist: gist(key, base.field(column).column),
        }
    }

    /// Whether the key is a plain column whose order a statement can ask for.
    pub(crate) fn sorts(&self) -> bool {
        self.column != NO_COLUMN && !self.pattern && !self.collated
    }

    /// Whether a `GiST` index on the key serves equality, or an order (`range`).
    pub(crate) fn serves_by_gist(&self, range: bool) -> bool {
        match self.gist {
            Gist::No => false,
            Gist::Equality => !range,
            Gist::Order => true,
        }
    }

    /// Whether an index condition can be made of that one.
    pub(crate) fn serves(&self, clause: &Clause, kind: Kind) -> bool {
        let same = match (&clause.predicate.expression, &self.expression) {
            (None, None) => clause.column == self.column && self.column != NO_COLUMN,
            (Some(asked), Some(held)) => unqualified(asked) == *held,
            _ => false,
        };
        same && match (kind, clause.usage) {
            (Kind::Gist, Use::Equality | Use::Any) => self.serves_by_gist(false),
            (Kind::Gist, Use::Low | Use::High | Use::Both) => self.serves_by_gist(true),
            (Kind::Gist | Kind::Btree, Use::Null | Use::NotNull)
            | (Kind::Btree | Kind::Hash, Use::Equality | Use::Any) => true,
            (Kind::Btree, Use::Low | Use::High | Use::Both) => !self.pattern && !self.collated,
            (Kind::Btree, Use::Prefix) => self.pattern || self.bytes,
            (Kind::Hash | Kind::Gist, _) | (_, Use::Filter) => false,
        }
    }
}
