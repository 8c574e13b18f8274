//! The DDL that makes a Snapshot's schema again, without its rows. Pure: Snapshot in, statements out.
//!
//! The order is that of dependencies in the common case; what still comes too early fails and is tried again after the rest
//! (see `run` in the parent module), so no graph is needed for views on functions on views. Partitions and children are made
//! as tables of their own and attached later, as `pg_dump` does, so that their columns and indexes keep order and names.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::model::catalog::{Column, ConstraintKind, Table, TableKind};
use crate::model::definition::TypeDefinition;
use crate::model::ident::{QualifiedName, quote_ident, quote_literal};
use crate::model::index::Index;
use crate::model::snapshot::Snapshot;

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

/// Extensions that define types, operators and functions that statements use and that can do nothing else: a snapshot file
/// may come from anybody, and its functions are run by the planner, so `dblink` and the like stay out.
const EXTENSIONS: [&str; 24] = [
    "btree_gin",
    "btree_gist",
    "citext",
    "cube",
    "dict_int",
    "dict_xsyn",
    "earthdistance",
    "fuzzystrmatch",
    "hstore",
    "intarray",
    "isn",
    "ltree",
    "pg_trgm",
    "pgcrypto",
    "postgis",
    "prefix",
    "rum",
    "seg",
    "tablefunc",
    "unaccent",
    "uuid-ossp",
    "vector",
    "bloom",
    "ip4r",
];

/// Extensions whose absence changes no plan.
const NO_MATTER: [&str; 12] = [
    "plpgsql",
    "pg_stat_statements",
    "hypopg",
    "pg_buffercache",
    "pageinspect",
    "pgstattuple",
    "pg_prewarm",
    "pg_visibility",
    "pg_freespacemap",
    "amcheck",
    "pgrowlocks",
    "pg_stat_kcache",
];

/// Storage options that the planner or the size of an index knows of.
const OPTIONS: [&str; 5] = [
    "fillfactor=",
    "parallel_workers=",
    "pages_per_range=",
    "fastupdate=",
    "deduplicate_items=",
];

/// Extensions, for the superuser to create; and those that are left out although they might matter.
pub(super) fn extensions(snapshot: &Snapshot) -> (Vec<Step>, Vec<String>) {
    let (mut steps, mut left_out) = (Vec::new(), Vec::new());
    for (name, extension) in &snapshot.server.extensions {
        if EXTENSIONS.contains(&name.as_str()) {
            let (quoted, schema) = (quote_ident(name), quote_ident(&extension.schema));
            let sql = format!("CREATE EXTENSION {quoted} SCHEMA {schema} CASCADE");
            steps.push(Step::new(format!("extension {name}"), sql));
        } else if !NO_MATTER.contains(&name.as_str()) {
            left_out.push(name.clone());
        }
    }
    (steps, left_out)
}

/// Every schema that something lives in.
pub(super) fn schemas(snapshot: &Snapshot) -> BTreeSet<&str> {
    let definitions = &snapshot.definitions;
    let tables = snapshot.tables.iter().map(|t| t.schema.as_str());
    let types = definitions.types.iter().map(|t| t.schema.as_str());
    let functions = definitions.functions.iter().map(|f| f.schema.as_str());
    let extensions = snapshot.server.extensions.values();
    let extensions = extensions.map(|e| e.schema.as_str());
    let statistics = snapshot.extended_stats.iter().map(|s| s.schema.as_str());
    let all = tables.chain(types).chain(functions).chain(statistics);
    all.chain(extensions)
        .filter(|schema| !schema.is_empty() && !schema.starts_with("pg_"))
        .collect()
}

