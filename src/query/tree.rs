//! Small readings of the syntax tree: names as PostgreSQL folds them, the parts of an expression, aggregates.

use sqlparser::ast::{
    AccessExpr, BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentClause, FunctionArguments, Ident, ObjectName, ObjectNamePart, OrderByExpr,
    Query, SelectItem, Subscript, WindowType,
};

/// An identifier as PostgreSQL folds it: in a multi-byte encoding only ASCII letters change.
pub(crate) fn fold(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_ascii_lowercase(),
    }
}

/// The parts of a dotted name; empty if it is something else.
pub(crate) fn parts(name: &ObjectName) -> Vec<String> {
    (name.0.iter())
        .filter_map(|part| match part {
            ObjectNamePart::Identifier(ident) => Some(fold(ident)),
            ObjectNamePart::Function(_) => None,
        })
        .collect()
}

/// The last part of a dotted name.
pub(crate) fn last_part(name: &ObjectName) -> String {
    parts(name).pop().unwrap_or_default()
}

/// A part of an expression.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Child<'a> {
    /// A subexpression.
    Expr(&'a Expr),
    /// A subquery that yields a value.
    Scalar(&'a Query),
    /// A subquery that is only tested: EXISTS, IN.
    Test(&'a Query),
    /// `t.*` as an argument.
    Row(&'a ObjectName),
}

/// Adds the direct parts of an expression.
pub(crate) fn children<'a>(expr: &'a Expr, out: &mut Vec<Child<'a>>) {
    match expr {
        Expr::BinaryOp { left, right, .. }
        | Expr::AnyOp { left, right, .. }
        | Expr::AllOp { left, right, .. }
        | Expr::IsDistinctFrom(left, right)
        | Expr::IsNotDistinctFrom(left, right) => push(out, [left.as_ref(), right]),
        Expr::Between {
            expr, low, high, ..
        } => push(out, [expr.as_ref(), low, high]),
        Expr::Like {
            expr,
            pattern,
            escape_char,
            ..
        }
        | Expr::ILike {
            expr,
            pattern,
            escape_char,
            ..
        }
        | Expr::SimilarTo {
            expr,
            pattern,
            escape_char,
            ..
        } => {
            push(out, [expr.as_ref(), pattern]);
            push(out, escape_char.as_deref());
        }
        Expr::InList { expr, list, .. } => {
            push(out, [expr.as_ref()]);
            push(out, list);
        }
        Expr::InSubquery { expr, subquery, .. } => {
            push(out, [expr.as_ref()]);
            out.push(Child::Test(subquery));
        }
        Expr::Exists { subquery, .. } => out.push(Child::Test(subquery)),
        Expr::Subquery(query) => out.push(Child::Scalar(query)),
        Expr::Function(function) => function_children(function, out),
        Expr::Case {
            operand,
            conditions,
            else_result,
            ..
        } => {
            push(out, operand.as_deref());
            for when in conditions {
                push(out, [&when.condition, &when.result]);
            }
            push(out, else_result.as_deref());
        }
        Expr::CompoundFieldAccess { .. } => subscripts(expr, out),
        Expr::Position { .. }
        | Expr::Substring { .. }
        | Expr::Trim { .. }
        | Expr::Overlay { .. }
        | Expr::AtTimeZone { .. } => special_call(expr, out),
        Expr::Tuple(list) => push(out, list),
        Expr::Struct { values, .. } => push(out, values),
        Expr::Array(array) => push(out, &array.elem),
        Expr::GroupingSets(sets) | Expr::Cube(sets) | Expr::Rollup(sets) => {
            push(out, sets.iter().flatten());
        }
        Expr::QualifiedWildcard(name, _) => out.push(Child::Row(name)),
        other => push(out, only_child(other)),
    }
}

/// The parts of functions with a syntax of their own.
fn special_call<'a>(expr: &'a Expr, out: &mut Vec<Child<'a>>) {
    match expr {
        Expr::AtTimeZone {
            timestamp,
            time_zone,
        } => push(out, [timestamp.as_ref(), time_zone]),
        Expr::Position { expr, r#in } => push(out, [expr.as_ref(), r#in]),
        Expr::Substring {
            expr,
            substring_from,
            substring_for,
            ..
        } => {
            push(out, [expr.as_ref()]);
            push(
                out,
                substring_from
                    .as_deref()
                    .into_iter()
                    .chain(substring_for.as_deref()),
            );
        }
        Expr::Trim {
            expr,
            trim_what,
            trim_characters,
            ..
        } => {
            push(out, [expr.as_ref()]);
            push(
                out,
                trim_what
                    .as_deref()
                    .into_iter()
                    .chain(trim_characters.iter().flatten()),
            );
        }
        Expr::Overlay {
            expr,
            overlay_what,
            overlay_from,
            overlay_for,
        } => {
            push(out, [expr.as_ref(), overlay_what, overlay_from]);
            push(out, overlay_for.as_deref());
        }
        _ => {}
    }
}

/// The parts of `root[1].field[2:3]`.
fn subscripts<'a>(expr: &'a Expr, out: &mut Vec<Child<'a>>) {
    let Expr::CompoundFieldAccess { root, access_chain } = expr else {
        return;
    };
    push(out, [root.as_ref()]);
    for access in access_chain {
        match access {
            AccessExpr::Subscript(Subscript::Index { index }) => push(out, [index]),
            AccessExpr::Subscript(Subscript::Slice {
                lower_bound,
                upper_bound,
                ..
            }) => push(out, lower_bound.iter().chain(upper_bound)),
            AccessExpr::Dot(_) => {}
        }
    }
}

/// The part of those expressions that have one.
fn only_child(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::IsFalse(e)
        | Expr::IsNotFalse(e)
        | Expr::IsTrue(e)
        | Expr::IsNotTrue(e)
        | Expr::IsNull(e)
        | Expr::IsNotNull(e)
        | Expr::IsUnknown(e)
        | Expr::IsNotUnknown(e)
        | Expr::Nested(e)
        | Expr::OuterJoin(e)
        | Expr::Prior(e)
        | Expr::UnaryOp { expr: e, .. }
        | Expr::Cast { expr: e, .. }
        | Expr::Extract { expr: e, .. }
        | Expr::Ceil { expr: e, .. }
        | Expr::Floor { expr: e, .. }
        | Expr::Collate { expr: e, .. }
        | Expr::IsJson { expr: e, .. }
        | Expr::IsNormalized { expr: e, .. }
        | Expr::Named { expr: e, .. }
        | Expr::JsonAccess { value: e, .. } => Some(e),
        Expr::Interval(interval) => Some(&interval.value),
        _ => None,
    }
}

