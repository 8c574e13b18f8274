//! One key of an index: which conditions it serves, and whether its order is one that statements mean.

use crate::advisor::estimate::base::{Base, ColumnAt, NO_COLUMN, column_at};
use crate::advisor::estimate::condition::{Clause, Use};
use crate::model::index::{IndexKey, KeyOf};
use crate::query::expression::canonical;

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
}

impl Key {
    pub(crate) fn of(key: &IndexKey, base: &Base<'_>) -> Self {
        let (column, expression) = match &key.of {
            KeyOf::Column(name) => (column_at(base.table, name), None),
            KeyOf::Expression(text) => {
                let spelled = base.table.map(|table| canonical(text, table));
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
        }
    }

    /// Whether the key is a plain column whose order a statement can ask for.
    pub(crate) fn sorts(&self) -> bool {
        self.column != NO_COLUMN && !self.pattern && !self.collated
    }

    /// Whether an index condition can be made of that one.
    pub(crate) fn serves(&self, clause: &Clause, hash: bool) -> bool {
        let same = match (&clause.predicate.expression, &self.expression) {
            (None, None) => clause.column == self.column && self.column != NO_COLUMN,
            (Some(asked), Some(held)) => asked == held,
            _ => false,
        };
        same && match clause.usage {
            Use::Equality => true,
            Use::Any | Use::Null | Use::NotNull => !hash,
            Use::Low | Use::High | Use::Both => !hash && !self.pattern && !self.collated,
            Use::Prefix => !hash && (self.pattern || self.bytes),
            Use::Filter => false,
        }
    }
}
