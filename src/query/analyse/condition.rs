//! Conditions: splits them at AND and OR, and turns their facts into predicates and joins of the Shape.

use sqlparser::ast::{BinaryOperator, Expr, Query as QueryAst, UnaryOperator};

use crate::query::analyse::Analysis;
use crate::query::analyse::compare::Fact;
use crate::query::analyse::from::Ctx;
use crate::query::analyse::select::{Place, is_simple, is_simple_test};
use crate::query::shape::{ColumnRef, JoinKind, Operand, Operator, Predicate, Role};
use crate::query::workload::Reason;

/// ORs of more arms than this are left out: no planner ORs so many bitmaps.
const MAX_ARMS: usize = 500;

impl<'a> Analysis<'a, '_> {
    /// Reads a condition whose parts are AND-ed with everything else of its place.
    pub(crate) fn condition(
        &mut self,
        expr: &'a Expr,
        ctx: Ctx,
        block: usize,
    ) -> Result<(), Reason> {
        let mut open = vec![(expr, false)];
        while let Some((expr, negated)) = open.pop() {
            if let Some(parts) = split(expr, negated, BinaryOperator::And) {
                open.extend(parts.into_iter().rev());
                continue;
            }
            match expr {
                Expr::BinaryOp {
                    op: BinaryOperator::Or | BinaryOperator::And,
                    ..
                } => {
                    self.alternatives(expr, negated, ctx, block)?;
                }
                Expr::Exists {
                    subquery,
                    negated: not,
                } => self.exists(subquery, negated != *not, ctx, block)?,
                Expr::InSubquery {
                    expr,
                    subquery,
                    negated: not,
                } => {
                    self.in_subquery(expr, subquery, negated != *not, ctx, block)?;
                }
                Expr::AnyOp {
                    left,
                    compare_op: BinaryOperator::Eq,
                    right,
                    ..
                } if subquery(right).is_some() => {
                    if let Some(query) = subquery(right) {
                        self.in_subquery(left, query, negated, ctx, block)?;
                    }
                }
                Expr::InList {
                    expr: left,
                    list,
                    negated: not,
                } if matches!(left.as_ref(), Expr::Tuple(_)) && negated == *not => {
                    self.rows_in(expr, left, list, ctx, block)?;
                }
                _ => {
                    self.read(expr, block)?;
                    let facts = self.facts(expr, negated)?;
                    self.shape.blocks[block].inexact |= facts.is_empty();
                    for fact in facts {
                        self.apply(fact, ctx);
                    }
                }
            }
        }
        Ok(())
    }

    fn apply(&mut self, fact: Fact, ctx: Ctx) {
        match fact {
            Fact::Filter {
                target,
                expression,
                operator,
                operand,
            } => {
                for column in target.columns() {
                    if !target.pushes || !self.reaches(column.relation, ctx) {
                        continue;
                    }
                    let predicate = Predicate {
                        column: column.column.clone(),
                        expression: expression.clone(),
                        operator: operator.clone(),
                        operand: operand.clone(),
                    };
                    if operator == Operator::IsNull && self.is_optional(column.relation, ctx) {
                        self.anti(column);
                        continue;
                    }
                    if !self.require(column.relation, &predicate, ctx) {
                        continue;
                    }
                    let predicates = &mut self.shape.relations[column.relation].predicates;
                    if !predicates.contains(&predicate) {
                        predicates.push(predicate);
                    }
                }
            }
            Fact::Link {
                left,
                right,
                equality,
            } => self.link(&left, &right, equality, ctx),
            Fact::Outer {
                outer,
                inner,
                equality,
            } => {
                let kind = self.frames.last().map_or(JoinKind::Correlated, |f| f.link);
                for column in inner.columns() {
                    if inner.pushes && self.reaches(column.relation, ctx) {
                        self.demote(column.relation, ctx);
                        self.edge(&outer.column, column, equality, kind, None);
                    }
                }
            }
        }
    }

    fn exists(
        &mut self,
        query: &'a QueryAst,
        negated: bool,
        ctx: Ctx,
        block: usize,
    ) -> Result<(), Reason> {
        let (role, kind) = if negated {
            (Role::Anti, JoinKind::Anti)
        } else {
            (Role::Semi, JoinKind::Semi)
        };
        let pulled_up = ctx == Ctx::Filter && is_simple_test(query);
        let link = if pulled_up {
            kind
        } else {
            JoinKind::Correlated
        };
        self.subquery(query, role, link, block)
    }

    fn in_subquery(
        &mut self,
        left: &'a Expr,
        query: &'a QueryAst,
        negated: bool,
        ctx: Ctx,
        block: usize,
    ) -> Result<(), Reason> {
        self.read(left, block)?;
        let (role, kind) = if negated {
            (Role::Anti, JoinKind::Anti)
        } else {
            (Role::Semi, JoinKind::Semi)
        };
        let outputs = self.tracked(
            query,
            &Place::inner(block, role, JoinKind::Correlated, false),
        )?;
        let lefts: Vec<&'a Expr> = match left {
            Expr::Tuple(list) => list.iter().collect(),
            one => vec![one],
        };
        let correlated = self
            .correlated
            .get(&std::ptr::from_ref(query))
            .cloned()
            .unwrap_or_default();
        for (left, output) in lefts.into_iter().zip(&outputs) {
            let Some(target) = self.plain(left)? else {
                continue;
            };
            if !self.reaches(target.column.relation, ctx) {
                continue;
            }
            if !negated {
                self.demote(target.column.relation, ctx);
            }
            match &output.target {
                Some(inner) if inner.looks_up && is_simple(query) => {
                    for column in inner.columns() {
                        self.edge(&target.column, column, true, kind, None);
                    }
                }
                _ if negated || !correlated.is_empty() => {}
                Some(inner) if target.looks_up => {
                    for column in target.columns() {
                        self.edge(&inner.column, column, true, JoinKind::Left, None);
                    }
                }
                _ => {
                    let operator = Operator::In(None);
                    self.apply(
                        Fact::Filter {
                            target,
                            expression: None,
                            operator,
                            operand: Operand::Unknown,
                        },
                        ctx,
                    );
                }
            }
        }
        Ok(())
    }

    /// `(a, b) IN ((1, 2), (3, 4))`: an OR of two-column equalities.
    fn rows_in(
        &mut self,
        expr: &'a Expr,
        left: &'a Expr,
        list: &'a [Expr],
        ctx: Ctx,
        block: usize,
    ) -> Result<(), Reason> {
        self.read(expr, block)?;
        let Expr::Tuple(columns) = left else {
            return Ok(());
        };
        let mut arms = Vec::new();
        for row in list.iter().take(MAX_ARMS + 1) {
            // The mark of a squashed list is no row.
            let Expr::Tuple(values) = row else { continue };
            arms.push(self.row_equals(columns, values)?);
        }
        if arms.len() == 1 && list.len() == 1 {
            for fact in arms.remove(0) {
                self.apply(fact, ctx);
            }
            return Ok(());
        }
        self.disjunction(arms, ctx);
        Ok(())
    }

    /// An OR. It helps a relation if each of its arms restricts it.
    fn alternatives(
        &mut self,
        expr: &'a Expr,
        negated: bool,
        ctx: Ctx,
        block: usize,
    ) -> Result<(), Reason> {
        self.read(expr, block)?;
        self.shape.blocks[block].inexact = true;
        let mut arms = Vec::new();
        let mut open = vec![(expr, negated)];
        while let Some((expr, negated)) = open.pop() {
            if let Some(parts) = split(expr, negated, BinaryOperator::Or) {
                open.extend(parts.into_iter().rev());
            } else {
                arms.push(self.arm_facts(expr, negated)?);
            }
        }
        self.disjunction(arms, ctx);
        Ok(())
    }

    /// The facts of one arm: those of its parts joined by AND; an OR inside is left out.
    fn arm_facts(&self, expr: &'a Expr, negated: bool) -> Result<Vec<Fact>, Reason> {
        let mut facts = Vec::new();
        let mut open = vec![(expr, negated)];
        while let Some((expr, negated)) = open.pop() {
            if let Some(parts) = split(expr, negated, BinaryOperator::And) {
                open.extend(parts.into_iter().rev());
            } else {
                facts.extend(self.facts(expr, negated)?);
            }
        }
        Ok(facts)
    }

    fn disjunction(&mut self, mut arms: Vec<Vec<Fact>>, ctx: Ctx) {
        if arms.is_empty() || arms.len() > MAX_ARMS {
            return;
        }
        // What all arms say holds without the OR (`find_duplicate_ors`).
        let common: Vec<Fact> = (arms[0].iter())
            .filter(|fact| arms.iter().all(|arm| arm.contains(fact)))
            .cloned()
            .collect();
        for arm in &mut arms {
            arm.retain(|fact| !common.contains(fact));
        }
        for fact in common {
            self.apply(fact, ctx);
        }
        let filters: Vec<Vec<(ColumnRef, Predicate)>> = arms.into_iter().map(filters).collect();
        let mut relations: Vec<usize> = filters[0].iter().map(|(c, _)| c.relation).collect();
        relations.sort_unstable();
        relations.dedup();
        for relation in relations {
            let own = |arm: &Vec<(ColumnRef, Predicate)>| -> Vec<Predicate> {
                (arm.iter())
                    .filter(|(c, _)| c.relation == relation)
                    .map(|(_, p)| p.clone())
                    .collect()
            };
            let arms: Vec<Vec<Predicate>> = filters.iter().map(own).collect();
            if arms.iter().any(Vec::is_empty) || !self.reaches(relation, ctx) {
                continue;
            }
            if self.is_optional(relation, ctx) {
                // Each arm must reject a missing row, else the OR cannot move below the outer join.
                let strict =
                    |p: &Predicate| p.expression.is_none() && p.operator != Operator::IsNull;
                if !arms.iter().all(|arm| arm.iter().any(strict)) {
                    continue;
                }
                self.demote(relation, ctx);
            }
            let disjunctions = &mut self.shape.relations[relation].disjunctions;
            if !disjunctions.contains(&arms) {
                disjunctions.push(arms);
            }
        }
    }
}

