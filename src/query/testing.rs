//! Catalog fixtures for tests: DDL with statistics as trailing comments → `Snapshot`.
//!
//! A comment on a column's line sets its statistics, `-- name: key=value …` on any line of the statement sets those of the
//! column named, and one with `rows=` or `pages=` sets the figures of the table (of the index, behind CREATE INDEX).

mod figures;
mod indexes;
mod tables;
mod types;
mod views;

use sqlparser::ast::{Ident, ObjectName, Statement as Ast};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use crate::model::catalog::{Table, TableKind};
use crate::model::ident::QualifiedName;
use crate::model::index::{IndexDefinition, IndexKey};
use crate::model::server::{Server, Setting};
use crate::model::snapshot::Snapshot;
use crate::model::statement::Statement;
use crate::query::testing::indexes::create_index;
use crate::query::testing::tables::create_table;
use crate::query::testing::views::create_view;

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
        statements_reset: Some(1_700_000_000.0 - 86_400.0),
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
