//! A wider index in the place of a narrower one: which existing indexes a new one makes superfluous, and what becomes of its
//! recommendation when the planner would not miss them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::advisor::catalog_advice::price;
use crate::advisor::recommendation::{Action, Recommendation, Replaced};
use crate::advisor::search::Spared;
use crate::model::catalog::TableKind;
use crate::model::change::Change;
use crate::model::index::{Index, IndexDefinition, MUCH_LARGER};
use crate::model::snapshot::Snapshot;
use crate::model::unit::Millis;
use crate::model::whatif::Hypothetical;
use crate::query::workload::Workload;

/// Existing indexes that a recommended new one makes superfluous: they are its beginning, nothing but queries depends on them
/// (no constraint, no replica identity, no CLUSTER), and to read them is not much less than to read it. A foreign key that one
/// of them supports is supported by the new one as well, whose first columns are the same.
#[must_use]
pub fn superseded<'a>(new: &Recommendation, snapshot: &'a Snapshot) -> Vec<&'a Index> {
    if new.action != Action::Create || new.statements.is_empty() {
        return Vec::new();
    }
    let mut replaceable = replaceable(&new.definition, new.size_bytes, snapshot);
    replaceable.retain(|old| old.qualified() != new.index);
    replaceable
}

/// Existing indexes that an index of that definition and size would make superfluous.
fn replaceable<'a>(
    definition: &IndexDefinition,
    size_bytes: f64,
    snapshot: &'a Snapshot,
) -> Vec<&'a Index> {
    let is_beginning = |i: &&Index| {
        i.is_droppable()
            && i.definition.is_prefix_of(definition)
            && size_bytes <= MUCH_LARGER * i.relpages * 8192.0
    };
    let existing = snapshot.indexes_of(definition.table_oid);
    existing.filter(is_beginning).collect()
}

/// For each candidate the indexes that it would replace, with what writes pay for them in so many days; but for those that would
/// be `missed`.
#[must_use]
pub fn spared(
    candidates: &[Hypothetical],
    snapshot: &Snapshot,
    workload: &Workload,
    days: f64,
    missed: &BTreeSet<u32>,
) -> Vec<Vec<Spared>> {
    let mut prices = BTreeMap::new();
    let mut price_of = |old: &Index| {
        *prices.entry(old.oid).or_insert_with(|| {
            let price = price(&old.definition, old.relpages * 8192.0, snapshot, workload);
            price.ms_per_day.unwrap_or(0.0) * days
        })
    };
    let mut of_one = |candidate: &Hypothetical| {
        let old = replaceable(&candidate.definition, candidate.size_bytes(), snapshot);
        let old = old.into_iter().filter(|old| !missed.contains(&old.oid));
        let spared = old.map(|old| Spared {
            oid: old.oid,
            price: price_of(old),
        });
        spared.filter(|s| s.price > 0.0).collect()
    };
    candidates.iter().map(&mut of_one).collect()
}

/// Makes a recommendation one that replaces `old` as well.
pub(super) fn replace(
    new: &mut Recommendation,
    old: &Index,
    snapshot: &Snapshot,
    workload: &Workload,
) {
    let table = snapshot.table(old.definition.table_oid);
    let concurrently = table.is_none_or(|t| t.kind != TableKind::Partitioned);
    let size_bytes = old.relpages * 8192.0;
    let writes = price(&old.definition, size_bytes, snapshot, workload);
    new.action = Action::Replace;
    new.changes.push(Change::DropIndex {
        name: old.qualified(),
        concurrently,
    });
    // The old one comes back before the new one goes: there is no time without an index.
    let again = Change::CreateIndex {
        name: old.name.clone(),
        definition: old.definition.clone(),
        concurrently,
        only: false,
    };
    new.undo.insert(new.replaced.len(), again);
    let spared = writes.ms_per_day;
    if let (Some(net), Some(spared)) = (&mut new.benefit.write_ms_per_day, spared) {
        *net -= spared;
    }
    if let Some(spared) = spared.filter(|ms| *ms > 0.0) {
        let (name, spared) = (old.qualified(), Millis(spared));
        let _ = write!(new.risk, "; dropping {name} takes {spared} a day off that");
    }
    if new.replaced.is_empty() {
        new.effort.push_str("; to drop waits for running queries");
    }
    new.replaced.push(Replaced {
        index: old.qualified(),
        size_bytes,
        write_ms_per_day: spared,
    });
    let _ = write!(
        new.reason,
        "; {} is the beginning of it and is dropped once it is there",
        old.qualified()
    );
}

