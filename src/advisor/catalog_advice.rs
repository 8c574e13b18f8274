//! What the catalog and its counters tell without any statement: foreign keys that deletes pay for, indexes that exist twice,
//! indexes that are broken.

use crate::advisor::build::{Names, build, warning};
use crate::advisor::candidates::TINY_PAGES;
use crate::advisor::priority::Priority;
use crate::advisor::recommendation::{Action, Benefit, Confidence, Recommendation};
use crate::advisor::size::hypothetical;
use crate::advisor::write_cost::{WriteCost, write_cost};
use crate::model::catalog::{Constraint, ConstraintKind, Table, TableKind};
use crate::model::change::Change;
use crate::model::index::{Index, IndexDefinition, IndexKey};
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Bytes, Count};
use crate::model::whatif::Hypothetical;
use crate::query::workload::Workload;

/// All advice from the catalog. `chosen` are indexes that are advised already; `names` the names they took.
#[must_use]
pub fn catalog_advice(
    snapshot: &Snapshot,
    workload: &Workload,
    chosen: &[&IndexDefinition],
    names: &mut Names,
) -> Vec<Recommendation> {
    let mut advice = foreign_keys(snapshot, chosen, names);
    for recommendation in &mut advice {
        let (definition, size) = (&recommendation.definition, recommendation.size_bytes);
        let price = price(definition, size, snapshot, workload);
        recommendation.benefit.write_ms_per_day = price.ms_per_day;
        recommendation.risk = price.describe();
        if let Some(warning) = warning(&recommendation.index, names) {
            recommendation.risk = format!("{}; {warning}", recommendation.risk);
        }
    }
    let mut superfluous = superfluous(snapshot);
    for recommendation in &mut superfluous {
        let (definition, size) = (&recommendation.definition, recommendation.size_bytes);
        let price = price(definition, size, snapshot, workload).ms_per_day;
        recommendation.benefit.write_ms_per_day = price.map(|ms| -ms);
    }
    advice.extend(superfluous);
    advice.extend(unfinished_parents(snapshot, names));
    advice.extend(invalid(snapshot, names));
    advice
}

/// Foreign keys whose referencing columns no index leads with, where rows of the referenced table are really deleted: each
/// such delete reads the whole referencing table. Where nothing is deleted the index would only cost.
fn foreign_keys(
    snapshot: &Snapshot,
    chosen: &[&IndexDefinition],
    names: &mut Names,
) -> Vec<Recommendation> {
    let mut advice: Vec<Recommendation> = Vec::new();
    for constraint in snapshot
        .constraints
        .iter()
        .filter(|c| c.kind == ConstraintKind::ForeignKey)
    {
        let Some((table, deletes)) = burdened(snapshot, constraint) else {
            continue;
        };
        let definition = IndexDefinition {
            table_oid: table.oid,
            table: table.qualified(),
            method: "btree".into(),
            keys: constraint.columns.iter().map(IndexKey::column).collect(),
            include: Vec::new(),
            predicate: None,
            unique: false,
        };
        let leads = |other: &IndexDefinition| {
            other.table_oid == table.oid
                && other.method == "btree"
                && other
                    .predicate
                    .as_deref()
                    .is_none_or(|p| p.contains("IS NOT NULL") && !p.contains(" AND "))
                && other.keys.len() >= constraint.columns.len()
                && other.keys[..constraint.columns.len()].iter().all(|k| {
                    k.column_name()
                        .is_some_and(|name| constraint.columns.iter().any(|c| c == name))
                })
        };
        let covered = snapshot
            .indexes_of(table.oid)
            .any(|i| i.usable() && leads(&i.definition))
            || chosen.iter().any(|d| leads(d))
            || advice.iter().any(|r| leads(&r.definition));
        if covered {
            continue;
        }
        let size = hypothetical(&definition, table);
        let name = names.choose(&definition, table);
        let (changes, undo) = build(&definition, &name, names, snapshot);
        let parent = constraint
            .foreign_table_oid
            .and_then(|oid| snapshot.table(oid))
            .map_or_else(String::new, |t| t.qualified().to_string());
        advice.push(Recommendation {
            action: Action::Create,
            index: name,
            definition,
            replaced: Vec::new(),
            changes,
            undo,
            size_bytes: size.size_bytes(),
            benefit: Benefit {
                cost_before: deletes * scan_cost(table),
                cost_after: deletes * lookup_cost(size.tree_height),
                ..Benefit::default()
            },
            statements: Vec::new(),
            misjudged: Vec::new(),
            confidence: Confidence::Medium,
            confidence_reason: "the counters of the tables; no planner was asked".into(),
            rank: 0,
            priority: Priority::default(),
            priority_reason: String::new(),
            effort: effort(table),
            risk: "adds to the writes of its table".into(),
            reason: format!(
                "foreign key {}: each of the {} deletes from {parent} so far had to read all of {} to look for references",
                constraint.name,
                Count(deletes),
                table.qualified(),
            ),
        });
    }
    advice
}

