//! Catalog fixtures for tests: DDL with statistics as trailing comments → `Snapshot`.
//!
//! A comment on a column's line sets its statistics, `-- name: key=value …` on any line of the statement sets those of the
//! column named, and one with `rows=` or `pages=` sets the figures of the table (of the index, behind CREATE INDEX).

mod figures;
mod types;

use sqlparser::ast::{
    ColumnOption, CreateIndex, CreateTable, CreateView, DataType, Expr, Ident, ObjectName,
    SelectItem, SetExpr, Statement as Ast, TableConstraint,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use crate::model::catalog::{Constraint, ConstraintKind, Table, TableKind};
use crate::model::ident::QualifiedName;
use crate::model::index::{Index, IndexDefinition, IndexKey, KeyOf};
use crate::model::server::{Server, Setting};
use crate::model::snapshot::Snapshot;
use crate::model::statement::Statement;
use crate::model::stats::{ColumnStats, IndexStats};
use crate::query::testing::figures::{
    fixed_width, integer, number, pairs, table_figures, width_of,
};
use crate::query::testing::types::column;

/// Oid of the database of every fixture.
pub(crate) const DATABASE: u32 = 5;

/// Makes a Snapshot from DDL: CREATE TABLE (also PARTITION BY, PARTITION OF), CREATE [UNIQUE] INDEX, CREATE [MATERIALIZED]
/// VIEW and CREATE FOREIGN TABLE, one after another, each starting on its own line.
///
/// ```text
/// create table orders (                -- rows=100000 pages=1000 visible=0.9 n_tup_upd=5
///   id bigint primary key,             -- correlation=1
///   status text not null,              -- n_distinct=3 mcv={'paid':0.9,'open':0.1} width=5 null_frac=0.1
///   total numeric(10,2)                -- histogram={0,10.5,100} correlation=-0.2
/// );
/// create index on orders (status, total desc) where status <> 'paid'; -- pages=300 idx_scan=0
/// ```
///
/// Columns of a table with rows get statistics even without a comment only when they are a one-column key (`n_distinct=-1`).
/// Keys: rows, pages, visible (share), fillfactor and the counters of `pg_stat_all_tables` for tables; rows, pages,
/// `idx_scan`, invalid for indexes; `n_distinct`, `null_frac`, width, correlation, mcv, histogram for columns.
pub(crate) fn catalog(ddl: &str) -> Snapshot {
    let mut snapshot = Snapshot {
        format: 1,
        pgperf: "test".into(),
        taken_at: 1_700_000_000.0,
        server: server(),
        ..Snapshot::default()
    };
    for (sql, comments) in chunks(ddl) {
        add(&mut snapshot, &sql, &comments);
    }
    snapshot
        .indexes
        .sort_by_key(|i| (i.definition.table_oid, i.oid));
    snapshot
        .constraints
        .sort_by(|a, b| (a.table_oid, &a.name).cmp(&(b.table_oid, &b.name)));
    snapshot
}

/// Adds rows of `pg_stat_statements`: text, calls, total time in ms.
pub(crate) fn with_statements(mut snapshot: Snapshot, rows: &[(&str, i64, f64)]) -> Snapshot {
    for (number, (text, calls, total)) in (1..).zip(rows) {
        snapshot.statements.push(Statement {
            queryid: Some(number),
            userid: 10,
            dbid: DATABASE,
            toplevel: true,
            query: Some((*text).into()),
            calls: *calls,
            total_exec_time: Some(*total),
            rows: *calls,
            ..Statement::default()
        });
    }
    snapshot
}

fn server() -> Server {
    let setting = |value: &str, unit: Option<&str>| Setting {
        setting: value.into(),
        unit: unit.map(Into::into),
        boot_val: Some(value.into()),
        pending_restart: false,
    };
    Server {
        version_num: 150_018,
        version: "15.18".into(),
        database: "test".into(),
        database_oid: DATABASE,
        user: "postgres".into(),
        is_superuser: true,
        collate: "en_US.UTF-8".into(),
        encoding: "UTF8".into(),
        search_path: vec!["pg_catalog".into(), "public".into()],
        stats_reset: Some(1_700_000_000.0 - 86_400.0),
        settings: [
            ("random_page_cost".into(), setting("4", None)),
            ("seq_page_cost".into(), setting("1", None)),
            (
                "effective_cache_size".into(),
                setting("524288", Some("8kB")),
            ),
            ("work_mem".into(), setting("4096", Some("kB"))),
        ]
        .into(),
        ..Server::default()
    }
}

/// A comment and the first word of the code before it on its line.
pub(crate) struct Comment {
    word: String,
    text: String,
}

/// Splits the fixture at lines that begin a statement; comments are taken out.
fn chunks(ddl: &str) -> Vec<(String, Vec<Comment>)> {
    let mut chunks: Vec<(String, Vec<Comment>)> = Vec::new();
    for line in ddl.lines() {
        let (code, comment) = line.split_once("--").unwrap_or((line, ""));
        let first = code.split_whitespace().next().unwrap_or_default();
        if first.eq_ignore_ascii_case("create") || chunks.is_empty() {
            chunks.push((String::new(), Vec::new()));
        }
        let (sql, comments) = chunks.last_mut().expect("pushed above");
        sql.push_str(code);
        sql.push('\n');
        if !comment.trim().is_empty() {
            comments.push(Comment {
                word: first.trim_matches(['"', ',']).to_owned(),
                text: comment.trim().to_owned(),
            });
        }
    }
    chunks.retain(|(sql, _)| !sql.trim().is_empty());
    chunks
}

fn add(snapshot: &mut Snapshot, sql: &str, comments: &[Comment]) {
    let sql = sql.trim().trim_end_matches(';').trim();
    let lower = sql.to_lowercase();
    let foreign = lower.starts_with("create foreign table");
    let sql = if foreign {
        let end = lower.rfind(')').expect("a column list");
        format!("create table{}", &sql["create foreign table".len()..=end])
    } else {
        sql.to_owned()
    };
    let mut parsed = Parser::parse_sql(&PostgreSqlDialect {}, &sql)
        .unwrap_or_else(|e| panic!("fixture: {e}\n{sql}"));
    match parsed.remove(0) {
        Ast::CreateTable(table) => {
            create_table(snapshot, &table, comments);
            if foreign {
                snapshot.tables.last_mut().expect("just made").kind = TableKind::Foreign;
            }
        }
        Ast::CreateIndex(index) => create_index(snapshot, &index, comments),
        Ast::CreateView(view) => create_view(snapshot, &view, comments),
        other => panic!("fixture: no CREATE TABLE, INDEX or VIEW: {other}"),
    }
}

fn next_oid(snapshot: &Snapshot) -> u32 {
    let tables = snapshot.tables.iter().map(|t| t.oid);
    let indexes = snapshot.indexes.iter().map(|i| i.oid);
    tables.chain(indexes).max().unwrap_or(16_383) + 1
}

/// Unquoted name as PostgreSQL folds it.
fn fold(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_ascii_lowercase(),
    }
}

