//! From a Shape to units: all that a statement's cost hangs on and that no index changes. Built once per statement, asked
//! for each configuration of indexes.

use crate::advisor::estimate::base::{Base, column_at};
use crate::advisor::estimate::classes::Classes;
use crate::advisor::estimate::groups::Grouping;
use crate::advisor::estimate::index::Source;
use crate::advisor::estimate::links::{self, Place};
use crate::advisor::estimate::path::SortKey;
use crate::advisor::estimate::settings::Settings;
use crate::advisor::estimate::unit::{Leaf, Unit};
use crate::model::snapshot::Snapshot;
use crate::query::shape::{
    Block, ColumnRef, JoinKind, Limit, Operand, Operator, Predicate, Role, Shape,
};
use crate::query::workload::QueryKind;

/// A statement, ready to be costed with any set of indexes.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    pub(crate) settings: Settings,
    pub(crate) shape: &'a Shape,
    pub(crate) kind: QueryKind,
    pub(crate) bases: Vec<Base<'a>>,
    /// Parents before children.
    pub(crate) units: Vec<Unit>,
    pub(crate) total_pages: f64,
}

/// Where a block is planned: its unit, and how that unit hangs in its parent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UnitPlace {
    pub(crate) parent: Option<usize>,
    /// Its leaf there, if it is one.
    pub(crate) leaf: Option<usize>,
    pub(crate) role: Role,
}

impl<'a> Question<'a> {
    /// Reads shape and statistics. `rows_per_call` is what `LIMIT $n` is taken for.
    #[must_use]
    pub fn new(
        shape: &'a Shape,
        kind: QueryKind,
        rows_per_call: f64,
        snapshot: &'a Snapshot,
    ) -> Self {
        let (mut units, places, unit_of_block) = cut(shape);
        let mut places = places;
        let mut relations = Vec::with_capacity(shape.relations.len());
        for (number, relation) in shape.relations.iter().enumerate() {
            let unit = unit_of_block.get(relation.block).copied().unwrap_or(0);
            units[unit].leaves.push(Leaf::Base(number));
            let leaf = units[unit].leaves.len() - 1;
            relations.push(Place { unit, leaf });
        }
        hang(shape, &mut units, &mut places, &relations);

        let classes = Classes::of(shape, snapshot);
        let correlated = links::correlated(shape, &relations, &places);
        let mut bases = Vec::with_capacity(relations.len());
        let mut target = changes(kind).then_some(shape.target).flatten();
        for (number, relation) in shape.relations.iter().enumerate() {
            let mut implied = classes.implied(number, shape, snapshot);
            implied.extend(correlated.iter().filter(|(r, _, _)| *r == number).map(
                |(_, column, equality)| Predicate {
                    column: column.clone(),
                    expression: None,
                    operator: if *equality {
                        Operator::Eq
                    } else {
                        Operator::Gt
                    },
                    operand: Operand::Unknown,
                },
            ));
            let joined: Vec<&str> = shape
                .joins
                .iter()
                .flat_map(|j| [&j.left, &j.right])
                .filter(|c| c.relation == number)
                .map(|c| c.column.as_str())
                .collect();
            let is_target = target == Some(relation.table_oid);
            if is_target {
                target = None;
            }
            bases.push(Base::of(relation, &implied, &joined, is_target, snapshot));
        }
        let mut question = Self {
            settings: Settings::of(&snapshot.server),
            shape,
            kind,
            total_pages: bases.iter().map(|b| b.pages).sum(),
            bases,
            units,
        };
        links::connect(&mut question, &relations, &places, &classes, snapshot);
        for unit in 0..question.units.len() {
            question.describe(unit, rows_per_call, &classes, snapshot);
        }
        question
    }

    /// The same question in a world without some of the indexes that exist, by oid. What they prove to be unique is still known:
    /// indexes that prove something are not dropped.
    #[must_use]
    pub fn without(&self, dropped: &[u32]) -> Self {
        let mut question = self.clone();
        for base in &mut question.bases {
            base.existing.retain(|ix| match ix.source {
                Source::Existing(index) => !dropped.contains(&index.oid),
                Source::Hypothetical(..) => true,
            });
        }
        question
    }

