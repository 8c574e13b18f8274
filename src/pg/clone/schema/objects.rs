//! What tables are made of: extensions, types, functions, operators, collations.

use super::Step;
use crate::model::definition::{Attribute, Object, TypeDefinition};
use crate::model::ident::{QualifiedName, quote_ident, quote_literal};
use crate::model::snapshot::Snapshot;

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

/// Extensions, for the superuser to create; and those that are left out although they might matter.
pub(in crate::pg::clone) fn extensions(snapshot: &Snapshot) -> (Vec<Step>, Vec<String>) {
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

/// Types, functions, operators and collations that somebody made, for a role without privileges.
pub(in crate::pg::clone) fn objects(snapshot: &Snapshot) -> Vec<Step> {
    let definitions = &snapshot.definitions;
    let made = |kind: &'static str, objects: &[Object]| -> Vec<Step> {
        let name = |o: &Object| format!("{kind} {}", QualifiedName::new(&o.schema, &o.name));
        let step = |o: &Object| Step::new(name(o), o.definition.clone());
        objects.iter().map(step).collect()
    };
    let mut steps = made("collation", &definitions.collations);
    let own = definitions.types.iter().filter(|t| t.extension.is_none());
    steps.extend(own.filter_map(type_definition));
    for function in &definitions.functions {
        let name = QualifiedName::new(&function.schema, &function.name);
        // What cannot be written fails with its reason, so that it is counted.
        let nothing = || {
            format!(
                "-- its definition was not read\nDO {}",
                quote_literal("not read")
            )
        };
        let sql = function.definition.clone().unwrap_or_else(nothing);
        steps.push(Step::new(format!("function {name}"), sql));
    }
    steps.extend(made("operator", &definitions.operators));
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
            let attribute = |a: &Attribute| format!("{} {}", quote_ident(&a.name), a.type_name);
            let attributes: Vec<String> = definition.attributes.iter().map(attribute).collect();
            format!("CREATE TYPE {name} AS ({})", attributes.join(", "))
        }
        _ => return None,
    };
    Some(Step::new(format!("type {name}"), sql))
}
