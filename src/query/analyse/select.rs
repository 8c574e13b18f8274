//! Query blocks: SELECT, UNION, VALUES; their outputs, grouping, order and limit.

use sqlparser::ast::{
    Distinct, Expr, Function, GroupByExpr, OrderBy, OrderByKind, Query as QueryAst, Select,
    SelectItem, SelectItemQualifiedWildcardKind, SetExpr, SetOperator, SetQuantifier, WindowType,
};

use crate::query::analyse::Analysis;
use crate::query::analyse::from::Ctx;
use crate::query::analyse::keys::order_keys;
use crate::query::analyse::limit::{limit_expressions, limit_of, offset_of};
use crate::query::analyse::scope::{Frame, Named, Output, Target, What};
use crate::query::literal::literal;
use crate::query::shape::{ColumnRef, JoinKind, Role};
use crate::query::tree::{Calls, fold, last_part};
use crate::query::workload::{QueryKind, Reason};

/// Where a query stands.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    parent: Option<usize>,
    role: Role,
    /// How comparisons with columns of outer blocks count.
    link: JoinKind,
    /// Somebody wants all outputs: they are read here. Else they are read when something outside names them.
    wanted: bool,
    /// The outputs do not matter at all (EXISTS).
    tested: bool,
    /// Name and columns of the recursive CTE that it is.
    pub(crate) recursive: Option<(String, Vec<String>)>,
}

impl Place {
    /// The statement itself.
    pub(crate) fn top() -> Self {
        Self {
            parent: None,
            role: Role::Top,
            link: JoinKind::Correlated,
            wanted: true,
            tested: false,
            recursive: None,
        }
    }

    /// A subquery in FROM.
    pub(crate) fn derived(parent: usize, role: Role, link: JoinKind) -> Self {
        Self {
            parent: Some(parent),
            role,
            link,
            wanted: false,
            ..Self::top()
        }
    }

    /// A subquery in an expression.
    pub(crate) fn inner(parent: usize, role: Role, link: JoinKind, tested: bool) -> Self {
        Self {
            wanted: !tested,
            tested,
            ..Self::derived(parent, role, link)
        }
    }
}

/// Whether PostgreSQL pulls the subquery up: one plain SELECT, nothing that needs all rows at once.
pub(crate) fn is_simple(query: &QueryAst) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return false;
    };
    let calls = Calls::of(&select.projection);
    let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty());
    query.with.is_none()
        && query.limit_clause.is_none()
        && query.fetch.is_none()
        && select.distinct.is_none()
        && select.having.is_none()
        && !grouped
        && calls.aggregates.is_empty()
        && calls.windows.is_empty()
        && !calls.sets
}

/// Whether PostgreSQL makes a semi-join of EXISTS over it (`simplify_EXISTS_query`): outputs, ORDER BY, GROUP BY, DISTINCT
/// and a constant LIMIT are dropped.
pub(crate) fn is_simple_test(query: &QueryAst) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return false;
    };
    let calls = Calls::of(&select.projection);
    query.with.is_none()
        && offset_of(query).is_none()
        && limit_expressions(query).all(|e| literal(e).is_some())
        && select.having.is_none()
        && calls.aggregates.is_empty()
        && calls.windows.is_empty()
}

