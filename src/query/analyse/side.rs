//! One side of a comparison: a column, an expression over one, a value, or something no index knows.

use std::ops::ControlFlow;

use sqlparser::ast::{CastKind, Expr, Ident, VisitMut, VisitorMut};

use crate::model::catalog::Column;
use crate::query::analyse::Analysis;
use crate::query::analyse::scope::{Named, Target};
use crate::query::expression::{canonical_expr, is_text_relabel};
use crate::query::shape::ColumnRef;
use crate::query::tree::{Child, walk};
use crate::query::workload::Reason;

/// One side of a comparison.
#[derive(Debug, Clone)]
pub(crate) enum Side {
    Column(Target),
    /// An expression over columns of one relation, in canonical form.
    Wrapped {
        target: Target,
        text: String,
    },
    Outer(Target),
    /// The same for all rows of the block.
    Value,
    /// A column of a function or a list of values in FROM.
    Stream,
    /// Columns of several relations, or something opaque.
    Mixed(Vec<ColumnRef>),
}

impl Side {
    /// The column that it is or is computed from, and how it is computed.
    pub(crate) fn of_column(self) -> Option<(Target, Option<String>)> {
        match self {
            Self::Column(target) => Some((target, None)),
            Self::Wrapped { target, text } => Some((target, Some(text))),
            _ => None,
        }
    }
}

impl<'a> Analysis<'a, '_> {
    /// The column that an expression plainly is.
    pub(crate) fn plain(&self, expr: &'a Expr) -> Result<Option<Target>, Reason> {
        Ok(match self.side(expr)? {
            Side::Column(target) => Some(target),
            _ => None,
        })
    }

    /// What one side of a comparison is.
    pub(crate) fn side(&self, expr: &'a Expr) -> Result<Side, Reason> {
        match expr {
            Expr::Nested(inner) => return self.side(inner),
            Expr::Value(_) | Expr::TypedString(_) => return Ok(Side::Value),
            Expr::Cast {
                kind: CastKind::Cast | CastKind::DoubleColon,
                expr: inner,
                data_type,
                ..
            } => {
                if let Side::Column(target) = self.side(inner)?
                    && let Some(column) = self.column(&target.column)
                    && changes_nothing(column, &data_type.to_string())
                {
                    return Ok(Side::Column(target));
                }
            }
            _ => {}
        }
        if let Some(named) = self.name(expr)? {
            return Ok(match named {
                Named::Column {
                    target,
                    outer: false,
                    ..
                } => Side::Column(target),
                Named::Column {
                    target,
                    outer: true,
                    ..
                } => Side::Outer(target),
                Named::Computed { outer: true, .. } => Side::Value,
                Named::Computed {
                    reads,
                    outer: false,
                } if reads.is_empty() => Side::Stream,
                Named::Computed {
                    reads,
                    outer: false,
                } => Side::Mixed(reads),
                Named::Row(_) | Named::System(_) => Side::Mixed(Vec::new()),
            });
        }
        self.composed(expr)
    }

    /// An expression of several parts.
    pub(crate) fn composed(&self, expr: &'a Expr) -> Result<Side, Reason> {
        let mut targets: Vec<Target> = Vec::new();
        let mut reads: Vec<ColumnRef> = Vec::new();
        let (mut opaque, mut stream, mut subquery, mut fails) = (false, false, false, None);
        walk(expr, |child| {
            match child {
                Child::Expr(name @ (Expr::Identifier(_) | Expr::CompoundIdentifier(_))) => {
                    match self.name(name) {
                        Ok(Some(Named::Column {
                            target,
                            outer: false,
                            ..
                        })) => {
                            reads.push(target.column.clone());
                            targets.push(target);
                        }
                        Ok(Some(Named::Computed {
                            reads: r,
                            outer: false,
                        })) => {
                            stream |= r.is_empty();
                            opaque = true;
                            reads.extend(r);
                        }
                        Ok(Some(Named::Row(_) | Named::System(_))) => opaque = true,
                        Ok(Some(Named::Column { .. } | Named::Computed { .. }) | None) => {}
                        Err(reason) => fails = Some(reason),
                    }
                }
                Child::Scalar(query) | Child::Test(query) => {
                    // Columns of this very block make a subquery depend on the row.
                    if let Some(outer) = self.correlated.get(&std::ptr::from_ref(query)) {
                        subquery |= !outer.is_empty();
                    }
                }
                Child::Row(_) => opaque = true,
                Child::Expr(_) => {}
            }
            true
        });
        if let Some(reason) = fails {
            return Err(reason);
        }
        if subquery {
            // Its value depends on the row in a way that no join on a column says.
            return Ok(Side::Mixed(Vec::new()));
        }
        if targets.is_empty() && !opaque {
            return Ok(Side::Value);
        }
        if stream && reads.is_empty() {
            return Ok(Side::Stream);
        }
        let first = targets.first().cloned();
        match first {
            Some(target)
                if !opaque
                    && targets.iter().all(|t| {
                        t.column.relation == target.column.relation && t.also.is_empty()
                    }) =>
            {
                let text = self.canonical(expr, target.column.relation);
                Ok(Side::Wrapped { target, text })
            }
            _ => Ok(Side::Mixed(reads)),
        }
    }

    /// The expression with the names of the base table's columns.
    pub(crate) fn canonical(&self, expr: &'a Expr, relation: usize) -> String {
        struct Rename<'x, 'a, 's>(&'x Analysis<'a, 's>);
        impl VisitorMut for Rename<'_, '_, '_> {
            type Break = ();
            fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
                if let Ok(Some(Named::Column { target, .. })) = self.0.name(expr) {
                    *expr = Expr::Identifier(Ident::with_quote('"', target.column.column));
                }
                ControlFlow::Continue(())
            }
        }
        let mut expr = expr.clone();
        let _ = VisitMut::visit(&mut expr, &mut Rename(self));
        canonical_expr(&expr, self.tables[relation].table)
    }

    pub(crate) fn column(&self, column: &ColumnRef) -> Option<&Column> {
        self.tables[column.relation].column(&column.column)
    }
}

/// Whether the planner looks through the cast, so that an index on the column still serves.
pub(crate) fn changes_nothing(column: &Column, to: &str) -> bool {
    let to = to.to_ascii_lowercase();
    let same = to == column.type_name
        || match column.base_type.as_str() {
            "int4" => matches!(to.as_str(), "int" | "integer" | "int4"),
            "int8" => matches!(to.as_str(), "bigint" | "int8"),
            "int2" => matches!(to.as_str(), "smallint" | "int2"),
            "bool" => matches!(to.as_str(), "boolean" | "bool"),
            "timestamptz" => matches!(to.as_str(), "timestamptz" | "timestamp with time zone"),
            "timestamp" => matches!(to.as_str(), "timestamp" | "timestamp without time zone"),
            "numeric" => matches!(to.as_str(), "numeric" | "decimal"),
            "float8" => matches!(to.as_str(), "float8" | "double precision" | "double"),
            base => to == base,
        };
    let text = match to.as_str() {
        "character varying" => "varchar",
        other => other,
    };
    same || is_text_relabel(&column.base_type, text)
}