/// Says of an index that the new one could replace why it stays.
pub(super) fn keep(new: &mut Recommendation, old: &Index, why: &str) {
    let _ = write!(
        new.reason,
        "; {} is the beginning of it, but stays: {why}",
        old.qualified()
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisor::build::{Names, build};
    use crate::advisor::recommendation::{Benefit, Helped};
    use crate::model::index::IndexKey;
    use crate::query::testing::catalog;

    const TABLE: &str = "
        create table t (id int primary key, a int, b int, c int); -- rows=100000 pages=1000 n_tup_ins=1000
        create index t_a on t (a); -- pages=200
        create index t_a_part on t (a) where b > 1; -- pages=200
        create index t_b on t (b); -- pages=200
    ";

    /// The advice to create an index on `t (a, b)` of so many pages.
    fn advice(snapshot: &Snapshot, pages: f64) -> Recommendation {
        let table = &snapshot.tables[0];
        let definition = IndexDefinition {
            table_oid: table.oid,
            table: table.qualified(),
            method: "btree".into(),
            keys: ["a", "b"].map(IndexKey::column).to_vec(),
            include: vec![],
            predicate: None,
            unique: false,
        };
        let mut names = Names::new(snapshot);
        let index = names.choose(&definition, table);
        let (changes, undo) = build(&definition, &index, &mut names, snapshot);
        let helped = Helped {
            position: 0,
            queryids: vec![],
            fingerprint: String::new(),
            query: String::new(),
            line: None,
            calls: 1.0,
            mean_ms: None,
            cost_before: 10.0,
            cost_after: 1.0,
            plan_before: String::new(),
            plan_after: String::new(),
            unread: None,
            generic: None,
            assumed: vec![],
        };
        Recommendation {
            index,
            definition,
            changes,
            undo,
            size_bytes: pages * 8192.0,
            benefit: Benefit {
                write_ms_per_day: Some(100.0),
                ..Benefit::default()
            },
            statements: vec![helped],
            reason: "saves much".into(),
            ..Recommendation::on_table(Action::Create, table)
        }
    }

    /// What `t (a, b)` could replace when `t_a` is changed like this.
    fn replaceable(pages: f64, change: impl FnOnce(&mut Index)) -> Vec<String> {
        let mut snapshot = catalog(TABLE);
        let old = snapshot.indexes.iter_mut().find(|i| i.name == "t_a");
        change(old.unwrap());
        let new = advice(&snapshot, pages);
        let superseded = superseded(&new, &snapshot);
        superseded.iter().map(|i| i.name.clone()).collect()
    }

    #[test]
    fn only_a_beginning_that_nothing_but_queries_needs_can_be_replaced() {
        assert_eq!(replaceable(300.0, |_| {}), ["t_a"]);
        assert_eq!(replaceable(700.0, |_| {}), [""; 0], "much longer to read");
        let guards: [fn(&mut Index); 8] = [
            |i| i.definition.unique = true,
            |i| i.primary = true,
            |i| i.exclusion = true,
            |i| i.constraint = Some("t_key".into()),
            |i| i.replica_identity = true,
            |i| i.clustered = true,
            |i| i.incomplete = true,
            |i| i.valid = false,
        ];
        for guard in guards {
            assert_eq!(replaceable(300.0, guard), [""; 0]);
        }
        let descending = |i: &mut Index| {
            i.definition.keys = vec![IndexKey::column("a"), IndexKey::column("b").reversed()];
        };
        assert_eq!(replaceable(300.0, descending), [""; 0], "another order");
        // What the catalog alone advises, or what is no creation, replaces nothing.
        let snapshot = catalog(TABLE);
        let mut by_catalog = advice(&snapshot, 300.0);
        by_catalog.statements.clear();
        assert!(superseded(&by_catalog, &snapshot).is_empty());
    }

    #[test]
    fn the_new_one_comes_first_and_the_undo_too_leaves_no_time_without() {
        let mut snapshot = catalog(TABLE);
        snapshot.server.stats_reset = Some(snapshot.taken_at - 86_400.0);
        let mut new = advice(&snapshot, 300.0);
        let old = snapshot.indexes.iter().find(|i| i.name == "t_a").unwrap();
        replace(&mut new, old, &snapshot, &Workload::default());
        let lines = |changes: &[Change]| -> Vec<String> {
            changes.iter().map(ToString::to_string).collect()
        };
        assert_eq!(new.action, Action::Replace);
        assert_eq!(
            lines(&new.changes),
            [
                "CREATE INDEX CONCURRENTLY t_a_b_idx ON public.t (a, b);",
                "DROP INDEX CONCURRENTLY public.t_a;"
            ]
        );
        assert_eq!(
            lines(&new.undo),
            [
                "CREATE INDEX CONCURRENTLY t_a ON public.t (a);",
                "DROP INDEX CONCURRENTLY public.t_a_b_idx;"
            ]
        );
        let spared = new.replaced[0].write_ms_per_day.unwrap();
        assert!(spared > 0.0);
        assert_eq!(new.benefit.write_ms_per_day, Some(100.0 - spared));
        assert!((new.net_size_bytes() - 100.0 * 8192.0).abs() < 1e-9);
        assert!(
            new.risk.starts_with("; dropping public.t_a takes "),
            "{}",
            new.risk
        );
        assert_eq!(
            new.reason,
            "saves much; public.t_a is the beginning of it and is dropped once it is there"
        );
    }
}