/// The referencing table of a foreign key and how many rows were deleted from the referenced one, if both matter.
fn burdened<'a>(snapshot: &'a Snapshot, constraint: &Constraint) -> Option<(&'a Table, f64)> {
    let table = snapshot.table(constraint.table_oid)?;
    let parent = snapshot.table(constraint.foreign_table_oid?)?;
    #[expect(clippy::cast_precision_loss, reason = "a count for people")]
    let deletes = parent.stats.as_ref()?.n_tup_del as f64;
    let worth = deletes > 0.0
        && table.parent_oid.is_none()
        && table.extension.is_none()
        && table.can_have_indexes()
        && table.relpages >= TINY_PAGES
        && constraint
            .columns
            .iter()
            .all(|c| table.column(c).is_some_and(|c| c.btree));
    worth.then_some((table, deletes))
}

/// Cost of a sequential scan with one condition at default constants (`cost_seqscan` in `costsize.c`).
fn scan_cost(table: &Table) -> f64 {
    table.relpages + table.rows() * (0.01 + 0.0025)
}

/// Cost of looking up one entry by index at default constants: a descent, one index page, one heap page.
fn lookup_cost(tree_height: f64) -> f64 {
    0.125 * (tree_height + 1.0) + 2.0 * 4.0 + 0.02
}

/// What building an index on a table takes.
#[must_use]
pub fn effort(table: &Table) -> String {
    format!(
        "builds without blocking writes; reads {} twice",
        Bytes(table.relpages * 8192.0)
    )
}

/// What writes pay for an index of that size.
pub(super) fn price(
    definition: &IndexDefinition,
    size_bytes: f64,
    snapshot: &Snapshot,
    workload: &Workload,
) -> WriteCost {
    let index = Hypothetical {
        definition: definition.clone(),
        pages: size_bytes / 8192.0,
        tree_height: 1.0,
    };
    write_cost(&index, snapshot, workload)
}

/// Indexes beside which another one answers the same queries: a twin, or one whose first keys are the same. Only indexes
/// that nothing but queries depends on are named; of twins the one that backs a constraint, or is older, stays.
#[must_use]
pub fn superfluous(snapshot: &Snapshot) -> Vec<Recommendation> {
    let droppable = snapshot.indexes.iter().filter(|i| i.is_droppable());
    droppable
        .filter_map(|index| {
            let table = snapshot.table(index.definition.table_oid)?;
            let other = snapshot
                .indexes_of(table.oid)
                .find(|other| other.stands_in_for(index))?;
            Some(drop_index(index, other, table))
        })
        .collect()
}

fn drop_index(index: &Index, other: &Index, table: &Table) -> Recommendation {
    let twin = other.definition.keys.len() == index.definition.keys.len();
    let concurrently = table.kind != TableKind::Partitioned;
    Recommendation {
        action: Action::Drop,
        index: index.qualified(),
        definition: index.definition.clone(),
        replaced: Vec::new(),
        changes: vec![Change::DropIndex {
            name: index.qualified(),
            concurrently,
        }],
        undo: vec![Change::CreateIndex {
            name: index.name.clone(),
            definition: index.definition.clone(),
            concurrently,
            only: false,
        }],
        size_bytes: index.relpages * 8192.0,
        benefit: Benefit::default(),
        statements: Vec::new(),
        misjudged: Vec::new(),
        confidence: if twin {
            Confidence::High
        } else {
            Confidence::Medium
        },
        confidence_reason: if twin {
            "the definitions are the same".into()
        } else {
            "the definition is the beginning of a wider one".into()
        },
        rank: 0,
        priority: Priority::default(),
        priority_reason: String::new(),
        effort: "one statement, waits for running queries".into(),
        risk: if twin {
            format!("none known: {} answers the same queries", other.qualified())
        } else {
            format!(
                "scans of the wider {} read somewhat more",
                other.qualified()
            )
        },
        reason: format!(
            "{} {}: every write maintains both",
            if twin {
                "the same index as"
            } else {
                "nothing but the beginning of"
            },
            other.qualified(),
        ),
    }
}

