//! What applying a recommendation comes to: which of its changes are made, whether one may be made given what stands there now,
//! and what takes back those that were made.

use crate::advisor::expressions::spelled;
use crate::advisor::recommendation::{Action, Recommendation};
use crate::model::change::Change;
use crate::model::ident::{QualifiedName, quote_ident};
use crate::model::index::{Index, IndexDefinition};
use crate::model::snapshot::Snapshot;
use crate::model::standing::{Rights, Standing};

/// The part of a recommendation that is to be applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Work<'a> {
    /// The recommendation.
    pub recommendation: &'a Recommendation,
    /// Changes to make, in order.
    pub steps: Vec<&'a Change>,
    /// Changes that are left to the user: drops, unless they are wanted.
    pub left: Vec<&'a Change>,
}

/// What is to be done of all the advice. An index that an unfinished build left is no drop of its own: it goes before the one
/// of its name is built, if it still is what it was.
#[must_use]
pub fn work(recommendations: &[Recommendation], drops: bool) -> Vec<Work<'_>> {
    // A setting is the whole server's, other databases' too: nobody asked for those.
    let ours = recommendations.iter().filter(|r| r.action != Action::Set);
    ours.map(|r| part(r, drops)).collect()
}

fn part(recommendation: &Recommendation, drops: bool) -> Work<'_> {
    let (mut steps, mut left) = (Vec::new(), Vec::new());
    for change in &recommendation.changes {
        match change {
            Change::DropIndex { name, .. } if is_built(name, recommendation) => {}
            Change::DropIndex { .. } if !drops => left.push(change),
            _ => steps.push(change),
        }
    }
    Work {
        recommendation,
        steps,
        left,
    }
}

/// Whether a recommendation builds an index of that name.
fn is_built(name: &QualifiedName, recommendation: &Recommendation) -> bool {
    let mut built = recommendation.changes.iter().filter_map(created);
    built.any(|created| created == *name)
}

/// The name of the index that a change builds.
fn created(change: &Change) -> Option<QualifiedName> {
    match change {
        Change::CreateIndex {
            name, definition, ..
        } => Some(QualifiedName::new(&definition.table.schema, name)),
        _ => None,
    }
}

/// What to do about a change.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Make it.
    Make,
    /// There is nothing to do; why.
    Skip(&'static str),
    /// Something unusable is in its way that is of no use to anybody: drop it, then look again.
    Clear(QualifiedName),
    /// This session builds an index on the table; look again later.
    Wait(i32),
    /// It must not be made; why.
    Refuse(String),
}

/// The names that a change of a recommendation depends on, in the order in which [`decide`] wants to know what they stand for.
#[must_use]
pub fn names(change: &Change, recommendation: &Recommendation) -> Vec<QualifiedName> {
    match change {
        Change::CreateIndex { .. } => created(change).into_iter().collect(),
        Change::AttachIndex { parent, child } => vec![parent.clone(), child.clone()],
        Change::DropIndex { name, .. } if recommendation.action == Action::Replace => {
            vec![name.clone(), recommendation.index.clone()]
        }
        Change::DropIndex { name, .. } => vec![name.clone()],
        Change::Reindex { name } => {
            let mut names = vec![name.clone()];
            names.extend(leftovers(change));
            names
        }
        Change::Analyze { .. }
        | Change::Vacuum { .. }
        | Change::SetOption { .. }
        | Change::Validate { .. }
        | Change::CreateStatistics { .. }
        | Change::DropStatistics { .. }
        | Change::Set { .. }
        | Change::Reload => Vec::new(),
    }
}

/// The names under which a change that fails may leave something unusable.
#[must_use]
pub fn leftovers(change: &Change) -> Vec<QualifiedName> {
    match change {
        Change::CreateIndex { concurrently, .. } if *concurrently => {
            created(change).into_iter().collect()
        }
        Change::Reindex { name } => ["ccnew", "ccold"]
            .map(|label| QualifiedName::new(&name.schema, transient(&name.name, label)))
            .to_vec(),
        _ => Vec::new(),
    }
}

/// How REINDEX CONCURRENTLY names the index that it builds, and the old one before it is dropped.
fn transient(name: &str, label: &str) -> String {
    let mut end = name.len().min(63 - label.len() - 1);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}_{label}", &name[..end])
}

