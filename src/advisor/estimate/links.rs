//! Join clauses between the leaves of a unit: which leaves they connect, and how selective they are.

use crate::advisor::estimate::base::{ColumnAt, column_at};
use crate::advisor::estimate::classes::Classes;
use crate::advisor::estimate::join_share::{by_common_values, by_foreign_key};
use crate::advisor::estimate::question::{Question, UnitPlace};
use crate::advisor::estimate::selectivity::Field;
use crate::advisor::estimate::unit::{Clause, End, Leaf, Special};
use crate::model::snapshot::Snapshot;
use crate::query::shape::{Join, JoinKind, Role, Shape};

/// A leaf of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) unit: usize,
    pub(crate) leaf: usize,
}

/// Whether a unit is another or lies inside it.
pub(crate) fn below(unit: usize, ancestor: usize, places: &[UnitPlace]) -> bool {
    let mut at = Some(unit);
    while let Some(here) = at {
        if here == ancestor {
            return true;
        }
        at = places.get(here).and_then(|p| p.parent);
    }
    false
}

/// The leaves of one unit in which both places are found, one being perhaps inside a subquery.
fn common(a: Place, b: Place, places: &[UnitPlace]) -> Option<(Place, Place)> {
    let up = |p: Place| {
        let place = places.get(p.unit)?;
        Some(Place {
            unit: place.parent?,
            leaf: place.leaf?,
        })
    };
    let mut left = Some(a);
    while let Some(here) = left {
        let mut right = Some(b);
        while let Some(there) = right {
            if here.unit == there.unit {
                return Some((here, there));
            }
            right = up(there);
        }
        left = up(here);
    }
    None
}

/// Comparisons with a column of an outer query: (relation inside, its column, equality). To the inner query the outer
/// column is a value that it does not know.
pub(crate) fn correlated(
    shape: &Shape,
    relations: &[Place],
    places: &[UnitPlace],
) -> Vec<(usize, String, bool)> {
    let mut found = Vec::new();
    for join in &shape.joins {
        let (Some(&left), Some(&right)) = (
            relations.get(join.left.relation),
            relations.get(join.right.relation),
        ) else {
            continue;
        };
        let separate = common(left, right, places).is_none() || join.kind == JoinKind::Correlated;
        if !separate || left.unit == right.unit {
            continue;
        }
        let inner = if below(right.unit, left.unit, places) {
            &join.right
        } else {
            &join.left
        };
        found.push((inner.relation, inner.column.clone(), join.equality));
    }
    found
}

/// Fills in the clauses and the joins that are not inner.
pub(crate) fn connect(
    question: &mut Question<'_>,
    relations: &[Place],
    places: &[UnitPlace],
    classes: &Classes,
    snapshot: &Snapshot,
) {
    let shape = question.shape;
    for join in &shape.joins {
        let (Some(&left), Some(&right)) = (
            relations.get(join.left.relation),
            relations.get(join.right.relation),
        ) else {
            continue;
        };
        let separate = join.kind == JoinKind::Correlated && left.unit != right.unit;
        let Some((left, right)) =
            common(left, right, places).filter(|(l, r)| l.leaf != r.leaf && !separate)
        else {
            continue;
        };
        let clause = clause(question, join, left.leaf, right.leaf, classes, snapshot);
        let unit = left.unit;
        if !matches!(join.kind, JoinKind::Inner | JoinKind::Correlated) {
            add_special(question, unit, &clause, join);
        }
        if question.units[unit].clauses.len() < 64 {
            question.units[unit].clauses.push(clause);
        }
    }
    for unit in &mut question.units {
        close(&mut unit.clauses, &unit.specials);
    }
}

fn clause(
    question: &Question<'_>,
    join: &Join,
    left: usize,
    right: usize,
    classes: &Classes,
    snapshot: &Snapshot,
) -> Clause {
    let (a, b) = (
        end(
            question,
            &join.left.column,
            join.left.relation,
            left,
            classes,
            snapshot,
        ),
        end(
            question,
            &join.right.column,
            join.right.relation,
            right,
            classes,
            snapshot,
        ),
    );
    let (left_class, right_class) = (a.class, b.class);
    let constant = |c: Option<usize>| c.is_some_and(|c| classes.is_constant(c));
    let share =
        by_foreign_key(question, join, snapshot).or_else(|| by_common_values(question, &a, &b));
    Clause {
        kind: join.kind,
        equality: join.equality,
        class: left_class.filter(|_| left_class == right_class && join.equality),
        redundant: join.equality && constant(left_class) && constant(right_class),
        share,
        left: a,
        right: b,
    }
}

