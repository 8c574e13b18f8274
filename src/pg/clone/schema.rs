//! The DDL that makes a Snapshot's schema again, without its rows. Pure: Snapshot in, statements out.
//!
//! The order is that of dependencies in the common case; what still comes too early fails and is tried again after the rest
//! (see `run` in the parent module), so no graph is needed for views on functions on views. Partitions and children are made
//! as tables of their own and attached later, as `pg_dump` does, so that their columns and indexes keep order and names.

mod indexes;
mod objects;

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use crate::model::catalog::{Column, ConstraintKind, Table, TableKind};
use crate::model::ident::{QualifiedName, quote_ident};
use crate::model::index::Index;
use crate::model::snapshot::Snapshot;
use indexes::{attached, index};
pub(super) use objects::{extensions, objects};

/// One statement, and what it makes, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) object: String,
    pub(super) sql: String,
}

impl Step {
    fn new(object: impl Into<String>, sql: impl Into<String>) -> Self {
        Self {
            object: object.into(),
            sql: sql.into(),
        }
    }
}

/// Names in the Snapshot's columns that mean nothing in the clone: of an extension that is not there, a locale of another
/// system. Something else takes their place, so that the rest of the table can be asked about.
#[derive(Debug, Default)]
pub(super) struct Unknown {
    /// Types, as `format_type` writes them.
    pub(super) types: BTreeSet<String>,
    /// Collations, unquoted.
    pub(super) collations: BTreeSet<String>,
}

/// What stands for an unknown type: of any length, and comparable.
const STAND_IN: &str = "bytea";

/// Storage options that the planner or the size of an index knows of.
const OPTIONS: [&str; 5] = [
    "fillfactor=",
    "parallel_workers=",
    "pages_per_range=",
    "fastupdate=",
    "deduplicate_items=",
];

/// Every schema that something lives in.
pub(super) fn schemas(snapshot: &Snapshot) -> BTreeSet<&str> {
    let definitions = &snapshot.definitions;
    let tables = snapshot.tables.iter().map(|t| t.schema.as_str());
    let types = definitions.types.iter().map(|t| t.schema.as_str());
    let functions = definitions.functions.iter().map(|f| f.schema.as_str());
    let extensions = snapshot.server.extensions.values();
    let extensions = extensions.map(|e| e.schema.as_str());
    let statistics = snapshot.extended_stats.iter().map(|s| s.schema.as_str());
    let objects = definitions.operators.iter().chain(&definitions.collations);
    let objects = objects.map(|o| o.schema.as_str());
    let all = tables.chain(types).chain(functions).chain(statistics);
    all.chain(extensions)
        .chain(objects)
        .filter(|schema| !schema.is_empty() && !schema.starts_with("pg_"))
        .collect()
}

/// Tables and all that hangs on them, for a role without privileges.
pub(super) fn tables(snapshot: &Snapshot, unknown: &Unknown) -> Vec<Step> {
    let mut steps = Vec::new();
    let tables = snapshot.tables.iter().filter(|t| t.extension.is_none());
    let tables: Vec<&Table> = tables.collect();
    steps.extend(tables.iter().filter_map(|t| table(t, snapshot, unknown)));
    for constraint in &snapshot.constraints {
        if let (ConstraintKind::Check, Some(definition), Some(table)) = (
            &constraint.kind,
            &constraint.definition,
            snapshot.table(constraint.table_oid),
        ) {
            let name = table.qualified();
            let sql = format!(
                "ALTER TABLE {name} ADD CONSTRAINT {} {definition}",
                quote_ident(&constraint.name)
            );
            steps.push(Step::new(
                format!("constraint {} of {name}", constraint.name),
                sql,
            ));
        }
    }
    steps.extend(parents(snapshot));
    steps.extend(snapshot.indexes.iter().filter_map(|i| index(i, snapshot)));
    let by_oid: HashMap<u32, &Index> = snapshot.indexes.iter().map(|i| (i.oid, i)).collect();
    steps.extend((snapshot.indexes.iter()).filter_map(|i| attached(i, &by_oid)));
    steps.extend(foreign_keys(snapshot));
    steps.extend(statistics_objects(snapshot));
    for view in tables.iter().filter(|t| t.kind == TableKind::View) {
        if let Some(definition) = &view.view_definition {
            let name = view.qualified();
            let body = definition.trim().trim_end_matches(';');
            let sql = format!("CREATE VIEW {name} AS {body}");
            steps.push(Step::new(format!("view {name}"), sql));
        }
    }
    steps
}

/// A table, a partitioned one, or a materialized view, which the planner takes for a table.
fn table(table: &Table, snapshot: &Snapshot, unknown: &Unknown) -> Option<Step> {
    let name = table.qualified();
    let columns: Vec<String> = (table.columns.iter())
        .map(|c| column(c, table, snapshot, unknown))
        .collect();
    let columns = columns.join(", ");
    let partitioned = match (&table.kind, &table.partition_key) {
        (TableKind::Table | TableKind::MaterializedView, _) => String::new(),
        (TableKind::Partitioned, Some(key)) => format!(" PARTITION BY {key}"),
        _ => return None,
    };
    let with = options(table.oid, snapshot);
    let sql = format!("CREATE TABLE {name} ({columns}){partitioned}{with}");
    Some(Step::new(format!("table {name}"), sql))
}