fn qualified(name: &ObjectName) -> QualifiedName {
    let parts: Vec<String> = (name.0.iter())
        .map(|p| fold(p.as_ident().expect("a plain name")))
        .collect();
    match parts.as_slice() {
        [name] => QualifiedName::new("public", name),
        [.., schema, name] => QualifiedName::new(schema, name),
        [] => panic!("fixture: empty name"),
    }
}

fn blank_table(oid: u32, name: QualifiedName, kind: TableKind) -> Table {
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

fn create_table(snapshot: &mut Snapshot, ddl: &CreateTable, comments: &[Comment]) {
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

fn name_of(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(ident) => fold(ident),
        other => panic!("fixture: {other} is no column"),
    }
}

/// A primary key or unique constraint and the index behind it.
fn key(snapshot: &mut Snapshot, table_oid: u32, columns: Vec<String>, primary: bool) {
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

fn foreign_key(
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

fn index(oid: u32, schema: String, name: String, definition: IndexDefinition, rows: f64) -> Index {
    let rows = rows.max(0.0);
    Index {
        oid,
        schema,
        name,
        incomplete: false,
        primary: false,
        exclusion: false,
        valid: true,
        ready: true,
        replica_identity: false,
        clustered: false,
        nulls_not_distinct: false,
        constraint: None,
        parent_oid: None,
        relpages: (rows * 20.0 / 7300.0).ceil() + 1.0,
        reltuples: rows,
        stats_hidden: false,
        stats: None,
        definition,
    }
}

fn create_index(snapshot: &mut Snapshot, ddl: &CreateIndex, comments: &[Comment]) {
    let table_name = qualified(&ddl.table_name);
    let table = (snapshot.table_named(&table_name))
        .unwrap_or_else(|| panic!("fixture: no table {table_name}"));
    let keys = (ddl.columns.iter())
        .map(|c| {
            let descending = matches!(
                c.column.options.sort,
                Some(sqlparser::ast::OrderBySort::Desc)
            );
            let (expr, collation) = match &c.column.expr {
                Expr::Collate { expr, collation } => {
                    let name = collation.0.last().and_then(|p| p.as_ident()).map(fold);
                    (expr.as_ref(), name)
                }
                expr => (expr, None),
            };
            IndexKey {
                of: match expr {
                    Expr::Identifier(ident) => KeyOf::Column(fold(ident)),
                    Expr::Nested(inner) => KeyOf::Expression(inner.to_string()),
                    other => KeyOf::Expression(other.to_string()),
                },
                descending,
                nulls_first: c.column.options.nulls_first.unwrap_or(descending),
                opclass: c.operator_class.as_ref().map(ToString::to_string),
                collation,
            }
        })
        .collect();
    let definition = IndexDefinition {
        table_oid: table.oid,
        table: table.qualified(),
        method: (ddl.using.as_ref()).map_or("btree".into(), |m| m.to_string().to_lowercase()),
        keys,
        include: ddl.include.iter().map(fold).collect(),
        predicate: ddl.predicate.as_ref().map(ToString::to_string),
        unique: ddl.unique,
    };
    let name = (ddl.name.as_ref()).map_or_else(|| definition.default_name(), |n| qualified(n).name);
    let oid = next_oid(snapshot);
    let mut index = index(oid, table.schema.clone(), name, definition, table.reltuples);
    for (key, value) in comments.iter().flat_map(|c| pairs(&c.text)) {
        match key.as_str() {
            "pages" => index.relpages = number(&value),
            "rows" => index.reltuples = number(&value),
            "invalid" => index.valid = false,
            "idx_scan" => {
                index.stats = Some(IndexStats {
                    idx_scan: integer(&value),
                    ..IndexStats::default()
                });
            }
            other => panic!("fixture: unknown figure of an index: {other}"),
        }
    }
    snapshot.indexes.push(index);
}

fn create_view(snapshot: &mut Snapshot, ddl: &CreateView, comments: &[Comment]) {
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

/// A full btree on columns of a table.
pub(crate) fn btree(table: &Table, columns: &[&str]) -> IndexDefinition {
    IndexDefinition {
        table_oid: table.oid,
        table: table.qualified(),
        method: "btree".into(),
        keys: columns.iter().map(|c| IndexKey::column(*c)).collect(),
        include: vec![],
        predicate: None,
        unique: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixture_reads_as_it_looks() {
        let s = catalog(
            "create table blogs (id int primary key); -- rows=1000
             create table posts (          -- rows=100000 pages=1000 visible=0.5 n_tup_upd=7
               id bigint primary key,
               blog_id int references blogs, -- n_distinct=1000 width=4
               status text not null,  -- n_distinct=2 mcv={'a,b':0.9,'c':0.1}
               \"At\" timestamptz
             );
             create index on posts (blog_id, \"At\" desc) include (status) where status = 'c'; -- pages=30
             create view v as select id, status as s from posts where blog_id = 1;
             create table p (a int, b int) partition by hash (a);
             create table p1 partition of p for values with (modulus 2, remainder 0); -- rows=5
             create foreign table f (a int) server s; -- rows=5
             create table one (a int, b text) -- rows=10
               -- a: n_distinct=5 histogram={1,2,3}",
        );
        let posts = s
            .table_named(&QualifiedName::new("public", "posts"))
            .unwrap();
        assert_eq!(
            (posts.rows(), posts.relpages, posts.relallvisible),
            (1e5, 1e3, 500.0)
        );
        assert_eq!(posts.stats.as_ref().unwrap().n_tup_upd, 7);
        let status = posts.column("status").unwrap().stats.as_ref().unwrap();
        assert_eq!(status.most_common_vals.as_ref().unwrap(), &["a,b", "c"]);
        assert_eq!(status.most_common_freqs.as_ref().unwrap(), &[0.9, 0.1]);
        let texts: Vec<String> = (s.indexes_of(posts.oid))
            .map(|i| format!("{} {}", i.name, i.definition))
            .collect();
        assert_eq!(
            texts,
            [
                "posts_pkey (id)",
                "posts_blog_id_At_status_idx (blog_id, \"At\" DESC) INCLUDE (status) WHERE status = 'c'"
            ]
        );
        let kinds: Vec<&TableKind> = s.tables.iter().map(|t| &t.kind).collect();
        assert_eq!(
            format!("{kinds:?}"),
            "[Table, Table, View, Partitioned, Table, Foreign, Table]"
        );
        assert_eq!(s.tables[4].columns.len(), 2);
        let names: Vec<&str> = s.tables[2]
            .columns
            .iter()
            .map(|c| c.name.as_str())
            .collect();
        assert_eq!(names, ["id", "s"]);
        assert_eq!(s.tables[2].columns[0].base_type, "int8");
        let bounds = &s.tables[6].columns[0]
            .stats
            .as_ref()
            .unwrap()
            .histogram_bounds;
        assert_eq!(bounds.as_ref().unwrap(), &["1", "2", "3"]);
        assert!(s.constraints.iter().any(|c| c.foreign_columns == ["id"]));
    }
}
