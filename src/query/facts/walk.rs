//! Walks a syntax tree once and notes what stands in it.

mod count;
mod from;
mod note;

use sqlparser::ast::{
    Delete, Distinct, Expr, FromTable, GroupByExpr, Insert as InsertAst, OrderByKind, OrderBySort,
    Query as QueryAst, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, SetOperator,
    SetQuantifier, Statement as Ast, TableObject, Update, UpdateTableFromKind, With,
};

use crate::query::analyse::limit::{limit_expr, offset_of};
use crate::query::facts::condition::conjuncts;
use crate::query::facts::side::{column, side, value};
use crate::query::facts::{
    Block, Facts, Form, Insert, Join, Key, Output, Place, Side, Union, Value,
};
use crate::query::tree::{Calls, fold, last_part, parts};
use crate::query::workload::QueryKind;

/// What stands in a statement.
pub(super) fn facts(ast: &Ast) -> Facts {
    let mut walk = Walk {
        facts: Facts::default(),
        named: Vec::new(),
    };
    walk.facts.kind = match ast {
        Ast::Query(_) => Some(QueryKind::Select),
        Ast::Insert(_) => Some(QueryKind::Insert),
        Ast::Update(_) => Some(QueryKind::Update),
        Ast::Delete(_) => Some(QueryKind::Delete),
        Ast::Merge(_) => Some(QueryKind::Merge),
        _ => None,
    };
    walk.statement(ast, None, Place::Top);
    walk.facts
}

/// The work in progress.
pub(super) struct Walk {
    facts: Facts,
    /// Queries of WITH that can be named, and whether they give one row at most.
    named: Vec<(String, bool)>,
}

impl Walk {
    /// What stands in a query by itself.
    pub(super) fn of(query: &QueryAst) -> Facts {
        let mut walk = Self {
            facts: Facts::default(),
            named: Vec::new(),
        };
        walk.query(query, None, Place::Top);
        walk.facts
    }

    fn block(&mut self, parent: Option<usize>, place: Place, form: Form) -> usize {
        self.facts.blocks.push(Block {
            parent,
            place,
            form,
            ..Block::default()
        });
        self.facts.blocks.len() - 1
    }

    /// A statement, or one in WITH; its block, if it has one.
    fn statement(&mut self, ast: &Ast, parent: Option<usize>, place: Place) -> Option<usize> {
        match ast {
            Ast::Query(query) => Some(self.query(query, parent, place)),
            Ast::Insert(insert) => {
                self.insert(insert, parent);
                None
            }
            Ast::Update(update) => Some(self.update(update, parent, place)),
            Ast::Delete(delete) => Some(self.delete(delete, parent, place)),
            _ => None,
        }
    }

    fn insert(&mut self, insert: &InsertAst, parent: Option<usize>) {
        if let TableObject::TableName(name) = &insert.table {
            self.facts.inserts.push(Insert {
                table: parts(name),
                named: !insert.columns.is_empty(),
                ordered: insert.source.is_some(),
            });
        }
        if let Some(source) = &insert.source {
            self.query(source, parent, Place::Source);
        }
    }

    fn update(&mut self, update: &Update, parent: Option<usize>, place: Place) -> usize {
        let block = self.block(parent, place, Form::Update);
        self.factor(&update.table.relation, block, Join::Target);
        if let Some(
            UpdateTableFromKind::BeforeSet(tables) | UpdateTableFromKind::AfterSet(tables),
        ) = &update.from
        {
            self.tables(tables, block);
        }
        for assignment in &update.assignments {
            self.read(&assignment.value, block, Place::Scalar);
        }
        self.filter(update.selection.as_ref(), block);
        block
    }

    fn delete(&mut self, delete: &Delete, parent: Option<usize>, place: Place) -> usize {
        let block = self.block(parent, place, Form::Delete);
        let (FromTable::WithFromKeyword(tables) | FromTable::WithoutKeyword(tables)) = &delete.from;
        for table in tables {
            self.factor(&table.relation, block, Join::Target);
        }
        self.tables(delete.using.as_deref().unwrap_or_default(), block);
        self.filter(delete.selection.as_ref(), block);
        block
    }

    /// WHERE.
    fn filter(&mut self, selection: Option<&Expr>, block: usize) {
        if let Some(selection) = selection {
            self.facts.blocks[block].filtered = true;
            conjuncts(selection, block, false, &mut self.facts.conditions);
            self.read(selection, block, Place::Scalar);
        }
    }

    fn with(&mut self, with: &With, parent: Option<usize>) {
        for cte in &with.cte_tables {
            let name = fold(&cte.alias.name);
            if with.recursive {
                self.named.push((name.clone(), false));
            }
            let block = self.query(&cte.query, parent, Place::With);
            let one_row = self.may_be_one_row(block);
            self.named.push((name, one_row));
        }
    }

    /// Whether a query gives one row at most, for all that the text says.
    fn may_be_one_row(&self, block: usize) -> bool {
        let block = &self.facts.blocks[block];
        let known = matches!(block.limit, None | Some(Value::Literal(_)));
        block.is_one_row() || !known
    }

