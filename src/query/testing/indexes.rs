//! `CREATE INDEX`.

use sqlparser::ast::{CreateIndex, Expr};

use crate::model::index::{Index, IndexDefinition, IndexKey, KeyOf};
use crate::model::snapshot::Snapshot;
use crate::model::stats::IndexStats;
use crate::query::testing::figures::{integer, number, pairs};
use crate::query::testing::{Comment, fold, next_oid, qualified};

pub(super) fn index(
    oid: u32,
    schema: String,
    name: String,
    definition: IndexDefinition,
    rows: f64,
) -> Index {
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

pub(super) fn create_index(snapshot: &mut Snapshot, ddl: &CreateIndex, comments: &[Comment]) {
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
