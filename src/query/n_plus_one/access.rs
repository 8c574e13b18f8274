//! What a statement that may be one of many does: to one table, by which columns.

use sqlparser::ast::{
    AssignmentTarget, BinaryOperator, Delete, Expr, FromTable, GroupByExpr, Insert, Query, Select,
    SelectItem, SetExpr, Statement as Ast, TableFactor, TableObject, TableWithJoins, Update,
};

use crate::query::parse::Prepared;
use crate::query::tree::{Calls, Child, fold, parts, walk};

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Read,
    Insert,
    Update,
    Delete,
}

/// A statement about one table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Access {
    pub(super) what: What,
    pub(super) schema: Option<String>,
    pub(super) table: String,
    /// Columns that are compared with a value by `=`, all of which have to hold.
    pub(super) equals: Vec<String>,
    /// Whether the only conditions are these.
    pub(super) only_equals: bool,
    /// Whether it wants the first rows only.
    pub(super) limited: bool,
    /// Whether it gives one row of what is counted or summed up.
    pub(super) aggregate: bool,
    /// The columns that are read by name alone; `None` = all of them are.
    pub(super) outputs: Option<Vec<String>>,
    /// Columns that are written, each with whether it gets a plain value.
    pub(super) written: Vec<(String, bool)>,
}

/// Reads a text; `None` if the statement is of another kind, or cannot be read.
pub(super) fn access(text: &str) -> Option<Access> {
    let prepared = Prepared::new(text).ok()?;
    match prepared.is_query().then(|| prepared.parse().ok())??.ast {
        Ast::Query(query) => read(&query),
        Ast::Insert(insert) => inserted(&insert),
        Ast::Update(update) => updated(&update),
        Ast::Delete(delete) => deleted(&delete),
        _ => None,
    }
}

fn new(what: What, mut name: Vec<String>) -> Option<Access> {
    let table = name.pop()?;
    Some(Access {
        what,
        schema: name.pop(),
        table,
        equals: Vec::new(),
        only_equals: true,
        limited: false,
        aggregate: false,
        outputs: Some(Vec::new()),
        written: Vec::new(),
    })
}

/// `SELECT … FROM table WHERE column = value [AND …]`.
fn read(query: &Query) -> Option<Access> {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return None;
    };
    let [from] = select.from.as_slice() else {
        return None;
    };
    let plain = query.with.is_none()
        && select.distinct.is_none()
        && select.having.is_none()
        && matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty());
    if !plain {
        return None;
    }
    let mut access = new(What::Read, table(from)?)?;
    conditions(select.selection.as_ref()?, &mut access)?;
    access.limited = query.limit_clause.is_some() || query.fetch.is_some();
    let calls = Calls::of(&select.projection);
    access.aggregate = !calls.aggregates.is_empty();
    access.outputs = outputs(select);
    (!access.equals.is_empty() && calls.windows.is_empty()).then_some(access)
}

fn outputs(select: &Select) -> Option<Vec<String>> {
    let mut names = Vec::new();
    for item in &select.projection {
        match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                names.extend(column(expr));
            }
            _ => return None,
        }
    }
    Some(names)
}

/// The name of the only table.
fn table(from: &TableWithJoins) -> Option<Vec<String>> {
    match &from.relation {
        TableFactor::Table {
            name, args: None, ..
        } if from.joins.is_empty() => Some(parts(name)),
        _ => None,
    }
}

/// The name of a column, without that of its table.
fn column(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(name) => Some(fold(name)),
        Expr::CompoundIdentifier(names) => names.last().map(fold),
        Expr::Nested(inner) => column(inner),
        _ => None,
    }
}

/// Whether it is a constant or a parameter, cast or not.
fn is_value(expr: &Expr) -> bool {
    match expr {
        Expr::Value(_) | Expr::TypedString(_) => true,
        Expr::Cast { expr, .. } | Expr::Nested(expr) | Expr::UnaryOp { expr, .. } => is_value(expr),
        _ => false,
    }
}

/// Adds the conditions; `None` if one asks another query.
fn conditions(expr: &Expr, access: &mut Access) -> Option<()> {
    match expr {
        Expr::Nested(inner) => conditions(inner, access),
        Expr::BinaryOp {
            left,
            op: BinaryOperator::And,
            right,
        } => {
            conditions(left, access)?;
            conditions(right, access)
        }
        Expr::BinaryOp {
            left,
            op: BinaryOperator::Eq,
            right,
        } => {
            match (column(left), column(right)) {
                (Some(name), None) if is_value(right) => access.equals.push(name),
                (None, Some(name)) if is_value(left) => access.equals.push(name),
                // `1 = 1`, which Prisma adds.
                (None, None) if is_value(left) && is_value(right) => {}
                _ => return other(expr, access),
            }
            Some(())
        }
        _ => other(expr, access),
    }
}

fn other(expr: &Expr, access: &mut Access) -> Option<()> {
    access.only_equals = false;
    let mut asks = false;
    walk(expr, |child| {
        asks |= matches!(child, Child::Scalar(_) | Child::Test(_));
        true
    });
    (!asks).then_some(())
}

/// `INSERT INTO table (…) VALUES (…)` of one row.
fn inserted(insert: &Insert) -> Option<Access> {
    let TableObject::TableName(name) = &insert.table else {
        return None;
    };
    let SetExpr::Values(values) = insert.source.as_ref()?.body.as_ref() else {
        return None;
    };
    let [row] = values.rows.as_slice() else {
        return None;
    };
    let mut access = new(What::Insert, parts(name))?;
    let names = insert.columns.iter().filter_map(|c| parts(c).pop());
    access.written = names.zip(row.content.iter().map(is_value)).collect();
    (access.written.len() == row.content.len()).then_some(access)
}

/// `UPDATE table SET … WHERE column = value`.
fn updated(update: &Update) -> Option<Access> {
    if update.from.is_some() {
        return None;
    }
    let mut access = new(What::Update, table(&update.table)?)?;
    conditions(update.selection.as_ref()?, &mut access)?;
    for assignment in &update.assignments {
        let AssignmentTarget::ColumnName(name) = &assignment.target else {
            return None;
        };
        let written = (parts(name).pop()?, is_value(&assignment.value));
        access.written.push(written);
    }
    (!access.equals.is_empty()).then_some(access)
}

/// `DELETE FROM table WHERE column = value`.
fn deleted(delete: &Delete) -> Option<Access> {
    let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
    let [from] = from.as_slice() else { return None };
    if delete.using.is_some() {
        return None;
    }
    let mut access = new(What::Delete, table(from)?)?;
    conditions(delete.selection.as_ref()?, &mut access)?;
    (!access.equals.is_empty()).then_some(access)
}