fn column(column: &Column, table: &Table, snapshot: &Snapshot, unknown: &Unknown) -> String {
    let known = !unknown.types.contains(&column.type_name);
    let type_name = if known { &column.type_name } else { STAND_IN };
    let mut text = format!("{} {type_name}", quote_ident(&column.name));
    let of_note = |c: &&str| *c != "default" && known && !unknown.collations.contains(*c);
    if let Some(collation) = column.collation.as_deref().filter(of_note) {
        text.push_str(" COLLATE ");
        text.push_str(&quote_ident(collation));
    }
    let generated = snapshot.definitions.generated(table.oid, column.attnum);
    if let Some(expression) = generated.filter(|_| known) {
        let kind = if column.generated == "v" {
            "VIRTUAL"
        } else {
            "STORED"
        };
        let _ = write!(text, " GENERATED ALWAYS AS ({expression}) {kind}");
    }
    if column.not_null {
        text.push_str(" NOT NULL");
    }
    text
}

fn options(oid: u32, snapshot: &Snapshot) -> String {
    let storage = snapshot.definitions.storage(oid);
    let options: Vec<&str> = (storage.into_iter().flat_map(|s| &s.options))
        .map(String::as_str)
        .filter(|o| OPTIONS.iter().any(|known| o.starts_with(known)))
        .collect();
    if options.is_empty() {
        String::new()
    } else {
        format!(" WITH ({})", options.join(", "))
    }
}

/// Hangs partitions and inheriting tables under their parents.
fn parents(snapshot: &Snapshot) -> Vec<Step> {
    let mut steps = Vec::new();
    for storage in &snapshot.definitions.storage {
        let Some(child) = snapshot.table(storage.oid) else {
            continue;
        };
        let name = child.qualified();
        let parent = child.parent_oid.and_then(|oid| snapshot.table(oid));
        if let (Some(bound), Some(parent)) = (&storage.partition_bound, parent) {
            let parent = parent.qualified();
            let sql = format!("ALTER TABLE {parent} ATTACH PARTITION {name} {bound}");
            steps.push(Step::new(format!("partition {name}"), sql));
        }
        for parent in storage
            .inherits
            .iter()
            .filter_map(|&oid| snapshot.table(oid))
        {
            let sql = format!("ALTER TABLE {name} INHERIT {}", parent.qualified());
            steps.push(Step::new(format!("inheritance of {name}"), sql));
        }
    }
    steps
}

/// Foreign keys, by which the planner estimates joins. Those of partitions come with their parent's.
fn foreign_keys(snapshot: &Snapshot) -> Vec<Step> {
    let quoted = |names: &[String]| {
        let names: Vec<_> = names.iter().map(|n| quote_ident(n)).collect();
        names.join(", ")
    };
    let mut steps = Vec::new();
    for key in &snapshot.constraints {
        let (Some(table), Some(foreign)) = (
            snapshot.table(key.table_oid),
            key.foreign_table_oid.and_then(|oid| snapshot.table(oid)),
        ) else {
            continue;
        };
        let inherited = table.parent_oid.is_some_and(|parent| {
            snapshot
                .constraints_of(parent)
                .any(|k| k.kind == ConstraintKind::ForeignKey && k.columns == key.columns)
        });
        // A key to a partitioned table has a row for each partition as well.
        if key.kind != ConstraintKind::ForeignKey
            || inherited
            || foreign.parent_oid.is_some() && key.name.ends_with("_fkey1")
        {
            continue;
        }
        let name = table.qualified();
        let sql = format!(
            "ALTER TABLE {name} ADD CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ({})",
            quote_ident(&key.name),
            quoted(&key.columns),
            foreign.qualified(),
            quoted(&key.foreign_columns),
        );
        steps.push(Step::new(
            format!("foreign key {} of {name}", key.name),
            sql,
        ));
    }
    steps
}

fn statistics_objects(snapshot: &Snapshot) -> Vec<Step> {
    let kinds = |kinds: &[String]| {
        let names = kinds.iter().filter_map(|k| match k.as_str() {
            "d" => Some("ndistinct"),
            "f" => Some("dependencies"),
            "m" => Some("mcv"),
            _ => None,
        });
        let names: Vec<&str> = names.collect();
        if names.is_empty() {
            String::new()
        } else {
            format!(" ({})", names.join(", "))
        }
    };
    let object = |s: &crate::model::stats::ExtendedStats| {
        let table = snapshot.table(s.table_oid)?;
        let name = QualifiedName::new(&s.schema, &s.name);
        let columns = s.columns.iter().map(|c| quote_ident(c).into_owned());
        let on: Vec<String> = columns
            .chain(s.expressions.iter().map(|e| format!("({e})")))
            .collect();
        let sql = format!(
            "CREATE STATISTICS {name}{} ON {} FROM {}",
            kinds(&s.kinds),
            on.join(", "),
            table.qualified()
        );
        Some(Step::new(format!("statistics {name}"), sql))
    };
    snapshot.extended_stats.iter().filter_map(object).collect()
}