    fn query(&mut self, query: &QueryAst, parent: Option<usize>, place: Place) -> usize {
        let named = self.named.len();
        if let Some(with) = &query.with {
            self.with(with, parent);
        }
        let block = self.body(&query.body, parent, place);
        if let Some(order) = &query.order_by
            && let OrderByKind::Expressions(keys) = &order.kind
        {
            for key in keys {
                self.facts.blocks[block].order.push(Key {
                    by: match &key.options.sort {
                        // An operator of its own says more than a direction.
                        Some(OrderBySort::Using(_)) => Side::Other,
                        _ => side(&key.expr),
                    },
                    descending: key.options.sort == Some(OrderBySort::Desc),
                    nulls_first: key.options.nulls_first,
                });
                self.read(&key.expr, block, Place::Scalar);
            }
        }
        let limit = match &query.fetch {
            Some(fetch) => match &fetch.quantity {
                Some(rows) => amount(rows),
                None => Some(Value::Literal("1".into())),
            },
            None => limit_expr(query).and_then(amount),
        };
        let offset = offset_of(query).and_then(amount);
        let of = &mut self.facts.blocks[block];
        of.limit = limit.or_else(|| of.limit.take());
        of.offset = offset.or_else(|| of.offset.take());
        self.named.truncate(named);
        block
    }

    fn body(&mut self, body: &SetExpr, parent: Option<usize>, place: Place) -> usize {
        match body {
            SetExpr::Select(select) => self.select(select, parent, place),
            SetExpr::Query(query) => self.query(query, parent, place),
            SetExpr::SetOperation { .. } => self.set(body, parent, place),
            SetExpr::Values(values) => self.block(parent, place, Form::Values(values.rows.len())),
            SetExpr::Insert(ast)
            | SetExpr::Update(ast)
            | SetExpr::Delete(ast)
            | SetExpr::Merge(ast) => {
                let block = self.statement(ast, parent, place);
                block.unwrap_or_else(|| self.block(parent, place, Form::Values(0)))
            }
            SetExpr::Table(_) => self.block(parent, place, Form::Values(0)),
        }
    }

    /// UNION, INTERSECT, EXCEPT.
    fn set(&mut self, body: &SetExpr, parent: Option<usize>, place: Place) -> usize {
        let block = self.block(parent, place, Form::Set);
        let (mut open, mut arms) = (vec![body], Vec::new());
        let (mut unions, mut others) = (false, false);
        while let Some(part) = open.pop() {
            let SetExpr::SetOperation {
                left,
                op,
                set_quantifier,
                right,
            } = part
            else {
                arms.push(self.body(part, Some(block), Place::Arm));
                continue;
            };
            let removes = matches!(
                set_quantifier,
                SetQuantifier::None | SetQuantifier::Distinct
            );
            match (op, removes) {
                (SetOperator::Union, true) => unions = true,
                _ => others = true,
            }
            open.extend([right.as_ref(), left.as_ref()]);
        }
        if unions {
            self.facts.unions.push(Union {
                block,
                arms,
                alone: !others,
            });
        }
        block
    }

    fn select(&mut self, select: &Select, parent: Option<usize>, place: Place) -> usize {
        let block = self.block(parent, place, Form::Select);
        self.tables(&select.from, block);
        let calls = Calls::of(&select.projection);
        let (grouped, group) = group(select);
        let of = &mut self.facts.blocks[block];
        of.distinct = matches!(select.distinct, Some(Distinct::Distinct));
        of.distinct_on = matches!(select.distinct, Some(Distinct::On(_)));
        of.aggregates = !calls.aggregates.is_empty();
        of.windows = !calls.windows.is_empty();
        of.having = select.having.is_some();
        of.outputs = select.projection.iter().map(output).collect();
        (of.grouped, of.group) = (grouped, group);
        for item in &select.projection {
            if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
                self.read(expr, block, Place::Output);
            }
        }
        self.count_of_all(select);
        self.filter(select.selection.as_ref(), block);
        if let GroupByExpr::Expressions(keys, _) = &select.group_by {
            for key in keys {
                self.read(key, block, Place::Scalar);
            }
        }
        if let Some(having) = &select.having {
            self.read(having, block, Place::Scalar);
        }
        block
    }
}

/// The amount of LIMIT or OFFSET; `LIMIT ALL` and `LIMIT NULL` are none.
fn amount(expr: &Expr) -> Option<Value> {
    if matches!(expr, Expr::Identifier(_)) {
        return None;
    }
    Some(value(expr).unwrap_or(Value::Computed)).filter(|value| *value != Value::Null)
}

fn output(item: &SelectItem) -> Output {
    let (expr, alias) = match item {
        SelectItem::Wildcard(_) => return Output::All,
        SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
            return Output::AllOf(last_part(name));
        }
        SelectItem::UnnamedExpr(expr) => (expr, None),
        SelectItem::ExprWithAlias { expr, alias } => (expr, Some(fold(alias))),
        other => return Output::Other(other.to_string()),
    };
    match (column(expr), value(expr)) {
        (Some(column), _) => {
            let alias = alias.filter(|alias| *alias != column.name);
            Output::Column(column, alias)
        }
        (None, Some(value)) => Output::Value(value),
        (None, None) => Output::Other(expr.to_string()),
    }
}

/// Whether there is a GROUP BY, and its keys as text if they are expressions.
fn group(select: &Select) -> (bool, Option<Vec<String>>) {
    let GroupByExpr::Expressions(keys, modifiers) = &select.group_by else {
        return (true, None);
    };
    let key = |key: &Expr| match key {
        Expr::GroupingSets(_) | Expr::Cube(_) | Expr::Rollup(_) | Expr::Tuple(_) => None,
        Expr::Value(number) => {
            let number: usize = number.value.to_string().parse().ok()?;
            match select.projection.get(number.checked_sub(1)?)? {
                SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                    Some(expr.to_string())
                }
                _ => None,
            }
        }
        other => Some(other.to_string()),
    };
    let texts = (modifiers.is_empty()).then(|| keys.iter().map(key).collect());
    (!keys.is_empty(), texts.flatten())
}
