//! Joins: which conditions reach through outer joins, what makes those inner or anti-joins, and the edges of the Shape.

use crate::query::analyse::from::Ctx;
use crate::query::analyse::scope::Target;
use crate::query::analyse::{Analysis, Edge};
use crate::query::shape::{ColumnRef, Join, JoinKind, Operator, Predicate};

impl Analysis<'_, '_> {
    /// Whether a condition at that place filters the relation at all.
    pub(crate) fn reaches(&self, relation: usize, ctx: Ctx) -> bool {
        match ctx {
            Ctx::Filter => true,
            Ctx::On(id) => {
                let outer = &self.outer_joins[id];
                outer.optional.contains(&relation) && !outer.full
            }
        }
    }

    /// Whether rows of the relation may be missing where the condition stands.
    pub(crate) fn is_optional(&self, relation: usize, ctx: Ctx) -> bool {
        (self.nullable[relation].iter())
            .any(|id| ctx != Ctx::On(*id) && !self.outer_joins[*id].inner)
    }

    /// A condition that a missing row cannot meet makes the outer joins below it inner ones (`reduce_outer_joins`). Says
    /// whether the predicate may filter the relation.
    pub(crate) fn require(&mut self, relation: usize, predicate: &Predicate, ctx: Ctx) -> bool {
        if !self.is_optional(relation, ctx) {
            return true;
        }
        let lenient = predicate.operator == Operator::IsNull
            || (predicate.expression.as_deref()).is_some_and(|e| {
                e.contains("coalesce(") || e.contains("case ") || e.contains(" is ")
            });
        if lenient {
            return false;
        }
        self.demote(relation, ctx);
        true
    }

    pub(crate) fn demote(&mut self, relation: usize, ctx: Ctx) {
        for id in self.nullable[relation].clone() {
            let outer = &mut self.outer_joins[id];
            if ctx != Ctx::On(id) && !outer.full {
                outer.inner = true;
            }
        }
    }

    /// `LEFT JOIN b ON … WHERE b.key IS NULL`: rows without partner are wanted.
    pub(crate) fn anti(&mut self, column: &ColumnRef) {
        let not_null = self.tables[column.relation]
            .column(&column.column)
            .is_some_and(|c| c.not_null);
        for id in self.nullable[column.relation].clone() {
            let joined = not_null
                || self.edges.iter().any(|e| {
                    e.outer_join == Some(id) && e.join.equality && e.join.right == *column
                });
            let outer = &mut self.outer_joins[id];
            outer.anti |= joined && !outer.full;
        }
    }

    /// Records that two columns are compared.
    pub(crate) fn link(&mut self, left: &Target, right: &Target, equality: bool, ctx: Ctx) {
        for l in left.columns() {
            for r in right.columns() {
                if l.relation != r.relation {
                    self.link_columns((l, left.looks_up), (r, right.looks_up), equality, ctx);
                }
            }
        }
    }

    pub(crate) fn link_columns(
        &mut self,
        left: (&ColumnRef, bool),
        right: (&ColumnRef, bool),
        equality: bool,
        ctx: Ctx,
    ) {
        let ((l, l_looks_up), (r, r_looks_up)) = (left, right);
        let mut outer_join = None;
        let (mut from_left, mut from_right) = (r_looks_up, l_looks_up);
        if let Ctx::On(id) = ctx {
            let outer = self.outer_joins[id].clone();
            match (
                outer.optional.contains(&l.relation),
                outer.optional.contains(&r.relation),
            ) {
                _ if outer.full => outer_join = Some(id),
                (true, true) => {}
                (false, true) => {
                    outer_join = Some(id);
                    from_right = false;
                }
                (true, false) => {
                    outer_join = Some(id);
                    from_left = false;
                }
                (false, false) => return,
            }
        }
        if outer_join.is_none() || matches!(ctx, Ctx::On(_)) {
            for relation in [l.relation, r.relation] {
                if self.reaches(relation, ctx) {
                    self.demote(relation, ctx);
                }
            }
        }
        let both = from_left && from_right;
        let kind = if both {
            JoinKind::Inner
        } else {
            JoinKind::Left
        };
        // Where only one side can be looked up and no outer join says so, `Left` does.
        let known = if l_looks_up && r_looks_up {
            outer_join
        } else {
            None
        };
        if from_left {
            self.edge(l, r, equality, kind, known);
        } else if from_right {
            self.edge(r, l, equality, kind, known);
        }
    }

    pub(crate) fn edge(
        &mut self,
        left: &ColumnRef,
        right: &ColumnRef,
        equality: bool,
        kind: JoinKind,
        outer_join: Option<usize>,
    ) {
        self.edges.push(Edge {
            join: Join {
                left: left.clone(),
                right: right.clone(),
                equality,
                kind,
            },
            outer_join,
        });
    }
}
