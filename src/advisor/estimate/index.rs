//! An index, existing or not, as a way into one relation of a statement: which conditions it serves, and in which order
//! it gives the rows (`indxpath.c`).

use crate::advisor::estimate::base::{Base, Clause, Clauses, ColumnAt, NO_COLUMN, Use, column_at};
use crate::advisor::estimate::partial;
use crate::advisor::estimate::value::Scale;
use crate::advisor::size::height_of_pages;
use crate::model::index::{Index, IndexDefinition, IndexKey, KeyOf};
use crate::model::whatif::Hypothetical;
use crate::query::shape::{Operator, Predicate};

/// Which index it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source<'a> {
    Existing(&'a Index),
    /// Position in the asked list, and the index there.
    Hypothetical(usize, &'a Hypothetical),
}

/// One key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key<'a> {
    pub(crate) column: ColumnAt,
    expression: Option<&'a str>,
    pub(crate) descending: bool,
    pub(crate) nulls_first: bool,
    /// `text_pattern_ops` and its like: equality and prefixes, but no order.
    pattern: bool,
    /// Sorted by bytes, so that prefixes are ranges.
    bytes: bool,
    /// In another collation than the column's, and so in another order than the statement means.
    collated: bool,
}

/// An index on a relation.
#[derive(Debug, Clone)]
pub(crate) struct Ix<'a> {
    pub(crate) source: Source<'a>,
    pub(crate) keys: Vec<Key<'a>>,
    /// Hash indexes find equal values and know no order.
    pub(crate) hash: bool,
    /// Whether it holds every column that the statement reads.
    pub(crate) covers: bool,
    pub(crate) pages: f64,
    pub(crate) tuples: f64,
    pub(crate) height: f64,
    pub(crate) unique: bool,
    /// Correlation of its order with that of the table (`btcostestimate`).
    pub(crate) correlation: f64,
    /// Conditions that its predicate already ensures.
    pub(crate) ensured: Clauses,
    /// Share of the rows by the rest of its predicate.
    pub(crate) rest_share: f64,
}

/// A join condition that gives an index a value per outer row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Param {
    pub(crate) column: ColumnAt,
    pub(crate) equality: bool,
    /// Share of this relation's rows that one value selects.
    pub(crate) share: f64,
    /// Number of the join clause.
    pub(crate) clause: usize,
    /// Class of equal columns that it speaks of.
    pub(crate) class: Option<usize>,
    /// The relation on the other side.
    pub(crate) outer: usize,
}

/// What an index makes of the conditions that are at hand.
#[derive(Debug, Clone, Default)]
pub(crate) struct Match {
    /// Conditions evaluated in the index.
    pub(crate) quals: Clauses,
    /// Those that bound the part of the index that is read.
    pub(crate) boundary: Clauses,
    /// The same for join conditions: selectivity, number of them, and outer relations.
    pub(crate) params: f64,
    pub(crate) boundary_params: f64,
    pub(crate) param_count: f64,
    pub(crate) outer: u64,
    /// Descents: the product of the lengths of IN lists.
    pub(crate) scans: f64,
    /// Whether an IN list beyond the first key spoils the order.
    pub(crate) late_any: bool,
    /// Whether at most one entry can match.
    pub(crate) one: bool,
}

impl<'a> Ix<'a> {
    /// An index that exists, if this relation can use it.
    pub(crate) fn existing(index: &'a Index, base: &Base<'_>) -> Option<Self> {
        if index.incomplete || !index.usable() {
            return None;
        }
        let definition = &index.definition;
        let pages = if index.relpages > 0.0 {
            index.relpages
        } else {
            1.0
        };
        let height = base.table.map_or(1.0, |t| {
            height_of_pages(definition, t, pages / base.partitions.max(1.0))
        });
        let tuples = if index.reltuples > 0.0 {
            index.reltuples
        } else {
            base.tuples
        };
        Self::of(
            Source::Existing(index),
            definition,
            base,
            pages,
            height,
            tuples,
        )
    }

    /// An index that does not exist, if this relation can use it.
    pub(crate) fn hypothetical(
        position: usize,
        index: &'a Hypothetical,
        base: &Base<'_>,
    ) -> Option<Self> {
        let source = Source::Hypothetical(position, index);
        Self::of(
            source,
            &index.definition,
            base,
            index.pages,
            index.tree_height,
            base.tuples,
        )
    }

    fn of(
        source: Source<'a>,
        definition: &'a IndexDefinition,
        base: &Base<'_>,
        pages: f64,
        height: f64,
        tuples: f64,
    ) -> Option<Self> {
        let hash = match definition.method.as_str() {
            "btree" => false,
            "hash" => true,
            _ => return None,
        };
        let (ensured, rest_share) = match &definition.predicate {
            None => (0, 1.0),
            Some(predicate) => ensured(predicate, base)?,
        };
        let full = definition.predicate.is_none();
        let tuples = match source {
            _ if full => base.tuples,
            Source::Existing(_) => tuples,
            Source::Hypothetical(..) => tuples * base.share_of(ensured) * rest_share,
        };
        let keys: Vec<Key<'a>> = definition.keys.iter().map(|k| Key::of(k, base)).collect();
        let first = keys.first()?;
        let holds = |at: &ColumnAt| {
            let included = || {
                definition
                    .include
                    .iter()
                    .any(|c| column_at(base.table, c) == *at)
            };
            *at != NO_COLUMN && (keys.iter().any(|k| k.column == *at) || included())
        };
        let covers = !hash
            && base
                .needed
                .as_ref()
                .is_some_and(|needed| needed.iter().all(holds));
        let stats = base
            .field(first.column)
            .column
            .and_then(|c| c.stats.as_ref());
        let mut correlation = stats
            .and_then(|s| s.correlation)
            .unwrap_or(0.0)
            .max(-1.0)
            .min(1.0);
        if keys.len() > 1 {
            correlation *= 0.75;
        }
        Some(Self {
            source,
            hash,
            covers,
            pages: pages.max(1.0).min(1e15),
            tuples: tuples.max(1.0),
            height: height.max(0.0).min(10.0),
            unique: definition.unique && full,
            correlation,
            ensured,
            rest_share,
            keys,
        })
    }