/// Indexes of partitioned tables that wait for partitions: no partition that comes later gets one that is used, and nobody sees
/// why.
fn unfinished_parents(snapshot: &Snapshot, names: &mut Names) -> Vec<Recommendation> {
    let waiting = |i: &&Index| !i.valid && i.parent_oid.is_none() && i.constraint.is_none();
    let mut advice = Vec::new();
    for index in snapshot.indexes.iter().filter(waiting) {
        let (table, name) = (
            snapshot.table(index.definition.table_oid),
            index.qualified(),
        );
        let Some(table) = table.filter(|t| t.kind == TableKind::Partitioned) else {
            continue;
        };
        if index.incomplete || index.definition.unique || names.finishes(&name) {
            continue;
        }
        let (changes, undo) = build(&index.definition, &name, names, snapshot);
        let partitions = snapshot
            .tables
            .iter()
            .filter(|t| t.parent_oid == Some(table.oid));
        let attached = snapshot
            .indexes
            .iter()
            .filter(|i| i.parent_oid == Some(index.oid));
        let (attached, partitions) = (attached.count(), partitions.count());
        advice.push(Recommendation {
            action: Action::Create,
            index: name,
            definition: index.definition.clone(),
            replaced: Vec::new(),
            changes,
            undo,
            size_bytes: 0.0,
            benefit: Benefit::default(),
            statements: Vec::new(),
            misjudged: Vec::new(),
            confidence: Confidence::Low,
            confidence_reason: "whether somebody is at it cannot be seen from the catalog".into(),
            rank: 0,
            priority: Priority::default(),
            priority_reason: String::new(),
            effort: "builds what is missing without blocking writes, or drop it".into(),
            risk: "look first whether somebody is building it partition by partition; its undo drops all parts of it".into(),
            reason: format!(
                "unfinished: {attached} of the {partitions} partitions of {} have their part of it",
                table.qualified()
            ),
        });
    }
    advice
}

/// Indexes that a failed concurrent build left behind: written to, never read. A build that is still running looks the same,
/// hence the low confidence. Those that are built again by other advice are left out.
fn invalid(snapshot: &Snapshot, names: &Names) -> Vec<Recommendation> {
    let broken = snapshot
        .indexes
        .iter()
        .filter(|i| !i.valid && i.parent_oid.is_none() && !names.finishes(&i.qualified()));
    let advice = broken.filter_map(|index| {
        let table = snapshot.table(index.definition.table_oid)?;
        // The index of a partitioned parent is invalid until all partitions are attached: not broken, unfinished.
        if table.kind == TableKind::Partitioned {
            return None;
        }
        let reindexed = left_by_reindex(&index.name);
        let change = if reindexed {
            Change::DropIndex {
                name: index.qualified(),
                concurrently: true,
            }
        } else {
            Change::Reindex {
                name: index.qualified(),
            }
        };
        Some(Recommendation {
            action: if reindexed {
                Action::Drop
            } else {
                Action::Reindex
            },
            index: index.qualified(),
            definition: index.definition.clone(),
            replaced: Vec::new(),
            changes: vec![change],
            undo: Vec::new(),
            size_bytes: index.relpages * 8192.0,
            benefit: Benefit::default(),
            statements: Vec::new(),
            misjudged: Vec::new(),
            confidence: Confidence::Low,
            confidence_reason: "an index that is still being built looks the same".into(),
            rank: 0,
            priority: Priority::default(),
            priority_reason: String::new(),
            effort: if reindexed {
                "one statement, waits for running queries".into()
            } else {
                "rebuilds without blocking writes, or drop it".into()
            },
            risk: "look first whether it is still being built (pg_stat_progress_create_index)"
                .into(),
            reason: format!(
                "invalid{}: writes to {} maintain it, no query can use it",
                if reindexed {
                    ", left by an interrupted REINDEX CONCURRENTLY"
                } else {
                    ""
                },
                table.qualified()
            ),
        })
    });
    advice.collect()
}

/// Whether REINDEX CONCURRENTLY named it: the new one while it is built, the old one until it is dropped.
fn left_by_reindex(name: &str) -> bool {
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit());
    name.ends_with("_ccnew") || name.ends_with("_ccold")
}