impl<'a> Analysis<'a, '_> {
    /// Reads a query as a block of its own; gives its outputs and the kind of statement it is.
    pub(crate) fn query(
        &mut self,
        query: &'a QueryAst,
        place: &Place,
    ) -> Result<(Vec<Output>, QueryKind), Reason> {
        let block = self.block(place.parent, place.role);
        let ctes = self.ctes.len();
        if let Some(with) = &query.with {
            self.with(with, query, block)?;
        }
        let limit = limit_of(query);
        let limited = limit.is_some() || offset_of(query).is_some();
        let order = query.order_by.as_ref();
        let mut kind = QueryKind::Select;
        let mut outputs = match query.body.as_ref() {
            SetExpr::Select(select) => self.select(select, order, block, place, limited)?,
            SetExpr::Values(values) => {
                for row in &values.rows {
                    for value in &row.content {
                        self.read(value, block)?;
                    }
                }
                let columns = values.rows.first().map_or(0, |row| row.content.len());
                (1..=columns)
                    .map(|i| Output {
                        name: format!("column{i}"),
                        ..Output::default()
                    })
                    .collect()
            }
            SetExpr::SetOperation { .. } | SetExpr::Query(_) => {
                self.shape.blocks[block].order_complete = order.is_none();
                self.combined(&query.body, block, place)?
            }
            SetExpr::Insert(write)
            | SetExpr::Update(write)
            | SetExpr::Delete(write)
            | SetExpr::Merge(write) => {
                let top = place.parent.is_none();
                self.shape.blocks[block].order_complete = true;
                let (returned, written) = self.write(write, block, top)?;
                kind = written;
                returned
            }
            SetExpr::Table(_) => return Err(Reason::Unparsed("TABLE as an arm of UNION".into())),
        };
        self.shape.blocks[block].limit = limit;
        if limited {
            for target in outputs.iter_mut().filter_map(|o| o.target.as_mut()) {
                target.pushes = false;
                target.looks_up = false;
            }
        }
        for expr in limit_expressions(query) {
            self.read(expr, block)?;
        }
        self.ctes.truncate(ctes);
        Ok((outputs, kind))
    }

    /// A subquery in an expression. Remembers which outer columns it depends on.
    pub(crate) fn subquery(
        &mut self,
        query: &'a QueryAst,
        role: Role,
        link: JoinKind,
        block: usize,
    ) -> Result<(), Reason> {
        let tested = matches!(role, Role::Semi | Role::Anti);
        self.tracked(query, &Place::inner(block, role, link, tested))
            .map(|_| ())
    }

    pub(crate) fn tracked(
        &mut self,
        query: &'a QueryAst,
        place: &Place,
    ) -> Result<Vec<Output>, Reason> {
        let before = std::mem::take(&mut self.outer_reads);
        let read = self.query(query, place);
        let inside = std::mem::replace(&mut self.outer_reads, before);
        self.outer_reads.extend(inside.iter().cloned());
        self.correlated.insert(std::ptr::from_ref(query), inside);
        Ok(read?.0)
    }

    /// Arms of UNION, INTERSECT, EXCEPT, or a query in parentheses.
    fn combined(
        &mut self,
        body: &'a SetExpr,
        block: usize,
        place: &Place,
    ) -> Result<Vec<Output>, Reason> {
        // The left spine can be long; the right arms are bounded by the nesting of parentheses.
        let mut spine = Vec::new();
        let mut first = body;
        while let SetExpr::SetOperation {
            left,
            op,
            set_quantifier,
            right,
        } = first
        {
            spine.push((*op, *set_quantifier, right.as_ref()));
            first = left;
        }
        let mut outputs = self.arm(first, block, place)?;
        let ctes = self.ctes.len();
        if let (Some((name, columns)), false) = (&place.recursive, spine.is_empty()) {
            self.recursion(name, columns, outputs.clone());
        }
        for (op, quantifier, arm) in spine.into_iter().rev() {
            let other = self.arm(arm, block, place)?;
            let all = matches!(quantifier, SetQuantifier::All | SetQuantifier::AllByName);
            if !all || op != SetOperator::Union {
                // Rows are compared with one another, so that LIMIT stops no scan early.
                self.shape.blocks[block].aggregates = true;
                for column in outputs
                    .iter()
                    .chain(&other)
                    .flat_map(|o| o.reads.clone())
                    .collect::<Vec<_>>()
                {
                    self.touch(&column);
                }
            }
            for (output, other) in outputs.iter_mut().zip(other) {
                output.reads.extend(other.reads);
                output.target = both(output.target.take(), other.target, op, all);
            }
        }
        if place.recursive.is_some() {
            self.ctes.truncate(ctes);
        }
        Ok(outputs)
    }

    fn arm(
        &mut self,
        arm: &'a SetExpr,
        block: usize,
        place: &Place,
    ) -> Result<Vec<Output>, Reason> {
        let role = if place.role == Role::Top {
            Role::Top
        } else {
            Role::Derived
        };
        let place = Place {
            parent: Some(block),
            role,
            recursive: None,
            ..place.clone()
        };
        match arm {
            SetExpr::Query(query) => Ok(self.query(query, &place)?.0),
            SetExpr::Select(select) => {
                let block = self.block(place.parent, role);
                self.select(select, None, block, &place, false)
            }
            SetExpr::Values(values) => {
                for value in values.rows.iter().flat_map(|row| &row.content) {
                    self.read(value, block)?;
                }
                Ok(vec![
                    Output::default();
                    values.rows.first().map_or(0, |row| row.content.len())
                ])
            }
            other => self.combined(other, block, &place),
        }
    }

    fn select(
        &mut self,
        select: &'a Select,
        order: Option<&'a OrderBy>,
        block: usize,
        place: &Place,
        limited: bool,
    ) -> Result<Vec<Output>, Reason> {
        self.frames.push(Frame {
            items: Vec::new(),
            merged: Vec::new(),
            link: place.link,
            hidden: false,
        });
        let relations = self.tables.len();
        for from in &select.from {
            self.table_with_joins(from, block)?;
        }
        if let Some(selection) = &select.selection {
            self.condition(selection, Ctx::Filter, block)?;
        }
        let direct = self.tables.len() - relations;
        let mut outputs = if place.tested && place.role != Role::Semi && place.role != Role::Anti {
            Vec::new()
        } else {
            self.outputs(&select.projection, block, place)?
        };
        let mut calls = Calls::of(&select.projection);
        if let Some(having) = &select.having {
            calls.add(having);
        }
        let keys = order_keys(order);
        for key in &keys {
            calls.add(&key.expr);
        }
        let grouped = self.group(select, &outputs, block)?;
        if let Some(having) = &select.having {
            self.having(having, block)?;
        }
        self.order(&keys, select, &outputs, block)?;
        self.shape.blocks[block].order_complete &=
            order.is_none_or(|o| matches!(o.kind, OrderByKind::Expressions(_)));
        let aggregates = grouped || !calls.aggregates.is_empty();
        self.shape.blocks[block].aggregates |= aggregates || !calls.windows.is_empty();
        if !grouped && direct == 1 && select.having.is_none() {
            self.min_max(&calls, block);
        }
        self.distinct(select, &outputs, block)?;
        let windows = windows(select, &calls);
        for window in &windows {
            for expr in window.partition.iter().chain(window.order.iter().copied()) {
                self.read(expr, block)?;
            }
        }
        self.seal(
            &mut outputs,
            select,
            aggregates,
            &windows,
            order.is_some() || limited || calls.sets,
        );
        self.frames.pop();
        Ok(outputs)
    }

    /// What of the outputs can still be reached from outside, by the rules of `subquery_is_pushdown_safe` and
    /// `is_simple_subquery`.
    fn seal(
        &self,
        outputs: &mut [Output],
        select: &'a Select,
        aggregates: bool,
        windows: &[Window<'a>],
        apart: bool,
    ) {
        let group = self.plain_keys(&select.group_by);
        let on = match &select.distinct {
            Some(Distinct::On(exprs)) => Some(self.plain_list(exprs)),
            _ => None,
        };
        let partitions: Vec<Vec<ColumnRef>> = windows
            .iter()
            .map(|w| self.plain_list(w.partition))
            .collect();
        let distinct = matches!(&select.distinct, Some(Distinct::Distinct | Distinct::On(_)));
        for target in outputs.iter_mut().filter_map(|o| o.target.as_mut()) {
            let column = target.column.clone();
            target.pushes &= (!aggregates || group.contains(&column))
                && on.as_ref().is_none_or(|on| on.contains(&column))
                && partitions.iter().all(|p| p.contains(&column));
            target.looks_up &= !aggregates && !distinct && windows.is_empty() && !apart;
        }
    }

    fn plain_keys(&self, group_by: &'a GroupByExpr) -> Vec<ColumnRef> {
        match group_by {
            GroupByExpr::Expressions(keys, modifiers) if modifiers.is_empty() => {
                self.plain_list(keys)
            }
            _ => Vec::new(),
        }
    }

    fn plain_list(&self, exprs: &'a [Expr]) -> Vec<ColumnRef> {
        let mut columns = Vec::new();
        for expr in exprs {
            // A name of an output is no column; that is no error here.
            if let Ok(Some(Named::Column {
                target,
                outer: false,
                ..
            })) = self.name(expr)
            {
                columns.push(target.column);
            }
        }
        columns
    }

    pub(crate) fn outputs(
        &mut self,
        items: &'a [SelectItem],
        block: usize,
        place: &Place,
    ) -> Result<Vec<Output>, Reason> {
        let mut outputs = Vec::with_capacity(items.len());
        for item in items {
            match item {
                SelectItem::UnnamedExpr(expr) => {
                    outputs.push(self.output(expr, output_name(expr), block, place)?);
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    outputs.push(self.output(expr, fold(alias), block, place)?);
                }
                SelectItem::ExprWithAliases { expr, .. } => self.read(expr, block)?,
                SelectItem::Wildcard(_) => {
                    let items = self.frames.last().map_or(Vec::new(), |f| f.items.clone());
                    for item in items {
                        self.star(&item.what, place, &mut outputs);
                    }
                }
                SelectItem::QualifiedWildcard(kind, _) => match kind {
                    SelectItemQualifiedWildcardKind::ObjectName(name) => {
                        let what = self.row(name)?;
                        self.star(&what, place, &mut outputs);
                    }
                    SelectItemQualifiedWildcardKind::Expr(expr) => self.read(expr, block)?,
                },
            }
        }
        Ok(outputs)
    }

    fn star(&mut self, what: &What, place: &Place, outputs: &mut Vec<Output>) {
        if place.wanted {
            self.touch_row(what);
        }
        match what {
            What::Base(relation) => outputs.extend(self.outputs_of(*relation)),
            What::Derived(inner) => outputs.extend(inner.iter().cloned()),
            What::Opaque { columns, .. } => {
                outputs.extend(columns.iter().flatten().map(|c| Output {
                    name: c.clone(),
                    ..Output::default()
                }));
            }
        }
    }

    fn output(
        &mut self,
        expr: &'a Expr,
        name: String,
        block: usize,
        place: &Place,
    ) -> Result<Output, Reason> {
        if place.wanted {
            self.read(expr, block)?;
        }
        let named = self.name(expr)?;
        if let Some(Named::Column {
            target,
            reads,
            outer: false,
        }) = named
        {
            return Ok(Output {
                name,
                target: Some(target),
                reads,
            });
        }
        if place.wanted {
            return Ok(Output {
                name,
                ..Output::default()
            });
        }
        let deferred = self.deferred.replace(Vec::new());
        let read = self.read(expr, block);
        let reads = std::mem::replace(&mut self.deferred, deferred).unwrap_or_default();
        read?;
        Ok(Output {
            name,
            target: None,
            reads,
        })
    }
}