/// What to do about a change of a recommendation, given what its [`names`] stand for.
#[must_use]
pub fn decide(
    change: &Change,
    recommendation: &Recommendation,
    standing: &[Standing],
    snapshot: &Snapshot,
) -> Decision {
    match (change, standing) {
        (
            Change::CreateIndex {
                definition, only, ..
            },
            [there],
        ) => create(change, definition, *only, there, snapshot),
        (Change::AttachIndex { .. }, [parent, child]) => attach(parent, child),
        (Change::DropIndex { name, .. }, [there, successor @ ..]) => {
            let stands = |s: &Standing| s.index().is_some_and(Index::usable);
            if successor.iter().all(stands) {
                drop_index(name, recommendation, there, snapshot)
            } else {
                let new = &recommendation.index;
                Decision::Refuse(format!("{new}, which is to replace it, cannot be used yet"))
            }
        }
        (Change::Reindex { .. }, [there, transient @ ..]) => {
            reindex(change, there, transient, snapshot)
        }
        _ => Decision::Make,
    }
}

fn create(
    change: &Change,
    definition: &IndexDefinition,
    only: bool,
    there: &Standing,
    snapshot: &Snapshot,
) -> Decision {
    let Some(name) = created(change) else {
        return Decision::Make;
    };
    let (index, builder) = match there {
        Standing::Free => return Decision::Make,
        Standing::Other(what) => {
            return Decision::Refuse(format!("{name} is the name of {what}"));
        }
        Standing::HalfDropped { table_oid, builder } => {
            return if *table_oid == definition.table_oid {
                builder.map_or(Decision::Clear(name), Decision::Wait)
            } else {
                Decision::Refuse(format!("{name} is an index of another table, half dropped"))
            };
        }
        Standing::Index { index, builder } => (index, builder),
    };
    if index.incomplete {
        return Decision::Refuse(format!(
            "{name} exists, and its definition cannot be read while its table is locked"
        ));
    }
    if !same(index, definition, snapshot) {
        return Decision::Refuse(format!(
            "{name} is the name of another index: {} {}",
            index.definition.table, index.definition
        ));
    }
    if index.usable() {
        return Decision::Skip("already there");
    }
    if only {
        return Decision::Skip("already begun");
    }
    match builder {
        Some(pid) => Decision::Wait(*pid),
        None if is_free(index) => Decision::Clear(name),
        None => Decision::Refuse(format!(
            "{name} exists and is INVALID, and something depends on it"
        )),
    }
}

fn attach(parent: &Standing, child: &Standing) -> Decision {
    match (parent.index(), child.index()) {
        (Some(parent), Some(child)) if child.parent_oid == Some(parent.oid) => {
            Decision::Skip("already attached")
        }
        (Some(_), Some(child)) if child.parent_oid.is_some() => Decision::Refuse(format!(
            "{} is attached to another index",
            child.qualified()
        )),
        (Some(_), Some(_)) => Decision::Make,
        (None, _) => Decision::Refuse("the index of the partitioned table is not there".into()),
        (_, None) => Decision::Refuse("the index of the partition is not there".into()),
    }
}

fn drop_index(
    name: &QualifiedName,
    recommendation: &Recommendation,
    there: &Standing,
    snapshot: &Snapshot,
) -> Decision {
    let index = match there {
        Standing::Free => return Decision::Skip("already gone"),
        Standing::HalfDropped { .. } => return Decision::Make,
        Standing::Other(what) => return Decision::Refuse(format!("{name} is now {what}")),
        Standing::Index { index, .. } => index,
    };
    let advised = (recommendation
        .undo
        .iter()
        .find(|c| created(c).as_ref() == Some(name)))
    .and_then(|change| match change {
        Change::CreateIndex { definition, .. } => Some(definition),
        _ => None,
    })
    .unwrap_or(&recommendation.definition);
    if !same(index, advised, snapshot) {
        return Decision::Refuse(format!(
            "{name} is another index now than the one advised on"
        ));
    }
    if !is_free(index) || index.replica_identity || index.clustered {
        return Decision::Refuse(format!("something depends on {name} now"));
    }
    Decision::Make
}

fn reindex(
    change: &Change,
    there: &Standing,
    transient: &[Standing],
    snapshot: &Snapshot,
) -> Decision {
    let Standing::Index { index, builder } = there else {
        return Decision::Skip("already gone");
    };
    if let Some(pid) = builder {
        return Decision::Wait(*pid);
    }
    let left = leftovers(change).into_iter().zip(transient);
    for (name, left) in left {
        if is_left(left, &index.definition, snapshot) {
            return Decision::Clear(name);
        }
    }
    if index.usable() {
        return Decision::Skip("already valid");
    }
    Decision::Make
}

