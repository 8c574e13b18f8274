//! `CREATE VIEW`.

use sqlparser::ast::{CreateView, DataType, Expr, SelectItem, SetExpr};

use crate::model::catalog::{Table, TableKind};
use crate::model::snapshot::Snapshot;
use crate::query::testing::figures::table_figures;
use crate::query::testing::tables::blank_table;
use crate::query::testing::types::column;
use crate::query::testing::{Comment, fold, next_oid, qualified};

pub(super) fn create_view(snapshot: &mut Snapshot, ddl: &CreateView, comments: &[Comment]) {
    let kind = if ddl.materialized {
        TableKind::MaterializedView
    } else {
        TableKind::View
    };
    let mut table = blank_table(next_oid(snapshot), qualified(&ddl.name), kind);
    table.view_definition = Some(ddl.query.to_string());
    let mut columns = Vec::new();
    if let SetExpr::Select(select) = ddl.query.body.as_ref() {
        let from: Vec<&Table> = (select.from.iter())
            .flat_map(|f| std::iter::once(&f.relation).chain(f.joins.iter().map(|j| &j.relation)))
            .filter_map(|factor| match factor {
                sqlparser::ast::TableFactor::Table { name, .. } => {
                    snapshot.table_named(&qualified(name))
                }
                _ => None,
            })
            .collect();
        let typed = |name: &str| from.iter().find_map(|t| t.column(name)).cloned();
        for item in &select.projection {
            let (source, name) = match item {
                SelectItem::UnnamedExpr(expr) => match expr {
                    Expr::Identifier(i) => (fold(i), fold(i)),
                    Expr::CompoundIdentifier(parts) => {
                        let name = parts.last().map(fold).unwrap_or_default();
                        (name.clone(), name)
                    }
                    Expr::Function(f) => (String::new(), f.name.to_string().to_lowercase()),
                    _ => (String::new(), "?column?".into()),
                },
                SelectItem::ExprWithAlias { expr, alias } => {
                    let source = match expr {
                        Expr::Identifier(i) => fold(i),
                        Expr::CompoundIdentifier(parts) => {
                            parts.last().map(fold).unwrap_or_default()
                        }
                        _ => String::new(),
                    };
                    (source, fold(alias))
                }
                _ => {
                    columns.extend(from.iter().flat_map(|t| t.columns.iter().cloned()));
                    continue;
                }
            };
            let mut column =
                typed(&source).unwrap_or_else(|| column(1, &DataType::Text, name.clone()));
            column.name = name;
            columns.push(column);
        }
    }
    for (attnum, column) in (1..).zip(&mut columns) {
        column.attnum = attnum;
        column.not_null = false;
        column.stats = None;
    }
    for (column, named) in columns.iter_mut().zip(&ddl.columns) {
        column.name = fold(&named.name);
    }
    table.columns = columns;
    for comment in comments {
        table_figures(&mut table, comment);
    }
    snapshot.tables.push(table);
}
