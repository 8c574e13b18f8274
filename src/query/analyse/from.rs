//! FROM: tables, views, CTEs, subqueries and functions, and the joins between them.

use std::collections::BTreeSet;
use std::rc::Rc;

use sqlparser::ast::{
    JoinConstraint, JoinOperator, ObjectName, Query as QueryAst, TableAlias, TableFactor,
    TableWithJoins,
};

use crate::model::ident::quote_ident;
use crate::query::analyse::scope::{Item, Named, Output, Target, What};
use crate::query::analyse::select::Place;
use crate::query::analyse::{Analysis, OuterJoin};
use crate::query::catalog::Found;
use crate::query::shape::{JoinKind, Role};
use crate::query::tree::{Child, argument, fold, last_part, parts};
use crate::query::workload::Reason;

/// Where a condition stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ctx {
    /// WHERE, HAVING, or ON of an inner join: it filters what it names.
    Filter,
    /// ON of that outer join: it filters only the optional side.
    On(usize),
}

impl<'a> Analysis<'a, '_> {
    /// Reads an item of FROM with its joins into the innermost frame.
    pub(crate) fn table_with_joins(
        &mut self,
        from: &'a TableWithJoins,
        block: usize,
    ) -> Result<(), Reason> {
        let relations = self.tables.len();
        let items = self.items().len();
        self.factor(&from.relation, block)?;
        for join in &from.joins {
            let right_relations = self.tables.len();
            let right_items = self.items().len();
            self.factor(&join.relation, block)?;
            let end = self.tables.len();
            let (constraint, optional, full) = match &join.join_operator {
                JoinOperator::Join(c)
                | JoinOperator::Inner(c)
                | JoinOperator::CrossJoin(c)
                | JoinOperator::StraightJoin(c) => (Some(c), None, false),
                JoinOperator::Left(c) | JoinOperator::LeftOuter(c) => {
                    (Some(c), Some(right_relations..end), false)
                }
                JoinOperator::Right(c) | JoinOperator::RightOuter(c) => {
                    (Some(c), Some(relations..right_relations), false)
                }
                JoinOperator::FullOuter(c) => (Some(c), Some(relations..end), true),
                other => {
                    return Err(Reason::Unparsed(format!(
                        "join {other:?} is not PostgreSQL's"
                    )));
                }
            };
            let ctx = match optional {
                None => Ctx::Filter,
                Some(optional) => {
                    let id = self.outer_joins.len();
                    for relation in optional.clone() {
                        self.nullable[relation].push(id);
                    }
                    self.outer_joins.push(OuterJoin {
                        optional,
                        full,
                        inner: false,
                        anti: false,
                    });
                    Ctx::On(id)
                }
            };
            match constraint {
                Some(JoinConstraint::On(on)) => self.condition(on, ctx, block)?,
                Some(JoinConstraint::Using(columns)) => {
                    for column in columns {
                        self.merge(&last_part(column), items, right_items, ctx);
                    }
                }
                Some(JoinConstraint::Natural) => {
                    let right = self.names_from(right_items, usize::MAX);
                    for column in self.names_from(items, right_items).intersection(&right) {
                        self.merge(column, items, right_items, ctx);
                    }
                }
                Some(JoinConstraint::None) | None => {}
            }
        }
        Ok(())
    }

    fn items(&self) -> &[Item] {
        self.frames.last().map_or(&[], |f| &f.items)
    }

    /// Column names of some items of the innermost frame.
    fn names_from(&self, from: usize, to: usize) -> BTreeSet<String> {
        let items = self.items();
        (items[from.min(items.len())..to.min(items.len())].iter())
            .flat_map(|item| match &item.what {
                What::Base(r) => self.tables[*r]
                    .table
                    .columns
                    .iter()
                    .map(|c| c.name.clone())
                    .collect(),
                What::Derived(outputs) => outputs.iter().map(|o| o.name.clone()).collect(),
                What::Opaque { columns, .. } => columns.clone().unwrap_or_default(),
            })
            .collect()
    }

    /// One column of USING: joins the items from `left` on with those from `right` on.
    fn merge(&mut self, column: &str, left: usize, right: usize, ctx: Ctx) {
        let find = |from: usize, to: usize| {
            self.items()[from..to]
                .iter()
                .find_map(|item| self.in_item(item, column, false))
        };
        let sides = (find(left, right), find(right, self.items().len()));
        for named in [&sides.0, &sides.1].into_iter().flatten() {
            self.touch_named(named);
        }
        if let (Some(Named::Column { target: l, .. }), Some(Named::Column { target: r, .. })) =
            &sides
        {
            self.link(l, r, true, ctx);
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.merged.push(column.to_owned());
        }
    }

    /// Adds one item to the innermost frame.
    pub(crate) fn factor(&mut self, factor: &'a TableFactor, block: usize) -> Result<(), Reason> {
        match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                ..
            } => self.table(name, alias.as_ref(), block),
            TableFactor::Table {
                name,
                alias,
                args: Some(args),
                with_ordinality,
                ..
            } => {
                let args = args.args.iter().filter_map(argument).collect();
                self.function(
                    &last_part(name),
                    args,
                    alias.as_ref(),
                    *with_ordinality,
                    block,
                )
            }
            TableFactor::Function {
                name,
                args,
                alias,
                with_ordinality,
                ..
            } => {
                let args = args.iter().filter_map(argument).collect();
                self.function(
                    &last_part(name),
                    args,
                    alias.as_ref(),
                    *with_ordinality,
                    block,
                )
            }
            TableFactor::UNNEST {
                alias,
                array_exprs,
                with_ordinality,
                ..
            } => {
                let args = array_exprs.iter().map(Child::Expr).collect();
                self.function("unnest", args, alias.as_ref(), *with_ordinality, block)
            }
            TableFactor::TableFunction { expr, alias } => {
                self.function("", vec![Child::Expr(expr)], alias.as_ref(), false, block)
            }
            TableFactor::JsonTable {
                json_expr, alias, ..
            } => self.function(
                "json_table",
                vec![Child::Expr(json_expr)],
                alias.as_ref(),
                true,
                block,
            ),
            TableFactor::XmlTable {
                row_expression,
                passing,
                alias,
                ..
            } => {
                let args = passing.arguments.iter().map(|a| Child::Expr(&a.expr));
                let args = std::iter::once(Child::Expr(row_expression))
                    .chain(args)
                    .collect();
                self.function("xmltable", args, alias.as_ref(), true, block)
            }
            TableFactor::Derived {
                lateral,
                subquery,
                alias,
                ..
            } => {
                let (role, link) = if *lateral {
                    (Role::Lateral, lateral_link(subquery))
                } else {
                    (Role::Derived, JoinKind::Correlated)
                };
                self.hide(!lateral);
                let place = Place::derived(block, role, link);
                let read = self.query(subquery, &place);
                self.hide(false);
                let outputs = read?.0;
                let name = alias.as_ref().map(|a| fold(&a.name)).unwrap_or_default();
                self.derived(name, outputs, alias.as_ref());
                Ok(())
            }
            TableFactor::NestedJoin {
                table_with_joins, ..
            } => self.table_with_joins(table_with_joins, block),
            _ => Err(Reason::Unparsed(
                "an item of FROM that is not PostgreSQL's".into(),
            )),
        }
    }

    fn hide(&mut self, hidden: bool) {
        if let Some(frame) = self.frames.last_mut() {
            frame.hidden = hidden;
        }
    }

    fn push_item(&mut self, item: Item) {
        if let Some(frame) = self.frames.last_mut() {
            frame.items.push(item);
        }
    }

    fn derived(&mut self, name: String, mut outputs: Vec<Output>, alias: Option<&TableAlias>) {
        for (output, column) in outputs
            .iter_mut()
            .zip(alias.into_iter().flat_map(|a| &a.columns))
        {
            output.name = fold(&column.name);
        }
        self.push_item(Item {
            name,
            schema: None,
            what: What::Derived(Rc::new(outputs)),
        });
    }

    fn function(
        &mut self,
        name: &str,
        args: Vec<Child<'a>>,
        alias: Option<&TableAlias>,
        extra_columns: bool,
        block: usize,
    ) -> Result<(), Reason> {
        let deferred = self.deferred.replace(Vec::new());
        for arg in args {
            match arg {
                Child::Expr(expr) => self.read(expr, block)?,
                Child::Scalar(query) | Child::Test(query) => {
                    self.subquery(query, Role::Scalar, JoinKind::Correlated, block)?;
                }
                Child::Row(row) => self.read_row(row)?,
            }
        }
        let depends = std::mem::replace(&mut self.deferred, deferred).unwrap_or_default();
        for column in &depends {
            self.touch(column);
        }
        let named = alias.map(|a| fold(&a.name));
        let mut columns: Vec<String> = (alias.into_iter())
            .flat_map(|a| &a.columns)
            .map(|c| fold(&c.name))
            .collect();
        // A function that yields one column names it after its alias; which functions do is not known here.
        let certain = !columns.is_empty() && !extra_columns;
        self.shape.blocks[block].inexact = true;
        columns.extend(named.clone());
        self.push_item(Item {
            name: named.unwrap_or_else(|| name.to_owned()),
            schema: None,
            what: What::Opaque {
                columns: certain.then_some(columns),
                depends,
            },
        });
        Ok(())
    }

    /// A name in FROM: CTE, table, view, or one of the system's.
    fn table(
        &mut self,
        name: &'a ObjectName,
        alias: Option<&'a TableAlias>,
        block: usize,
    ) -> Result<(), Reason> {
        let parts = parts(name);
        let (schema, table) = match parts.as_slice() {
            [table] => (None, table.as_str()),
            [.., schema, table] => (Some(schema.as_str()), table.as_str()),
            [] => return Err(Reason::Unparsed("an empty name in FROM".into())),
        };
        let item = alias.map_or_else(|| table.to_owned(), |a| fold(&a.name));
        if schema.is_none()
            && let Some(position) = self.ctes.iter().rposition(|c| c.name == table)
        {
            let outputs = self.cte(position, block)?;
            self.derived(item, outputs, alias);
            return Ok(());
        }
        match self.catalog.find(schema, table, self.path) {
            Found::Missing => Err(Reason::UnknownTable(match schema {
                Some(schema) => format!("{}.{}", quote_ident(schema), quote_ident(table)),
                None => quote_ident(table).into_owned(),
            })),
            Found::System => {
                self.shape.blocks[block].inexact = true;
                self.push_item(Item {
                    name: item,
                    schema: schema.map(Into::into),
                    what: What::Opaque {
                        columns: None,
                        depends: Vec::new(),
                    },
                });
                Ok(())
            }
            Found::Table(found) if found.is_view() => {
                let outputs = self.view(found, block)?;
                self.derived(item, outputs, alias);
                Ok(())
            }
            Found::Table(found) => {
                let relation = self.relation(found, &item, block);
                let renamed = alias.is_some_and(|a| !a.columns.is_empty());
                if renamed {
                    let outputs = self.outputs_of(relation);
                    self.derived(item, outputs, alias);
                } else {
                    self.push_item(Item {
                        name: item,
                        schema: alias.is_none().then(|| found.table.schema.clone()),
                        what: What::Base(relation),
                    });
                }
                Ok(())
            }
        }
    }

    /// The columns of a relation as output columns.
    pub(crate) fn outputs_of(&self, relation: usize) -> Vec<Output> {
        (self.columns_of(relation).into_iter())
            .map(|column| Output {
                name: column.column.clone(),
                reads: vec![column.clone()],
                target: Some(Target::plain(column)),
            })
            .collect()
    }

    /// `t.*` in a list of output columns or as an argument.
    pub(crate) fn read_row(&mut self, name: &ObjectName) -> Result<(), Reason> {
        let what = self.row(name)?;
        self.touch_row(&what);
        Ok(())
    }

    /// The item that `t.*` names.
    pub(crate) fn row(&self, name: &ObjectName) -> Result<What, Reason> {
        let item = last_part(name);
        let found = (self.frames.iter().rev())
            .filter(|f| !f.hidden)
            .find_map(|f| f.items.iter().find(|i| i.name == item));
        match found {
            Some(item) => Ok(item.what.clone()),
            None => Err(Reason::Unparsed(format!(
                "table or alias {} not found in FROM",
                quote_ident(&item)
            ))),
        }
    }
}

/// A LATERAL subquery without aggregation and LIMIT is pulled up and joined like a table.
fn lateral_link(query: &QueryAst) -> JoinKind {
    if crate::query::analyse::select::is_simple(query) {
        JoinKind::Inner
    } else {
        JoinKind::Correlated
    }
}
