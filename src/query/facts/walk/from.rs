//! What a block reads from, and how that is joined.

use sqlparser::ast::{Expr, JoinConstraint, JoinOperator, TableAlias, TableFactor, TableWithJoins};

use crate::query::facts::condition::conjuncts;
use crate::query::facts::walk::Walk;
use crate::query::facts::{Join, Place, Relation, Source};
use crate::query::literal::literal;
use crate::query::tree::{fold, parts};

impl Walk {
    /// A list of FROM or USING.
    pub(super) fn tables(&mut self, tables: &[TableWithJoins], block: usize) {
        for table in tables {
            self.joined(table, block, Join::Comma);
        }
    }

    fn joined(&mut self, table: &TableWithJoins, block: usize, first: Join) {
        self.factor(&table.relation, block, first);
        for join in &table.joins {
            let (kind, on) = kind(&join.join_operator);
            self.factor(&join.relation, block, kind);
            if let Some(on) = on {
                let outer = matches!(kind, Join::Left | Join::Outer);
                conjuncts(on, block, outer, &mut self.facts.conditions);
                self.read(on, block, Place::Scalar);
            }
        }
    }

    /// One item.
    pub(super) fn factor(&mut self, factor: &TableFactor, block: usize, join: Join) {
        let (source, name, join) = match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                sample,
                ..
            } => {
                let parts = parts(name);
                let own = parts.last().cloned().unwrap_or_default();
                let source = match (self.of_with(&parts), sample) {
                    (Some(one_row), _) => Source::Query { one_row },
                    (None, Some(_)) => Source::Made,
                    (None, None) => Source::Table(parts),
                };
                (source, alias_or(alias.as_ref(), own), join)
            }
            TableFactor::Derived {
                lateral,
                subquery,
                alias,
                ..
            } => {
                let inner = self.query(subquery, Some(block), Place::From);
                let one_row = self.may_be_one_row(inner);
                let join = if *lateral { Join::Lateral } else { join };
                (
                    Source::Query { one_row },
                    alias_or(alias.as_ref(), String::new()),
                    join,
                )
            }
            TableFactor::NestedJoin {
                table_with_joins, ..
            } => return self.joined(table_with_joins, block, join),
            TableFactor::Table { alias, name, .. } | TableFactor::Function { alias, name, .. } => {
                let own = parts(name).pop().unwrap_or_default();
                (Source::Made, alias_or(alias.as_ref(), own), join)
            }
            TableFactor::UNNEST { alias, .. } | TableFactor::JsonTable { alias, .. } => {
                (Source::Made, alias_or(alias.as_ref(), String::new()), join)
            }
            _ => (Source::Made, String::new(), join),
        };
        self.facts.relations.push(Relation {
            block,
            source,
            name,
            join,
        });
    }

    /// Whether a name is one of WITH, and if so whether that gives one row.
    fn of_with(&self, parts: &[String]) -> Option<bool> {
        let [name] = parts else { return None };
        let mut named = self.named.iter().rev();
        named.find(|(n, _)| n == name).map(|(_, one_row)| *one_row)
    }
}

fn alias_or(alias: Option<&TableAlias>, own: String) -> String {
    alias.map_or(own, |alias| fold(&alias.name))
}

/// The kind of a join and its condition.
fn kind(operator: &JoinOperator) -> (Join, Option<&Expr>) {
    let (constraint, with_condition) = match operator {
        JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) => {
            (constraint, Join::Inner)
        }
        JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => {
            (constraint, Join::Left)
        }
        JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint) => (constraint, Join::Outer),
        _ => return (Join::Cross, None),
    };
    match constraint {
        // ON true says that it is meant.
        JoinConstraint::On(on) if literal(on).is_some() => (Join::Cross, None),
        JoinConstraint::On(on) => (with_condition, Some(on)),
        JoinConstraint::Using(_) | JoinConstraint::Natural => (Join::Using, None),
        JoinConstraint::None => (Join::Cross, None),
    }
}
