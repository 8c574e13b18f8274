//! An index, existing or not, as a way into one relation of a statement: which conditions it serves, and in which order
//! it gives the rows (`indxpath.c`).

use crate::advisor::estimate::base::{Base, Clauses, ColumnAt, NO_COLUMN, column_at};
use crate::advisor::estimate::condition::{Clause, Use};
use crate::advisor::estimate::conjunct::conjuncts;
use crate::advisor::estimate::key::Key;
use crate::advisor::estimate::number::within;
use crate::advisor::estimate::partial;
use crate::advisor::estimate::value::Scale;
use crate::advisor::size::height_of_pages;
use crate::model::index::{Index, IndexDefinition};
use crate::model::whatif::Hypothetical;
use crate::query::shape::{Operator, Predicate};

/// What kind of index it is, as far as its costs are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Btree,
    /// Finds equal values and knows no order.
    Hash,
    /// Knows no order either; which comparisons it serves depends on the type.
    Gist,
}

/// Which index it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source<'a> {
    Existing(&'a Index),
    /// Position in the asked list, and the index there.
    Hypothetical(usize, &'a Hypothetical),
}

/// An index on a relation.
#[derive(Debug, Clone)]
pub(crate) struct Ix<'a> {
    pub(crate) source: Source<'a>,
    pub(crate) keys: Vec<Key>,
    pub(crate) kind: Kind,
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
    /// Whether there is an IN list.
    pub(crate) any: bool,
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
        let kind = match definition.method.as_str() {
            "btree" => Kind::Btree,
            "hash" => Kind::Hash,
            "gist" => Kind::Gist,
            _ => return None,
        };
        let height = match kind {
            // `gistcostestimate` takes a hundred entries a page.
            Kind::Gist => (pages.max(1.0).ln() / 100.0_f64.ln()).floor(),
            _ => height,
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
        let keys: Vec<Key> = definition.keys.iter().map(|k| Key::of(k, base)).collect();
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
        let covers = kind == Kind::Btree
            && base
                .needed
                .as_ref()
                .is_some_and(|needed| needed.iter().all(holds));
        let stats = base
            .field(first.column)
            .column
            .and_then(|c| c.stats.as_ref());
        let correlation = stats.and_then(|s| s.correlation).unwrap_or(0.0);
        let mut correlation = within(correlation, -1.0, 1.0);
        if kind != Kind::Btree {
            correlation = 0.0;
        } else if keys.len() > 1 {
            correlation *= 0.75;
        }
        Some(Self {
            source,
            kind,
            covers,
            pages: within(pages, 1.0, 1e15),
            tuples: tuples.max(1.0),
            height: within(height, 0.0, 10.0),
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
                if available & bit == 0 || !key.serves(clause, self.kind) {
                    continue;
                }
                found.any |= clause.usage == Use::Any;
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
                let served = match self.kind {
                    Kind::Btree => param.equality || !key.pattern,
                    Kind::Hash => param.equality,
                    Kind::Gist => key.serves_by_gist(!param.equality),
                };
                if !served {
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
            // All conditions narrow the search in a tree that has no order.
            open &= equality || self.kind == Kind::Gist;
        }
        found.one = one && found.scans <= 1.0;
        found
    }
}

/// Conditions that ensure an index predicate (`None`: it may not hold), and the share of the rows by what remains.
fn ensured(predicate: &str, base: &Base<'_>) -> Option<(Clauses, f64)> {
    let (mut ensured, mut rest) = (0, 1.0);
    for wanted in conjuncts(predicate)? {
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