fn push<'a>(out: &mut Vec<Child<'a>>, exprs: impl IntoIterator<Item = &'a Expr>) {
    out.extend(exprs.into_iter().map(Child::Expr));
}

fn function_children<'a>(function: &'a Function, out: &mut Vec<Child<'a>>) {
    match &function.args {
        FunctionArguments::None => {}
        FunctionArguments::Subquery(query) => out.push(Child::Scalar(query)),
        FunctionArguments::List(list) => {
            out.extend(list.args.iter().filter_map(argument));
            for clause in &list.clauses {
                if let FunctionArgumentClause::OrderBy(order) = clause {
                    push(out, order.iter().map(|o| &o.expr));
                }
            }
        }
    }
    let sorted = |order: &'a [OrderByExpr]| order.iter().map(|o| &o.expr);
    push(out, sorted(&function.within_group));
    push(out, function.filter.as_deref());
    if let Some(WindowType::WindowSpec(window)) = &function.over {
        push(out, &window.partition_by);
        push(out, sorted(&window.order_by));
    }
}

/// The value of a function argument; none for `*`.
pub(crate) fn argument(argument: &FunctionArg) -> Option<Child<'_>> {
    let value = match argument {
        FunctionArg::Named { arg, .. }
        | FunctionArg::ExprNamed { arg, .. }
        | FunctionArg::Unnamed(arg) => arg,
    };
    match value {
        // `f(name := value)`, where the name is quoted.
        FunctionArgExpr::Expr(Expr::BinaryOp {
            op: BinaryOperator::Assignment,
            right,
            ..
        }) => Some(Child::Expr(right)),
        FunctionArgExpr::Expr(expr) => Some(Child::Expr(expr)),
        FunctionArgExpr::QualifiedWildcard(name) => Some(Child::Row(name)),
        _ => None,
    }
}