/// Whether this is what a failed build of that definition left, with nobody at work on it.
#[must_use]
pub fn is_left(there: &Standing, definition: &IndexDefinition, snapshot: &Snapshot) -> bool {
    match there {
        Standing::Index {
            index,
            builder: None,
        } => !index.usable() && is_free(index) && same(index, definition, snapshot),
        Standing::HalfDropped {
            table_oid,
            builder: None,
        } => *table_oid == definition.table_oid,
        _ => false,
    }
}

/// Whether nothing but queries depends on an index.
fn is_free(index: &Index) -> bool {
    !index.primary && !index.exclusion && index.constraint.is_none() && index.parent_oid.is_none()
}

/// Whether an index is what a definition says, however its expressions are spelled.
fn same(index: &Index, definition: &IndexDefinition, snapshot: &Snapshot) -> bool {
    let Some(table) = snapshot.table(definition.table_oid) else {
        return index.definition == *definition;
    };
    !index.incomplete
        && !index.nulls_not_distinct
        && spelled(&index.definition, table) == spelled(definition, table)
}

/// What a role lacks for a change, and what would do.
#[must_use]
pub fn lacking(change: &Change, rights: &Rights) -> Option<(String, String)> {
    let enough = match change {
        Change::Reindex { .. } | Change::Analyze { .. } => rights.owns || rights.maintains,
        _ => rights.owns,
    };
    if !enough {
        let (role, owner, table) = (&rights.role, &rights.owner, &rights.table);
        return Some((
            format!("role {role} does not own {table}, whose owner is {owner}"),
            format!("connect as {owner}, or as a role that is a member of it"),
        ));
    }
    let builds = matches!(
        change,
        Change::CreateIndex { .. } | Change::CreateStatistics { .. }
    );
    let schema = quote_ident(&rights.table.schema);
    (builds && !rights.creates).then(|| {
        (
            format!(
                "role {} may not create anything in schema {schema}",
                rights.role
            ),
            format!(
                "GRANT CREATE ON SCHEMA {schema} TO {}",
                quote_ident(&rights.role)
            ),
        )
    })
}

/// What takes back the changes that were made, last made first. An index that hangs under a partitioned one goes with it; if it
/// was there before, it is built again.
#[must_use]
pub fn undo(made: &[&Change], recommendation: &Recommendation) -> Vec<Change> {
    let attached = |name: &QualifiedName| {
        made.iter()
            .any(|c| matches!(c, Change::AttachIndex { child, .. } if child == name))
    };
    let mut undo: Vec<Change> = Vec::new();
    for change in made.iter().rev() {
        let back = match change {
            Change::CreateIndex { concurrently, .. } => {
                created(change).map(|name| (name, *concurrently))
            }
            Change::AttachIndex { parent, .. } => Some((parent.clone(), false)),
            Change::DropIndex { name, .. } => {
                let again = recommendation.undo.iter();
                undo.extend(again.filter(|c| created(c).as_ref() == Some(name)).cloned());
                None
            }
            Change::CreateStatistics { .. } => {
                undo.extend(recommendation.undo.iter().cloned());
                None
            }
            Change::Reindex { .. }
            | Change::Analyze { .. }
            | Change::Vacuum { .. }
            | Change::SetOption { .. }
            | Change::Validate { .. }
            | Change::DropStatistics { .. }
            | Change::Set { .. }
            | Change::Reload => None,
        };
        let Some((name, concurrently)) = back.filter(|(name, _)| !attached(name)) else {
            continue;
        };
        let back = Change::DropIndex { name, concurrently };
        if !undo.contains(&back) {
            undo.push(back);
        }
    }
    undo.extend(lost(made, recommendation));
    undo
}

/// What builds again the indexes that were attached but not made.
fn lost(made: &[&Change], recommendation: &Recommendation) -> Vec<Change> {
    let known = || recommendation.undo.iter().chain(&recommendation.changes);
    let again = |child: &QualifiedName| known().find(|c| created(c).as_ref() == Some(child));
    let attached = made.iter().filter_map(|change| match change {
        Change::AttachIndex { child, .. } => Some(child),
        _ => None,
    });
    let before = attached.filter(|child| !made.iter().any(|c| created(c).as_ref() == Some(*child)));
    before.filter_map(again).cloned().collect()
}

/// The index of a partitioned table that a recommendation builds in parts: it must be valid in the end.
#[must_use]
pub fn whole(recommendation: &Recommendation) -> Option<&QualifiedName> {
    let parts = |c: &Change| matches!(c, Change::AttachIndex { .. });
    let builds = matches!(recommendation.action, Action::Create | Action::Replace);
    let whole = builds && recommendation.changes.iter().any(parts);
    whole.then_some(&recommendation.index)
}

#[cfg(test)]
mod tests;
