//! What is noted of expressions wherever they stand: columns of other blocks, subqueries, comparisons that mean something else
//! than they seem to.

use sqlparser::ast::{
    BinaryOperator, Expr, Query as QueryAst, SelectItem, SetExpr, UnaryOperator, Value as Written,
};

use crate::model::ident::quote_ident;
use crate::query::facts::side::{column, value};
use crate::query::facts::walk::Walk;
use crate::query::facts::walk::count::count_test;
use crate::query::facts::{Column, LONG_LIST, LongList, NotIn, Place};
use crate::query::rewrite::not_exists;
use crate::query::tree::{Child, walk};

impl Walk {
    /// Notes what stands in an expression of a block; `place` is where its subqueries stand.
    pub(super) fn read(&mut self, expr: &Expr, block: usize, place: Place) {
        let mut subqueries = Vec::new();
        let mut excluded: Vec<(&Expr, &Expr, &QueryAst)> = Vec::new();
        walk(expr, |child| {
            match child {
                Child::Expr(part) => {
                    if let Some(column) = column(part) {
                        self.mention(&column, block);
                    }
                    excluded.extend(not_in(part));
                    self.comparison(part);
                    self.list(part);
                }
                Child::Scalar(query) => subqueries.push((query, place)),
                Child::Test(query) => subqueries.push((query, Place::Test)),
                Child::Row(_) => {}
            }
            true
        });
        for (query, place) in subqueries {
            let inner = self.query(query, Some(block), place);
            let text = excluded.iter().find(|(.., q)| std::ptr::eq(*q, query));
            if let Some((whole, left, _)) = text {
                self.facts.not_in.push(NotIn {
                    block,
                    query: inner,
                    left: column(left),
                    text: whole.to_string(),
                    exists: not_exists(left, self.only_relation(block).as_deref(), query),
                    guarded: is_guarded(query),
                });
            }
        }
    }

    /// The name of all that a block reads from, if that is one thing and no column can be another block's.
    fn only_relation(&self, block: usize) -> Option<String> {
        let mut own = self.facts.relations.iter().filter(|r| r.block == block);
        let name = &own.next()?.name;
        let alone = own.next().is_none() && self.facts.blocks[block].parent.is_none();
        (alone && !name.is_empty()).then(|| quote_ident(name).into_owned())
    }

    /// A column that a block names.
    fn mention(&mut self, column: &Column, block: usize) {
        let Some(of) = &column.of else {
            self.facts.blocks[block].unqualified = true;
            return;
        };
        let (relations, blocks) = (&self.facts.relations, &self.facts.blocks);
        let holds = |block: usize| {
            let mut own = relations.iter().filter(|r| r.block == block);
            own.any(|r| r.name == *of)
        };
        let mut around = std::iter::successors(Some(block), |&b| blocks[b].parent);
        let Some(owner) = around.find(|&b| holds(b)) else {
            return;
        };
        let mut at = block;
        while at != owner {
            self.facts.blocks[at].correlated = true;
            match self.facts.blocks[at].parent {
                Some(parent) => at = parent,
                None => break,
            }
        }
    }

    fn comparison(&mut self, expr: &Expr) {
        let Expr::BinaryOp { left, op, right } = expr else {
            return;
        };
        let null = |expr: &Expr| is_null(expr);
        let is = match op {
            BinaryOperator::Eq => Some("IS NULL"),
            BinaryOperator::NotEq => Some("IS NOT NULL"),
            _ => None,
        };
        if let Some(is) = is
            && null(left) != null(right)
        {
            let other = if null(left) { right } else { left };
            let meant = format!("{other} {is}");
            self.facts.null_comparisons.push((expr.to_string(), meant));
        }
        if let (Some(exists), Some(select)) = count_test(left, op, right) {
            let meant = format!("{exists} ({select})");
            self.facts.count_tests.push((expr.to_string(), meant));
        }
    }

    fn list(&mut self, expr: &Expr) {
        let Expr::InList {
            expr: left,
            list,
            negated,
        } = expr
        else {
            return;
        };
        if list.len() >= LONG_LIST && list.iter().all(|element| value(element).is_some()) {
            self.facts.long_lists.push(LongList {
                left: left.to_string(),
                length: list.len(),
                negated: *negated,
                text: expr.to_string(),
            });
        }
    }
}

/// The whole, the left side and the subquery of `left NOT IN (SELECT …)`.
fn not_in(expr: &Expr) -> Option<(&Expr, &Expr, &QueryAst)> {
    let of = |inner: &'_ Expr, wanted: bool| match inner {
        Expr::InSubquery { negated, .. } => *negated == wanted,
        _ => false,
    };
    let found = match expr {
        Expr::InSubquery { .. } if of(expr, true) => expr,
        Expr::UnaryOp {
            op: UnaryOperator::Not,
            expr: inner,
        } => {
            let mut inner = inner.as_ref();
            while let Expr::Nested(deeper) = inner {
                inner = deeper;
            }
            Some(inner).filter(|inner| of(inner, false))?
        }
        _ => return None,
    };
    match found {
        Expr::InSubquery {
            expr: left,
            subquery,
            ..
        } => Some((expr, left, subquery)),
        _ => None,
    }
}

/// Whether a query says of its output that it is not NULL.
fn is_guarded(query: &QueryAst) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return false;
    };
    let [SelectItem::UnnamedExpr(output) | SelectItem::ExprWithAlias { expr: output, .. }] =
        select.projection.as_slice()
    else {
        return false;
    };
    let mut open: Vec<&Expr> = select.selection.iter().collect();
    while let Some(expr) = open.pop() {
        match expr {
            Expr::BinaryOp {
                left,
                op: BinaryOperator::And,
                right,
            } => open.extend([left.as_ref(), right]),
            Expr::Nested(inner) => open.push(inner),
            Expr::IsNotNull(inner) if inner.as_ref() == output => return true,
            _ => {}
        }
    }
    false
}

fn is_null(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_null(inner),
        Expr::Cast { expr, .. } => is_null(expr),
        Expr::Value(value) => value.value == Written::Null,
        _ => false,
    }
}