/// A window's keys.
struct Window<'a> {
    partition: &'a [Expr],
    order: Vec<&'a Expr>,
}

fn windows<'a>(select: &'a Select, calls: &Calls<'a>) -> Vec<Window<'a>> {
    let spec = |function: &&'a Function| match &function.over {
        Some(WindowType::WindowSpec(spec)) => Window {
            partition: &spec.partition_by,
            order: spec.order_by.iter().map(|o| &o.expr).collect(),
        },
        _ => Window {
            partition: &[],
            order: Vec::new(),
        },
    };
    let named = select
        .named_window
        .iter()
        .filter_map(|window| match &window.1 {
            sqlparser::ast::NamedWindowExpr::WindowSpec(spec) => Some(Window {
                partition: &spec.partition_by,
                order: spec.order_by.iter().map(|o| &o.expr).collect(),
            }),
            sqlparser::ast::NamedWindowExpr::NamedWindow(_) => None,
        });
    calls.windows.iter().map(spec).chain(named).collect()
}

/// One output column of two arms.
fn both(one: Option<Target>, other: Option<Target>, op: SetOperator, all: bool) -> Option<Target> {
    let pushes = |t: &Target| t.pushes && op != SetOperator::Except;
    let looks_up = |t: &Target| t.looks_up && op == SetOperator::Union && all;
    match (one, other) {
        (Some(mut one), Some(other)) => {
            one.pushes = pushes(&one) && pushes(&other);
            one.looks_up = looks_up(&one) && looks_up(&other);
            one.also.push(other.column);
            one.also.extend(other.also);
            Some(one)
        }
        // An arm that yields a constant there is decided without an index.
        (Some(mut one), None) | (None, Some(mut one)) => {
            one.pushes = pushes(&one);
            one.looks_up = looks_up(&one);
            Some(one)
        }
        (None, None) => None,
    }
}

/// The name that PostgreSQL gives an output column without alias (`FigureColname`).
pub(crate) fn output_name(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(ident) => fold(ident),
        Expr::CompoundIdentifier(idents) => idents.last().map(fold).unwrap_or_default(),
        Expr::Function(function) => last_part(&function.name),
        Expr::Cast { expr, .. } | Expr::Nested(expr) | Expr::Collate { expr, .. } => {
            output_name(expr)
        }
        _ => "?column?".into(),
    }
}