/// Everything else, for a role without privileges.
pub(super) fn steps(snapshot: &Snapshot) -> Vec<Step> {
    let mut steps = Vec::new();
    let own = |extension: &Option<String>| extension.is_none();
    for definition in snapshot
        .definitions
        .types
        .iter()
        .filter(|t| own(&t.extension))
    {
        steps.extend(type_definition(definition));
    }
    for function in &snapshot.definitions.functions {
        let name = QualifiedName::new(&function.schema, &function.name);
        let object = format!("function {name}");
        // What cannot be written fails with its reason, so that it is counted.
        let nothing = || {
            format!(
                "-- its definition was not read\nDO {}",
                quote_literal("not read")
            )
        };
        let sql = function.definition.clone().unwrap_or_else(nothing);
        steps.push(Step::new(object, sql));
    }
    let tables: Vec<&Table> = snapshot
        .tables
        .iter()
        .filter(|t| own(&t.extension))
        .collect();
    steps.extend(tables.iter().filter_map(|t| table(t, snapshot)));
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
    steps.extend(
        snapshot
            .indexes
            .iter()
            .filter_map(|i| attached(i, snapshot)),
    );
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

/// A domain goes without its CHECKs: they cost nothing in a plan, and would be run on every value of the statistics.
fn type_definition(definition: &TypeDefinition) -> Option<Step> {
    let name = QualifiedName::new(&definition.schema, &definition.name);
    let base = definition.base_type.as_deref();
    let sql = match (definition.kind.as_str(), base) {
        ("e", _) => {
            let labels: Vec<String> = definition.labels.iter().map(|l| quote_literal(l)).collect();
            format!("CREATE TYPE {name} AS ENUM ({})", labels.join(", "))
        }
        ("d", Some(base)) => {
            let not_null = if definition.not_null { " NOT NULL" } else { "" };
            format!("CREATE DOMAIN {name} AS {base}{not_null}")
        }
        ("r", Some(base)) => format!("CREATE TYPE {name} AS RANGE (SUBTYPE = {base})"),
        ("c", _) => {
            let attribute = |a: &crate::model::definition::Attribute| {
                format!("{} {}", quote_ident(&a.name), a.type_name)
            };
            let attributes: Vec<String> = definition.attributes.iter().map(attribute).collect();
            format!("CREATE TYPE {name} AS ({})", attributes.join(", "))
        }
        _ => return None,
    };
    Some(Step::new(format!("type {name}"), sql))
}

/// A table, a partitioned one, or a materialized view, which the planner takes for a table.
fn table(table: &Table, snapshot: &Snapshot) -> Option<Step> {
    let name = table.qualified();
    let columns: Vec<String> = (table.columns.iter())
        .map(|c| column(c, table, snapshot))
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

fn column(column: &Column, table: &Table, snapshot: &Snapshot) -> String {
    let mut text = format!("{} {}", quote_ident(&column.name), column.type_name);
    if let Some(collation) = column.collation.as_deref().filter(|c| *c != "default") {
        text.push_str(" COLLATE ");
        text.push_str(&quote_ident(collation));
    }
    let generated = (snapshot.definitions.generated.iter())
        .find(|g| g.table_oid == table.oid && g.attnum == column.attnum);
    if let Some(expression) = generated.and_then(|g| g.expression.as_ref()) {
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
    let storage = snapshot.definitions.storage.iter().find(|s| s.oid == oid);
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

/// An index, or the constraint that has it. One on a partitioned table is made for it alone; see `attached`.
fn index(index: &Index, snapshot: &Snapshot) -> Option<Step> {
    let definition = &index.definition;
    let table = snapshot.table(definition.table_oid)?;
    if table.extension.is_some() {
        return None;
    }
    let only = if table.kind == TableKind::Partitioned {
        "ONLY "
    } else {
        ""
    };
    let (name, on) = (quote_ident(&index.name), table.qualified());
    let with = options(index.oid, snapshot);
    let constraint = index
        .constraint
        .as_ref()
        .filter(|_| table.kind != TableKind::MaterializedView);
    let sql = match constraint {
        Some(constraint) if index.exclusion => {
            let exclusion = (snapshot.constraints_of(table.oid))
                .find(|c| c.name == *constraint)
                .and_then(|c| c.definition.clone())?;
            format!("ALTER TABLE {only}{on} ADD CONSTRAINT {name} {exclusion}")
        }
        Some(_) => {
            let kind = if index.primary {
                "PRIMARY KEY"
            } else {
                "UNIQUE"
            };
            let nulls = if index.nulls_not_distinct {
                " NULLS NOT DISTINCT"
            } else {
                ""
            };
            let quoted = |names: &mut dyn Iterator<Item = &str>| {
                names
                    .map(|n| quote_ident(n).into_owned())
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            let keys = quoted(&mut definition.key_columns());
            let include = quoted(&mut definition.include.iter().map(String::as_str));
            let include = if include.is_empty() {
                include
            } else {
                format!(" INCLUDE ({include})")
            };
            format!(
                "ALTER TABLE {only}{on} ADD CONSTRAINT {name} {kind}{nulls} ({keys}){include}{with}"
            )
        }
        None => {
            let unique = if definition.unique { "UNIQUE " } else { "" };
            let whole = with_options(&definition.to_string(), &with);
            format!("CREATE {unique}INDEX {name} ON {only}{on} {whole}")
        }
    };
    Some(Step::new(format!("index {}", index.qualified()), sql))
}

/// The definition with `WITH (…)` before its predicate, where the grammar wants it.
fn with_options(definition: &str, with: &str) -> String {
    match definition.split_once(") WHERE ") {
        _ if with.is_empty() => definition.to_owned(),
        Some((keys, predicate)) => format!("{keys}){with} WHERE {predicate}"),
        None => format!("{definition}{with}"),
    }
}

fn attached(child: &Index, snapshot: &Snapshot) -> Option<Step> {
    let parent = child.parent_oid?;
    let parent = snapshot.indexes.iter().find(|i| i.oid == parent)?;
    let name = child.qualified();
    let sql = format!("ALTER INDEX {} ATTACH PARTITION {name}", parent.qualified());
    Some(Step::new(format!("index {name} of a partition"), sql))
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
