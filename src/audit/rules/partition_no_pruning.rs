//! `partition-no-pruning`: partitions are read that have nothing of what is wanted.

use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::catalog::Table;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "partition-no-pruning",
    title: "Most of the partitions that are read have nothing of what is wanted",
    page: "\
A partition can be left out before it is opened if the condition on the partition key says that it can have no row. Without such a condition on
the bare key each partition is opened, locked and searched.

Told by: at least ten partitions of one table were scanned with a condition, and at least half of them gave no row.

Do: compare the partition key itself, with a value of its own type; if the statement knows nothing of the key, add what it knows
(a range of time). now() and parameters do: partitions are then left out when execution begins.

All right when: each partition is searched by an index in no time, and they are few.",
    check: Check::Plan(check),
};

/// Least partitions.
const MANY: usize = 10;

fn check(view: &View<'_>) -> Vec<Hit> {
    let appends = view.nodes(&["Append", "Merge Append"]);
    let hits = appends.filter_map(|(at, _)| {
        let nodes = &view.explained.nodes;
        let members = nodes[at].children.iter().copied();
        // The scan of a partition, below what sorts or filters it.
        let scans: Vec<(usize, usize)> = members
            .filter(|&member| !nodes[member].is_never_executed())
            .filter_map(|member| {
                let below = view.explained.subtree(member);
                let scan = below.into_iter().find(|&n| nodes[n].relation().is_some())?;
                Some((member, scan))
            })
            .collect();
        let parent = of_one_table(view, &scans)?;
        let conditions = ["Filter", "Index Cond", "Recheck Cond"];
        let searched = |scan: usize| conditions.iter().find_map(|name| nodes[scan].text(name));
        let condition = searched(scans.first()?.1)?;
        let empty = |member: &usize| nodes[*member].rows().is_some_and(|rows| rows < 0.5);
        let without: Vec<usize> = scans.iter().map(|s| s.0).filter(|m| empty(m)).collect();
        if scans.len() < MANY || 2 * without.len() < scans.len() || !view.subtree_matters(at) {
            return None;
        }
        let share: f64 = without.iter().map(|&m| view.subtree_share(m)).sum();
        let mut evidence = vec![
            format!(
                "{} partitions were read, {} of them for no row, {} of the statement",
                Count(length(scans.len())),
                Count(length(without.len())),
                Percent(share.min(1.0))
            ),
            format!("condition {condition}"),
        ];
        let key = parent.key();
        evidence.extend(key.map(|key| format!("partitioned by {key}")));
        let key = key.map_or_else(|| "the partition key".to_owned(), |key| format!("the partition key, {key}"));
        Some(Hit {
            node: at,
            share: share.min(1.0),
            least: Severity::Info,
            evidence,
            fix: format!(
                "add a condition on {key}, the bare column compared with a value of its own type, so that partitions are left out"
            )
            .into(),
        })
    });
    hits.collect()
}

#[expect(clippy::cast_precision_loss, reason = "a count of partitions")]
fn length(count: usize) -> f64 {
    count as f64
}

/// What the partitions belong to.
enum Parent<'a> {
    /// A table that is known.
    Known(&'a Table),
    /// One that is not.
    Unknown,
}

impl Parent<'_> {
    fn key(&self) -> Option<&str> {
        match self {
            Self::Known(table) => table.partition_key.as_deref(),
            Self::Unknown => None,
        }
    }
}

/// The table whose partitions the scans read, if it is one.
fn of_one_table<'a>(view: &View<'a>, scans: &[(usize, usize)]) -> Option<Parent<'a>> {
    let first = scans.first()?.1;
    if let Some(parent) = view.table(first).and_then(|table| table.parent_oid) {
        let of_it = |scan: usize| view.table(scan).and_then(|t| t.parent_oid) == Some(parent);
        let all = scans.iter().all(|&(_, scan)| of_it(scan));
        let known = view.snapshot.and_then(|s| s.table(parent));
        return all.then(|| known.map_or(Parent::Unknown, Parent::Known));
    }
    // Unknown tables: the server calls partitions by the alias of their parent and a number.
    let alias = |scan: usize| {
        let alias = view.explained.nodes[scan].text("Alias")?;
        let (of, number) = alias.rsplit_once('_')?;
        number.parse::<u32>().ok()?;
        Some(of)
    };
    let own = alias(first)?;
    let other_name = |scan: usize| {
        let node = &view.explained.nodes[scan];
        node.relation() != node.text("Alias")
    };
    let all = |is: &dyn Fn(usize) -> bool| scans.iter().all(|&(_, scan)| is(scan));
    let same = all(&|scan| alias(scan) == Some(own));
    (same && all(&other_name)).then_some(Parent::Unknown)
}