/// The predicates among some facts.
fn filters(facts: Vec<Fact>) -> Vec<(ColumnRef, Predicate)> {
    let mut filters = Vec::new();
    for fact in facts {
        if let Fact::Filter {
            target,
            expression,
            operator,
            operand,
        } = fact
            && target.pushes
        {
            for column in target.columns() {
                let predicate = Predicate {
                    column: column.column.clone(),
                    expression: expression.clone(),
                    operator: operator.clone(),
                    operand: operand.clone(),
                };
                filters.push((column.clone(), predicate));
            }
        }
    }
    filters
}

/// The two parts of `a AND b` (or `a OR b`), NOT moved inwards; the one part of parentheses and NOT.
fn split(expr: &Expr, negated: bool, by: BinaryOperator) -> Option<Vec<(&Expr, bool)>> {
    let wanted = match (by, negated) {
        (BinaryOperator::And, false) | (BinaryOperator::Or, true) => BinaryOperator::And,
        _ => BinaryOperator::Or,
    };
    match expr {
        Expr::Nested(inner) => Some(vec![(inner, negated)]),
        Expr::UnaryOp {
            op: UnaryOperator::Not,
            expr,
        } => Some(vec![(expr, !negated)]),
        Expr::BinaryOp { left, op, right } if *op == wanted => {
            Some(vec![(left, negated), (right, negated)])
        }
        _ => None,
    }
}

fn subquery(expr: &Expr) -> Option<&QueryAst> {
    match expr {
        Expr::Subquery(query) => Some(query),
        Expr::Nested(inner) => subquery(inner),
        _ => None,
    }
}
