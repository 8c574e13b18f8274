//! Indexes, and the constraints that have one.

use std::collections::HashMap;

use super::{Step, options};
use crate::model::catalog::TableKind;
use crate::model::ident::quote_ident;
use crate::model::index::Index;
use crate::model::snapshot::Snapshot;

/// An index, or the constraint that has it. One on a partitioned table is made for it alone; see `attached`.
pub(super) fn index(index: &Index, snapshot: &Snapshot) -> Option<Step> {
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
    let behind = |name: &String| (snapshot.constraints_of(table.oid)).find(|c| c.name == *name);
    let sql = match constraint {
        Some(constraint) if index.exclusion => {
            let exclusion = behind(constraint).and_then(|c| c.definition.clone())?;
            format!("ALTER TABLE {only}{on} ADD CONSTRAINT {name} {exclusion}")
        }
        Some(constraint) => {
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
            let deferrable = behind(constraint).is_some_and(|c| c.deferrable);
            let deferrable = if deferrable { " DEFERRABLE" } else { "" };
            format!(
                "ALTER TABLE {only}{on} ADD CONSTRAINT {name} {kind}{nulls} ({keys}){include}{with}{deferrable}"
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

pub(super) fn attached(child: &Index, by_oid: &HashMap<u32, &Index>) -> Option<Step> {
    let parent = by_oid.get(&child.parent_oid?)?;
    let name = child.qualified();
    let sql = format!("ALTER INDEX {} ATTACH PARTITION {name}", parent.qualified());
    Some(Step::new(format!("index {name} of a partition"), sql))
}