    /// Fills in what the unit's block asks of the joined rows.
    fn describe(
        &mut self,
        unit: usize,
        rows_per_call: f64,
        classes: &Classes,
        snapshot: &Snapshot,
    ) {
        let shape = self.shape;
        let class = |column: &ColumnRef| {
            let relation = shape.relations.get(column.relation)?;
            let at = column_at(snapshot.table(relation.table_oid), &column.column);
            classes.class(column.relation, at)
        };
        let unit = &mut self.units[unit];
        unit.constant = (0..classes.len()).map(|c| classes.is_constant(c)).collect();
        unit.not_null = (0..classes.len())
            .map(|c| classes.never_null(c, shape, snapshot))
            .collect();
        unit.classes = classes.members().collect();
        let Some(block) = shape.blocks.get(unit.block) else {
            return;
        };
        let mut sorted_by: Vec<ColumnRef> = Vec::new();
        for key in &block.order {
            let Some(class) = class(&key.column) else {
                unit.order_more = true;
                break;
            };
            if unit.is_constant(class) || unit.order.iter().any(|k| k.class == class) {
                continue;
            }
            let nulls_first = if unit.never_null(class) {
                key.descending
            } else {
                key.nulls_first
            };
            sorted_by.push(key.column.clone());
            unit.presorted
                .push(Grouping::of(&sorted_by, &self.bases, shape, snapshot));
            unit.order.push(SortKey {
                class,
                descending: key.descending,
                nulls_first,
            });
        }
        unit.order_more |= !block.order_complete;
        let known = |columns: &[ColumnRef]| -> Vec<usize> {
            let mut known: Vec<usize> = columns.iter().filter_map(class).collect();
            known.retain(|c| !classes.is_constant(*c));
            known.dedup();
            known
        };
        unit.group = if block.group_complete {
            known(&block.group)
        } else {
            Vec::new()
        };
        unit.grouping = Grouping::of(&block.group, &self.bases, shape, snapshot);
        unit.grouped = !block.group.is_empty() || (block.aggregates && !block.group_complete);
        unit.group_more = !block.group_complete;
        unit.distinct = known(&block.distinct);
        unit.distincting = Grouping::of(&block.distinct, &self.bases, shape, snapshot);
        unit.has_distinct = !block.distinct.is_empty();
        unit.min_max = if unit.leaves.len() == 1 {
            block.min_max.iter().filter_map(class).collect()
        } else {
            Vec::new()
        };
        unit.aggregates = block.aggregates || !block.min_max.is_empty();
        let usual = if rows_per_call.is_finite() {
            rows_per_call.max(1.0)
        } else {
            1.0
        };
        unit.limit = block.limit.map(|limit| match limit {
            Limit::Rows(rows) if rows.is_finite() => rows.max(0.0),
            Limit::Rows(_) | Limit::Parameter => usual,
        });
        if unit.exists {
            unit.limit = Some(1.0);
        }
        // A full sort or aggregation reads everything first.
        let sorts_all = unit.order_more && unit.order.is_empty();
        let gathers_all = unit.grouped && unit.group_more;
        unit.early |= unit.limit.is_some() && !sorts_all && !gathers_all;
        unit.early |= !unit.min_max.is_empty();
        if unit.early {
            let leaves = unit.leaves.clone();
            for leaf in leaves {
                if let Leaf::Unit(inner) = leaf {
                    self.units[inner].early = true;
                }
            }
        }
    }
}

/// Whether the statement changes rows that it finds first.
pub(crate) fn changes(kind: QueryKind) -> bool {
    matches!(
        kind,
        QueryKind::Update | QueryKind::Delete | QueryKind::Merge
    )
}

/// Cuts the blocks into units: a simple subquery in FROM, EXISTS or IN is planned with its parent (`prepjointree.c`).
fn cut(shape: &Shape) -> (Vec<Unit>, Vec<UnitPlace>, Vec<usize>) {
    let (mut units, mut places, mut unit_of_block) = (Vec::new(), Vec::new(), Vec::new());
    for (number, block) in shape.blocks.iter().enumerate() {
        // A parent always comes first; anything else is damage.
        let parent = block.parent.filter(|p| *p < number);
        let above = parent.and_then(|p| unit_of_block.get(p).copied());
        if let (Some(above), true) = (above, pulled_up(shape, number, block)) {
            unit_of_block.push(above);
            continue;
        }
        let top = above.is_none() || block.role == Role::Top;
        units.push(Unit {
            block: number,
            top,
            ..Unit::default()
        });
        places.push(UnitPlace {
            parent: if top { None } else { above },
            leaf: None,
            role: block.role,
        });
        unit_of_block.push(units.len() - 1);
    }
    if units.is_empty() {
        units.push(Unit {
            top: true,
            ..Unit::default()
        });
        places.push(UnitPlace {
            parent: None,
            leaf: None,
            role: Role::Top,
        });
    }
    (units, places, unit_of_block)
}

fn pulled_up(shape: &Shape, number: usize, block: &Block) -> bool {
    let plain = !block.aggregates && block.group.is_empty() && block.min_max.is_empty();
    let joined = |kind: JoinKind| {
        let inside = |c: &ColumnRef| {
            shape
                .relations
                .get(c.relation)
                .is_some_and(|r| r.block == number)
        };
        shape
            .joins
            .iter()
            .any(|j| j.kind == kind && inside(&j.right))
    };
    match block.role {
        Role::Derived => plain && block.limit.is_none() && block.distinct.is_empty(),
        Role::Semi => plain && joined(JoinKind::Semi),
        Role::Anti => plain && joined(JoinKind::Anti),
        Role::Top | Role::MaterializedCte | Role::Scalar | Role::Lateral => false,
    }
}

/// Hangs each unit into its parent: as a leaf of the join, or as a subquery run once or for each row.
fn hang(shape: &Shape, units: &mut [Unit], places: &mut [UnitPlace], relations: &[Place]) {
    for unit in 0..units.len() {
        let Some(parent) = places[unit].parent else {
            continue;
        };
        let inside = |c: &ColumnRef| {
            relations
                .get(c.relation)
                .is_some_and(|p| links::below(p.unit, unit, places))
        };
        let crossing = |correlated: bool| {
            let wanted = |kind: JoinKind| (kind == JoinKind::Correlated) == correlated;
            shape
                .joins
                .iter()
                .any(|j| wanted(j.kind) && inside(&j.left) != inside(&j.right))
        };
        let role = places[unit].role;
        units[unit].exists = matches!(role, Role::Semi | Role::Anti) && !crossing(false);
        if crossing(true) {
            units[parent].per_row.push(unit);
        } else if role == Role::Derived || (crossing(false) && !matches!(role, Role::Scalar)) {
            units[parent].leaves.push(Leaf::Unit(unit));
            places[unit].leaf = Some(units[parent].leaves.len() - 1);
        } else {
            units[parent].once.push(unit);
        }
    }
}
