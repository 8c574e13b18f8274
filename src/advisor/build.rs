//! From a definition to the DDL that builds it, and the DDL that takes it back.

use std::collections::BTreeSet;

use crate::model::catalog::{Table, TableKind};
use crate::model::change::Change;
use crate::model::ident::QualifiedName;
use crate::model::index::IndexDefinition;
use crate::model::snapshot::Snapshot;

/// Names for new indexes: PostgreSQL's own choice, with a number where that is taken.
#[derive(Debug)]
pub struct Names {
    taken: BTreeSet<QualifiedName>,
}

impl Names {
    /// Every relation name of the snapshot is taken (indexes share the name space of tables).
    #[must_use]
    pub fn new(snapshot: &Snapshot) -> Self {
        let tables = snapshot.tables.iter().map(Table::qualified);
        Self {
            taken: tables
                .chain(
                    snapshot
                        .indexes
                        .iter()
                        .map(crate::model::index::Index::qualified),
                )
                .collect(),
        }
    }

    /// A free name for a definition, in its table's schema; taken from then on.
    pub fn choose(&mut self, definition: &IndexDefinition) -> QualifiedName {
        let base = definition.default_name();
        let mut number = 0;
        loop {
            let name = if number == 0 {
                base.clone()
            } else {
                numbered(&base, number)
            };
            let name = QualifiedName::new(&definition.table.schema, name);
            if self.taken.insert(name.clone()) {
                return name;
            }
            number += 1;
        }
    }
}

/// `base` with a number, cut so that the whole fits 63 bytes.
fn numbered(base: &str, number: usize) -> String {
    let suffix = number.to_string();
    let mut cut = base.to_owned();
    while cut.len() + suffix.len() > 63 {
        cut.pop();
    }
    cut + &suffix
}

/// DDL to build an index without blocking writes, and DDL to take it back. A partitioned table cannot be indexed
/// concurrently as a whole: the parent is declared with ONLY, each partition is built concurrently and attached.
#[must_use]
pub fn build(
    definition: &IndexDefinition,
    name: &QualifiedName,
    names: &mut Names,
    snapshot: &Snapshot,
) -> (Vec<Change>, Vec<Change>) {
    let mut changes = Vec::new();
    let partitioned = snapshot
        .table(definition.table_oid)
        .is_some_and(|t| t.kind == TableKind::Partitioned);
    declare(definition, name, names, snapshot, &mut changes);
    // The planner knows nothing of an expression's values before, and would guess.
    if definition.keys.iter().any(|k| k.column_name().is_none()) {
        changes.push(Change::Analyze {
            table: definition.table.clone(),
        });
    }
    (
        changes,
        vec![Change::DropIndex {
            name: name.clone(),
            concurrently: !partitioned,
        }],
    )
}

fn declare(
    definition: &IndexDefinition,
    name: &QualifiedName,
    names: &mut Names,
    snapshot: &Snapshot,
    changes: &mut Vec<Change>,
) {
    let partitioned = snapshot
        .table(definition.table_oid)
        .is_some_and(|t| t.kind == TableKind::Partitioned);
    changes.push(Change::CreateIndex {
        name: name.name.clone(),
        definition: definition.clone(),
        concurrently: !partitioned,
        only: partitioned,
    });
    if !partitioned {
        return;
    }
    for partition in snapshot
        .tables
        .iter()
        .filter(|t| t.parent_oid == Some(definition.table_oid))
    {
        let own = IndexDefinition {
            table_oid: partition.oid,
            table: partition.qualified(),
            ..definition.clone()
        };
        // A partition may have such an index already: it is attached as it is.
        let existing = snapshot
            .indexes_of(partition.oid)
            .find(|i| i.usable() && i.parent_oid.is_none() && i.definition == own)
            .map(crate::model::index::Index::qualified);
        let child = existing.unwrap_or_else(|| {
            let child = names.choose(&own);
            declare(&own, &child, names, snapshot, changes);
            child
        });
        changes.push(Change::AttachIndex {
            parent: name.clone(),
            child,
        });
    }
}