/// The plain arguments of a function.
pub(crate) fn arguments(function: &Function) -> Vec<&Expr> {
    match &function.args {
        FunctionArguments::List(list) => (list.args.iter())
            .filter_map(|a| match argument(a) {
                Some(Child::Expr(expr)) => Some(expr),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// Calls `visit` for an expression and all its parts outside of subqueries; `visit` says whether to go deeper.
pub(crate) fn walk<'a>(expr: &'a Expr, mut visit: impl FnMut(Child<'a>) -> bool) {
    let mut open = vec![Child::Expr(expr)];
    let mut parts = Vec::new();
    while let Some(child) = open.pop() {
        if let (true, Child::Expr(expr)) = (visit(child), child) {
            children(expr, &mut parts);
            open.extend(parts.drain(..).rev());
        }
    }
}

/// Aggregate and window calls in an expression.
#[derive(Debug, Default)]
pub(crate) struct Calls<'a> {
    /// Aggregates.
    pub(crate) aggregates: Vec<&'a Function>,
    /// Window functions, aggregates with OVER included.
    pub(crate) windows: Vec<&'a Function>,
    /// Whether a function may return several rows.
    pub(crate) sets: bool,
}

impl<'a> Calls<'a> {
    /// Adds those of an expression.
    pub(crate) fn add(&mut self, expr: &'a Expr) {
        walk(expr, |child| {
            if let Child::Expr(Expr::Function(function)) = child {
                let name = last_part(&function.name);
                if function.over.is_some() {
                    self.windows.push(function);
                } else if is_aggregate(function, &name) {
                    self.aggregates.push(function);
                    return false;
                }
                self.sets |= matches!(
                    name.as_str(),
                    "unnest"
                        | "generate_series"
                        | "jsonb_array_elements"
                        | "json_array_elements"
                        | "regexp_split_to_table"
                        | "jsonb_array_elements_text"
                        | "json_array_elements_text"
                        | "jsonb_each"
                        | "json_each"
                        | "regexp_matches"
                );
            }
            true
        });
    }

    /// Those of the output columns.
    pub(crate) fn of(items: &'a [SelectItem]) -> Self {
        let mut calls = Self::default();
        for item in items {
            if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
                calls.add(expr);
            }
        }
        calls
    }
}

/// Whether a call is an aggregate: by its name, or because only aggregates take such clauses.
fn is_aggregate(function: &Function, name: &str) -> bool {
    let clauses = match &function.args {
        FunctionArguments::List(list) => {
            list.duplicate_treatment.is_some()
                || (list.clauses.iter()).any(|c| matches!(c, FunctionArgumentClause::OrderBy(_)))
        }
        _ => false,
    };
    clauses
        || function.filter.is_some()
        || !function.within_group.is_empty()
        || AGGREGATES.contains(&name)
}

/// Built-in aggregates (`select proname from pg_proc where prokind = 'a'`, 13 to 18), without those that need WITHIN GROUP.
const AGGREGATES: &[&str] = &[
    "any_value",
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar_pop",
    "covar_samp",
    "every",
    "json_agg",
    "json_agg_strict",
    "json_arrayagg",
    "json_object_agg",
    "json_object_agg_strict",
    "json_object_agg_unique",
    "json_object_agg_unique_strict",
    "json_objectagg",
    "jsonb_agg",
    "jsonb_agg_strict",
    "jsonb_object_agg",
    "jsonb_object_agg_strict",
    "jsonb_object_agg_unique",
    "jsonb_object_agg_unique_strict",
    "max",
    "min",
    "range_agg",
    "range_intersect_agg",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "string_agg",
    "sum",
    "var_pop",
    "var_samp",
    "variance",
    "xmlagg",
];
