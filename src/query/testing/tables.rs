//! `CREATE TABLE` with its keys.

use sqlparser::ast::{ColumnOption, CreateTable, Expr, Ident, ObjectName, TableConstraint};

use crate::model::catalog::{Constraint, ConstraintKind, Table, TableKind};
use crate::model::ident::QualifiedName;
use crate::model::index::{IndexDefinition, IndexKey};
use crate::model::snapshot::Snapshot;
use crate::model::stats::ColumnStats;
use crate::query::testing::figures::{fixed_width, table_figures, width_of};
use crate::query::testing::indexes::index;
use crate::query::testing::types::column;
use crate::query::testing::{Comment, fold, next_oid, qualified};

pub(super) fn blank_table(oid: u32, name: QualifiedName, kind: TableKind) -> Table {
    Table {
        oid,
        schema: name.schema,
        name: name.name,
        kind,
        persistence: "p".into(),
        reltuples: -1.0,
        relpages: 0.0,
        relallvisible: 0.0,
        fillfactor: 100.0,
        parent_oid: None,
        partition_key: None,
        partition_columns: vec![],
        extension: None,
        view_definition: None,
        row_security: false,
        xid_age: None,
        mxid_age: None,
        toast_pages: 0.0,
        replica_identity: String::new(),
        columns: vec![],
        stats: None,
    }
}

pub(super) fn create_table(snapshot: &mut Snapshot, ddl: &CreateTable, comments: &[Comment]) {
    let mut table = blank_table(next_oid(snapshot), qualified(&ddl.name), TableKind::Table);
    let oid = table.oid;
    for (attnum, def) in (1..).zip(&ddl.columns) {
        let mut column = column(attnum, &def.data_type, fold(&def.name));
        for option in &def.options {
            match &option.option {
                ColumnOption::NotNull | ColumnOption::PrimaryKey(_) => column.not_null = true,
                ColumnOption::Collation(name) => {
                    let name = name.0.last().and_then(|p| p.as_ident()).map(fold);
                    column.collation_is_c = name.as_deref().is_some_and(|n| n == "C" || n == "c");
                    column.collation = name;
                }
                _ => {}
            }
        }
        table.columns.push(column);
    }
    if let Some(parent) = &ddl.partition_of {
        let parent = snapshot
            .table_named(&qualified(parent))
            .unwrap_or_else(|| panic!("fixture: no table {parent}"));
        table.parent_oid = Some(parent.oid);
        table.columns.clone_from(&parent.columns);
        for column in &mut table.columns {
            column.stats = None;
        }
    }
    if let Some(key) = &ddl.partition_by {
        table.kind = TableKind::Partitioned;
        let text = key.to_string();
        let inner = text.split_once('(').map_or("", |(_, rest)| rest);
        table.partition_columns = (inner.trim_end_matches(')').split(','))
            .map(|c| c.trim().trim_matches('"').to_owned())
            .filter(|c| table.column(c).is_some())
            .collect();
        table.partition_key = Some(text);
    }
    for comment in comments {
        table_figures(&mut table, comment);
    }
    let rows = table.reltuples;
    if rows >= 0.0 && table.relpages == 0.0 {
        let width: f64 = table.columns.iter().map(width_of).sum();
        table.relpages = (rows * (width + 28.0) / 8168.0).ceil().max(1.0);
    }
    table.relallvisible = (table.relallvisible * table.relpages).round();
    snapshot.tables.push(table);
    for def in &ddl.columns {
        let name = fold(&def.name);
        for option in &def.options {
            match &option.option {
                ColumnOption::PrimaryKey(_) => key(snapshot, oid, vec![name.clone()], true),
                ColumnOption::Unique(_) => key(snapshot, oid, vec![name.clone()], false),
                ColumnOption::ForeignKey(fk) => {
                    foreign_key(
                        snapshot,
                        oid,
                        vec![name.clone()],
                        &fk.foreign_table,
                        &fk.referred_columns,
                    );
                }
                _ => {}
            }
        }
    }
    for constraint in &ddl.constraints {
        let names = |columns: &[sqlparser::ast::IndexColumn]| -> Vec<String> {
            columns.iter().map(|c| name_of(&c.column.expr)).collect()
        };
        match constraint {
            TableConstraint::PrimaryKey(k) => key(snapshot, oid, names(&k.columns), true),
            TableConstraint::Unique(k) => key(snapshot, oid, names(&k.columns), false),
            TableConstraint::ForeignKey(fk) => {
                let columns = fk.columns.iter().map(fold).collect();
                foreign_key(
                    snapshot,
                    oid,
                    columns,
                    &fk.foreign_table,
                    &fk.referred_columns,
                );
            }
            _ => {}
        }
    }
}