    /// Which of the conditions in `available`, and which join conditions, the index serves (`match_clauses_to_index` and
    /// the boundary rule of `btcostestimate`: equalities on leading keys, then the conditions on one more key).
    pub(crate) fn matched(&self, base: &Base<'_>, available: Clauses, params: &[Param]) -> Match {
        let mut found = Match {
            params: 1.0,
            boundary_params: 1.0,
            scans: 1.0,
            ..Match::default()
        };
        let (mut open, mut one) = (true, self.unique);
        for (position, key) in self.keys.iter().enumerate() {
            let (mut equality, mut single) = (false, false);
            for (at, clause) in base.clauses.iter().enumerate() {
                let bit = 1 << at;
                if available & bit == 0 || !key.serves(clause, self.hash) {
                    continue;
                }
                found.quals |= bit;
                equality |= matches!(clause.usage, Use::Equality | Use::Any | Use::Null);
                single |= clause.usage == Use::Equality;
                if open {
                    found.boundary |= bit;
                    found.scans *= clause.elements;
                }
                found.late_any |= clause.usage == Use::Any && position > 0;
            }
            for param in params
                .iter()
                .filter(|p| p.column == key.column && p.column != NO_COLUMN)
            {
                if !param.equality && (key.pattern || self.hash) {
                    continue;
                }
                found.params *= param.share;
                found.param_count += 1.0;
                found.outer |= 1 << param.outer;
                equality |= param.equality;
                single |= param.equality;
                if open {
                    found.boundary_params *= param.share;
                }
            }
            one &= single;
            open &= equality;
        }
        found.one = one && found.scans <= 1.0;
        found
    }
}

impl<'a> Key<'a> {
    fn of(key: &'a IndexKey, base: &Base<'_>) -> Self {
        let (column, expression) = match &key.of {
            KeyOf::Column(name) => (column_at(base.table, name), None),
            KeyOf::Expression(text) => (NO_COLUMN, Some(text.as_str())),
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

    fn serves(&self, clause: &Clause, hash: bool) -> bool {
        let same = match (&clause.predicate.expression, self.expression) {
            (None, None) => clause.column == self.column && self.column != NO_COLUMN,
            (Some(asked), Some(held)) => same_expression(asked, held),
            _ => false,
        };
        same && match clause.usage {
            Use::Equality => true,
            Use::Any => !hash,
            Use::Null | Use::NotNull => !hash,
            Use::Low | Use::High | Use::Both => !hash && !self.pattern && !self.collated,
            Use::Prefix => !hash && (self.pattern || self.bytes),
            Use::Filter => false,
        }
    }
}

/// Conditions that ensure an index predicate (`None`: it may not hold), and the share of the rows by what remains.
fn ensured(predicate: &str, base: &Base<'_>) -> Option<(Clauses, f64)> {
    let (mut ensured, mut rest) = (0, 1.0);
    for wanted in partial::conjuncts(predicate)? {
        let column = column_at(base.table, &wanted.column);
        let field = base.field(column);
        let scale = field.column.map_or(Scale::None, Scale::of);
        let members = || {
            let and = |(at, _): &(usize, &Clause)| base.and >> at & 1 == 1;
            base.clauses.iter().enumerate().filter(and)
        };
        let implied = |condition: &Predicate| partial::implies(condition, &wanted, scale);
        let equal = members()
            .find(|(_, c)| implied(&c.predicate) && partial::implies(&wanted, &c.predicate, scale));
        if let Some((at, _)) = equal {
            ensured |= 1 << at;
            continue;
        }
        let joined = wanted.operator == Operator::IsNotNull && base.joined.contains(&column);
        if !joined && !members().any(|(_, c)| implied(&c.predicate)) {
            return None;
        }
        rest *= field.share(&wanted).0.share;
    }
    Some((ensured, rest))
}

/// Whether two expressions are the same but for blanks, case outside of quotes, casts to text and outer parentheses.
fn same_expression(a: &str, b: &str) -> bool {
    normal(a) == normal(b)
}

fn normal(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut quoted = false;
    for c in text.chars() {
        quoted ^= c == '\'';
        if quoted {
            plain.push(c);
        } else if !c.is_whitespace() && c != '(' && c != ')' {
            plain.extend(c.to_lowercase());
        }
    }
    plain
        .replace("::text", "")
        .replace("::charactervarying", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_compare_as_people_and_server_write_them() {
        assert!(same_expression("lower(email)", "lower((email)::text)"));
        assert!(same_expression("(data ->> 'Key')", "data->>'Key'::text"));
        assert!(!same_expression("data ->> 'Key'", "data ->> 'key'"));
        assert!(!same_expression("lower(email)", "upper(email)"));
    }
}