fn end(
    question: &Question<'_>,
    column: &str,
    relation: usize,
    leaf: usize,
    classes: &Classes,
    snapshot: &Snapshot,
) -> End {
    let table = question
        .shape
        .relations
        .get(relation)
        .and_then(|r| snapshot.table(r.table_oid));
    let at: ColumnAt = column_at(table, column);
    let unknown = Field {
        column: None,
        tuples: 1000.0,
        unique: false,
    };
    let field = question
        .bases
        .get(relation)
        .map_or(unknown, |b| b.field(at));
    End {
        leaf,
        relation,
        column: at,
        distinct: field.distinct(),
        null_frac: field.null_frac(),
        param: field.equals_unknown(),
        top: field.top_frequency(),
        unique: field.unique,
        class: classes.class(relation, at),
    }
}

fn add_special(question: &mut Question<'_>, unit: usize, clause: &Clause, join: &Join) {
    let bit = |leaf: usize| {
        1_u64
            .checked_shl(u32::try_from(leaf).unwrap_or(64))
            .unwrap_or(0)
    };
    let mut right = bit(clause.right.leaf);
    if matches!(join.kind, JoinKind::Semi | JoinKind::Anti) {
        // All relations of the subquery stand behind one test.
        let shape = question.shape;
        let block = shape
            .relations
            .get(join.right.relation)
            .map_or(0, |r| r.block);
        if shape
            .blocks
            .get(block)
            .is_some_and(|b| matches!(b.role, Role::Semi | Role::Anti))
        {
            for (leaf, what) in question.units[unit].leaves.iter().enumerate() {
                let Leaf::Base(number) = what else { continue };
                let block_of = shape.relations.get(*number).map(|r| r.block);
                if block_of.is_some_and(|b| inside(shape, b, block)) {
                    right |= bit(leaf);
                }
            }
        }
    }
    let left = bit(clause.left.leaf);
    if left & right != 0 {
        return;
    }
    let specials = &mut question.units[unit].specials;
    match specials
        .iter_mut()
        .find(|s| s.right == right && s.kind == join.kind)
    {
        Some(special) => special.left |= left,
        None => specials.push(Special {
            kind: join.kind,
            left,
            right,
        }),
    }
}

/// Whether a block is another or lies in it.
fn inside(shape: &Shape, block: usize, ancestor: usize) -> bool {
    let mut at = Some(block);
    while let Some(here) = at {
        if here == ancestor {
            return true;
        }
        at = shape
            .blocks
            .get(here)
            .and_then(|b| b.parent)
            .filter(|p| *p < here);
    }
    false
}

/// Adds the equalities that follow: a = b and b = c give a = c, so that a and c can be joined first.
fn close(clauses: &mut Vec<Clause>, specials: &[Special]) {
    let optional = |e: &End| specials.iter().any(|s| s.right >> e.leaf & 1 == 1);
    let mut ends: Vec<(usize, End, bool)> = Vec::new();
    for clause in clauses.iter() {
        if let (Some(class), JoinKind::Inner) = (clause.class, clause.kind) {
            for end in [clause.left, clause.right] {
                if !optional(&end)
                    && !ends
                        .iter()
                        .any(|(c, e, _)| *c == class && e.leaf == end.leaf)
                {
                    ends.push((class, end, clause.redundant));
                }
            }
        }
    }
    for (at, (class, left, redundant)) in ends.iter().enumerate() {
        for (_, right, _) in ends[at + 1..].iter().filter(|(c, _, _)| c == class) {
            let known = clauses.iter().any(|c| {
                let pair = [c.left.leaf, c.right.leaf];
                c.class == Some(*class) && pair.contains(&left.leaf) && pair.contains(&right.leaf)
            });
            if !known && clauses.len() < 64 {
                clauses.push(Clause {
                    left: *left,
                    right: *right,
                    kind: JoinKind::Inner,
                    equality: true,
                    class: Some(*class),
                    redundant: *redundant,
                    share: None,
                });
            }
        }
    }
}