pub(super) fn name_of(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(ident) => fold(ident),
        other => panic!("fixture: {other} is no column"),
    }
}

/// A primary key or unique constraint and the index behind it.
pub(super) fn key(snapshot: &mut Snapshot, table_oid: u32, columns: Vec<String>, primary: bool) {
    let oid = next_oid(snapshot);
    let table = (snapshot.tables.iter_mut())
        .find(|t| t.oid == table_oid)
        .expect("the table was just added");
    let name = if primary {
        format!("{}_pkey", table.name)
    } else {
        format!("{}_{}_key", table.name, columns.join("_"))
    };
    for column in &mut table.columns {
        if !columns.contains(&column.name) {
            continue;
        }
        column.not_null |= primary;
        if columns.len() == 1 && table.reltuples > 0.0 && column.stats.is_none() {
            column.stats = Some(ColumnStats {
                n_distinct: -1.0,
                avg_width: fixed_width(column.typlen),
                ..ColumnStats::default()
            });
        }
    }
    let definition = IndexDefinition {
        table_oid,
        table: table.qualified(),
        method: "btree".into(),
        keys: columns.iter().map(IndexKey::column).collect(),
        include: vec![],
        predicate: None,
        unique: true,
    };
    let rows = table.reltuples;
    let schema = table.schema.clone();
    let mut index = index(oid, schema, name.clone(), definition, rows);
    index.primary = primary;
    index.constraint = Some(name.clone());
    snapshot.indexes.push(index);
    snapshot.constraints.push(Constraint {
        name,
        table_oid,
        kind: if primary {
            ConstraintKind::PrimaryKey
        } else {
            ConstraintKind::Unique
        },
        columns,
        foreign_table_oid: None,
        foreign_columns: vec![],
        index_oid: Some(oid),
        on_delete: None,
        validated: true,
        enforced: true,
        deferrable: false,
        definition: None,
    });
}

pub(super) fn foreign_key(
    snapshot: &mut Snapshot,
    table_oid: u32,
    columns: Vec<String>,
    target: &ObjectName,
    referred: &[Ident],
) {
    let target = (snapshot.table_named(&qualified(target)))
        .unwrap_or_else(|| panic!("fixture: no table {target}"))
        .oid;
    let foreign_columns = if referred.is_empty() {
        // The list is not sorted yet, so `indexes_of` does not serve.
        let primary =
            (snapshot.indexes.iter()).find(|i| i.definition.table_oid == target && i.primary);
        primary.map_or_else(Vec::new, |i| {
            i.definition.key_columns().map(Into::into).collect()
        })
    } else {
        referred.iter().map(fold).collect()
    };
    let table = snapshot.table(table_oid).map_or("", |t| t.name.as_str());
    snapshot.constraints.push(Constraint {
        name: format!("{table}_{}_fkey", columns.join("_")),
        table_oid,
        kind: ConstraintKind::ForeignKey,
        columns,
        foreign_table_oid: Some(target),
        foreign_columns,
        index_oid: None,
        on_delete: Some("a".into()),
        validated: true,
        enforced: true,
        deferrable: false,
        definition: None,
    });
}
