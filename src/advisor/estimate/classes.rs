//! Classes of columns that a statement makes equal (`equivclass.c`), the constants they equal, and what follows from both.

use std::collections::HashMap;

use crate::advisor::estimate::base::{ColumnAt, NO_COLUMN, column_at};
use crate::model::catalog::Column;
use crate::model::snapshot::Snapshot;
use crate::query::shape::{ColumnRef, JoinKind, Operator, Predicate, Shape};

/// Columns by (relation, position), each with its class.
#[derive(Debug, Default)]
pub(crate) struct Classes {
    numbers: HashMap<(usize, ColumnAt), usize>,
    members: Vec<(usize, ColumnAt)>,
    parents: Vec<usize>,
    /// By class: the equality with a constant that holds for it.
    constants: HashMap<usize, Predicate>,
}

impl Classes {
    /// Reads joins, orders and conditions of the shape.
    pub(crate) fn of(shape: &Shape, snapshot: &Snapshot) -> Self {
        let mut classes = Self::default();
        for block in &shape.blocks {
            let order = block.order.iter().map(|k| &k.column);
            let others = block
                .group
                .iter()
                .chain(&block.distinct)
                .chain(&block.min_max);
            for column in order.chain(others) {
                classes.number(column, shape, snapshot);
            }
        }
        let mut one_way = Vec::new();
        for join in &shape.joins {
            let left = classes.number(&join.left, shape, snapshot);
            let right = classes.number(&join.right, shape, snapshot);
            let (Some(left), Some(right), true) = (left, right, join.equality) else {
                continue;
            };
            match join.kind {
                JoinKind::Inner | JoinKind::Semi => classes.unite(left, right),
                JoinKind::Left | JoinKind::Anti => one_way.push((left, right)),
                JoinKind::Full | JoinKind::Correlated => {}
            }
        }
        classes.find_constants(shape, snapshot, &one_way);
        classes
    }

    fn number(&mut self, column: &ColumnRef, shape: &Shape, snapshot: &Snapshot) -> Option<usize> {
        let relation = shape.relations.get(column.relation)?;
        let at = column_at(snapshot.table(relation.table_oid), &column.column);
        if at == NO_COLUMN {
            return None;
        }
        let next = self.members.len();
        let number = *self.numbers.entry((column.relation, at)).or_insert(next);
        if number == next {
            self.members.push((column.relation, at));
            self.parents.push(next);
        }
        Some(number)
    }

    fn root(&self, mut number: usize) -> usize {
        while self.parents[number] != number {
            number = self.parents[number];
        }
        number
    }

    fn unite(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.parents[a.max(b)] = a.min(b);
    }

    fn find_constants(&mut self, shape: &Shape, snapshot: &Snapshot, one_way: &[(usize, usize)]) {
        for (number, &(relation, at)) in self.members.iter().enumerate() {
            let Some(relation) = shape.relations.get(relation) else {
                continue;
            };
            let table = snapshot.table(relation.table_oid);
            let equality = |p: &&Predicate| is_constant(p) && column_at(table, &p.column) == at;
            if let Some(predicate) = relation.predicates.iter().find(equality) {
                let root = self.root(number);
                self.constants
                    .entry(root)
                    .or_insert_with(|| predicate.clone());
            }
        }
        // What the left side of an outer join equals, its right side equals too. Chains are short.
        for _ in 0..4 {
            for &(left, right) in one_way {
                let constant = self.constants.get(&self.root(left)).cloned();
                if let Some(constant) = constant {
                    let right = self.root(right);
                    self.constants.entry(right).or_insert(constant);
                }
            }
        }
    }

    /// The class of a column, if the shape has it in a join or order.
    pub(crate) fn class(&self, relation: usize, column: ColumnAt) -> Option<usize> {
        self.numbers.get(&(relation, column)).map(|&n| self.root(n))
    }

    /// All columns with their class, in a fixed order.
    pub(crate) fn members(&self) -> impl Iterator<Item = (usize, ColumnAt, usize)> {
        self.members
            .iter()
            .enumerate()
            .map(|(n, &(relation, at))| (relation, at, self.root(n)))
    }

    /// How many numbers there are; classes are below it.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether the class equals a constant.
    pub(crate) fn is_constant(&self, class: usize) -> bool {
        self.constants.contains_key(&class)
    }

    /// Conditions that follow for a relation from the constants of its classes.
    pub(crate) fn implied(
        &self,
        relation: usize,
        shape: &Shape,
        snapshot: &Snapshot,
    ) -> Vec<Predicate> {
        let Some(shaped) = shape.relations.get(relation) else {
            return Vec::new();
        };
        let Some(table) = snapshot.table(shaped.table_oid) else {
            return Vec::new();
        };
        let mut implied: Vec<Predicate> = Vec::new();
        for (_, at, class) in self.members().filter(|(r, _, _)| *r == relation) {
            let (Some(constant), Some(column)) =
                (self.constants.get(&class), table.columns.get(at))
            else {
                continue;
            };
            if !shaped
                .predicates
                .iter()
                .any(|p| is_constant(p) && p.column == column.name)
            {
                implied.push(Predicate {
                    column: column.name.clone(),
                    ..constant.clone()
                });
            }
        }
        implied
    }

    /// Whether no column of the class can be NULL, and the column of a member, for its statistics.
    pub(crate) fn never_null(&self, class: usize, shape: &Shape, snapshot: &Snapshot) -> bool {
        let column = |relation: usize, at: ColumnAt| -> Option<&Column> {
            let table = snapshot.table(shape.relations.get(relation)?.table_oid)?;
            table.columns.get(at)
        };
        let mut members = self.members().filter(|(_, _, c)| *c == class);
        members.all(|(relation, at, _)| column(relation, at).is_some_and(|c| c.not_null))
    }
}

/// Whether a condition fixes its column to one value.
fn is_constant(predicate: &Predicate) -> bool {
    predicate.expression.is_none()
        && matches!(predicate.operator, Operator::Eq | Operator::In(Some(1)))
}
