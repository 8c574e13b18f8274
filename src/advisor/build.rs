//! From a definition to the DDL that builds it, and the DDL that takes it back.

use std::collections::BTreeSet;

use crate::advisor::expressions::spelled;
use crate::model::catalog::{Table, TableKind};
use crate::model::change::Change;
use crate::model::ident::QualifiedName;
use crate::model::index::{Index, IndexDefinition};
use crate::model::snapshot::Snapshot;

/// Names for new indexes: PostgreSQL's own choice, with a number where that is taken. What an unfinished build left is built
/// again under its own name, so that it does not stay beside its twin.
#[derive(Debug)]
pub struct Names {
    taken: BTreeSet<QualifiedName>,
    /// Indexes that are not valid: what they were to be, in one spelling, and their names.
    unfinished: Vec<(IndexDefinition, QualifiedName)>,
    finished: BTreeSet<QualifiedName>,
}

impl Names {
    /// Every relation name of the snapshot is taken (indexes share the name space of tables).
    #[must_use]
    pub fn new(snapshot: &Snapshot) -> Self {
        let tables = snapshot.tables.iter().map(Table::qualified);
        let unfinished = |index: &Index| {
            let table = snapshot.table(index.definition.table_oid)?;
            is_unfinished(index).then(|| (spelled(&index.definition, table), index.qualified()))
        };
        Self {
            taken: tables
                .chain(snapshot.indexes.iter().map(Index::qualified))
                .collect(),
            unfinished: snapshot.indexes.iter().filter_map(unfinished).collect(),
            finished: BTreeSet::new(),
        }
    }

    /// A free name for a definition, in its table's schema, or that of an unfinished index which is the same; taken from then
    /// on.
    pub fn choose(&mut self, definition: &IndexDefinition, table: &Table) -> QualifiedName {
        let wanted = spelled(definition, table);
        let mut left = self.unfinished.iter().filter(|(d, _)| *d == wanted);
        if let Some((_, name)) = left.find(|(_, name)| !self.finished.contains(name)) {
            let name = name.clone();
            self.finished.insert(name.clone());
            return name;
        }
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

    /// Whether the name is that of an unfinished index, given out to be built again.
    #[must_use]
    pub fn finishes(&self, name: &QualifiedName) -> bool {
        self.finished.contains(name)
    }
}

/// Whether an index is what a concurrent build leaves when it fails, and nothing but queries would depend on. One that is
/// being built looks the same.
fn is_unfinished(index: &Index) -> bool {
    !index.valid
        && !index.incomplete
        && !index.primary
        && !index.exclusion
        && !index.nulls_not_distinct
        && index.constraint.is_none()
        && index.parent_oid.is_none()
}

/// What the reader of an advice should know whose index takes the name of an unfinished one.
#[must_use]
pub fn warning(name: &QualifiedName, names: &Names) -> Option<String> {
    names.finishes(name).then(|| {
        format!("{name} exists and is INVALID: look first whether it is still being built (pg_stat_progress_create_index)")
    })
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
/// concurrently as a whole: the parent is declared with ONLY, each partition is built concurrently and attached. Of what was
/// begun before, only what is missing is built.
#[must_use]
pub fn build(
    definition: &IndexDefinition,
    name: &QualifiedName,
    names: &mut Names,
    snapshot: &Snapshot,
) -> (Vec<Change>, Vec<Change>) {
    let mut changes = Vec::new();
    let table = snapshot.table(definition.table_oid);
    let partitioned = table.is_some_and(|t| t.kind == TableKind::Partitioned);
    if let Some(table) = table {
        declare(definition, name, table, names, snapshot, &mut changes);
    }
    // The planner knows nothing of an expression's values before, and would guess.
    if definition.keys.iter().any(|k| k.column_name().is_none()) {
        changes.push(Change::Analyze {
            table: definition.table.clone(),
        });
    }
    let mut undo = vec![Change::DropIndex {
        name: name.clone(),
        concurrently: !partitioned,
    }];
    undo.extend(lost(&changes, snapshot));
    (changes, undo)
}

/// Indexes of partitions that were there before and are only attached: nothing detaches them, they go with their parent, and
/// have to be built again when that is dropped.
fn lost<'a>(
    changes: &'a [Change],
    snapshot: &'a Snapshot,
) -> impl Iterator<Item = Change> + use<'a> {
    let built = |index: &Index| {
        changes.iter().any(|c| {
            matches!(c, Change::CreateIndex { name, definition, .. }
            if *name == index.name && definition.table_oid == index.definition.table_oid)
        })
    };
    let attached = changes.iter().filter_map(move |change| match change {
        Change::AttachIndex { child, .. } => {
            let mut indexes = snapshot.indexes.iter();
            indexes.find(|i| i.qualified() == *child && !built(i))
        }
        _ => None,
    });
    attached.map(|index| {
        let table = snapshot.table(index.definition.table_oid);
        Change::CreateIndex {
            name: index.name.clone(),
            definition: index.definition.clone(),
            concurrently: table.is_none_or(|t| t.kind != TableKind::Partitioned),
            only: false,
        }
    })
}

/// What makes the index of one table, partitions included.
fn declare(
    definition: &IndexDefinition,
    name: &QualifiedName,
    table: &Table,
    names: &mut Names,
    snapshot: &Snapshot,
    changes: &mut Vec<Change>,
) {
    let partitioned = table.kind == TableKind::Partitioned;
    let begun = (snapshot.indexes_of(table.oid)).find(|i| i.qualified() == *name);
    let create = Change::CreateIndex {
        name: name.name.clone(),
        definition: definition.clone(),
        concurrently: !partitioned,
        only: partitioned,
    };
    if !partitioned {
        if begun.is_some() {
            changes.push(Change::DropIndex {
                name: name.clone(),
                concurrently: true,
            });
        }
        changes.push(create);
        return;
    }
    if begun.is_none() {
        changes.push(create);
    }
    let begun = begun.map(|parent| parent.oid);
    for partition in (snapshot.tables.iter()).filter(|t| t.parent_oid == Some(table.oid)) {
        let own = IndexDefinition {
            table_oid: partition.oid,
            table: partition.qualified(),
            ..definition.clone()
        };
        partition_index(&own, name, begun, partition, names, snapshot, changes);
    }
}

/// What makes the index of one partition and hangs it under its parent's.
fn partition_index(
    own: &IndexDefinition,
    parent: &QualifiedName,
    begun: Option<u32>,
    partition: &Table,
    names: &mut Names,
    snapshot: &Snapshot,
    changes: &mut Vec<Change>,
) {
    let mut indexes = snapshot.indexes_of(partition.oid);
    if let Some(attached) = indexes.find(|i| begun.is_some() && i.parent_oid == begun) {
        if !attached.valid && partition.kind == TableKind::Partitioned {
            let name = attached.qualified();
            declare(own, &name, partition, names, snapshot, changes);
        }
        return;
    }
    // A partition may have such an index already: it is attached as it is.
    let wanted = spelled(own, partition);
    let same = |i: &&Index| {
        i.usable() && i.parent_oid.is_none() && spelled(&i.definition, partition) == wanted
    };
    let existing = snapshot.indexes_of(partition.oid).find(same);
    let child = if let Some(existing) = existing {
        existing.qualified()
    } else {
        let child = names.choose(own, partition);
        declare(own, &child, partition, names, snapshot, changes);
        child
    };
    changes.push(Change::AttachIndex {
        parent: parent.clone(),
        child,
    });
}

#[cfg(test)]
mod tests;
