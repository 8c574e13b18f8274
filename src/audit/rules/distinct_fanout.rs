//! `distinct-fanout`: a join multiplies rows that DISTINCT then throws away.

use std::collections::BTreeSet;

use crate::audit::estimate::sides;
use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::explained::Node;
use crate::model::unit::{Count, Percent};
use crate::query::comparison::columns;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "distinct-fanout",
    title: "DISTINCT removes rows that a join has multiplied",
    page: "\
A join with a table of which each row has many matches repeats the row for each. If nothing of that table is asked for, DISTINCT (or GROUP BY)
takes the copies out again, after they were all made, and sorted or hashed.

Told by: a grouping without aggregates, above a join, keeps a tenth or less of at least 10,000 rows, and all that it keeps comes from one side
of the join. (It needs VERBOSE.)

Do: WHERE EXISTS (SELECT FROM the other table WHERE …) instead of the join: one match is enough, and no row is repeated.

All right when: never dangerous, only slow.",
    check: Check::Plan(check),
};

/// Least rows, and how many times as many as are kept.
const MANY: f64 = 10_000.0;
const TIMES: f64 = 10.0;
/// Nodes that only pass rows on.
const PASSING: &[&str] = &["Gather", "Gather Merge", "Incremental Sort", "Sort"];

fn check(view: &View<'_>) -> Vec<Hit> {
    let groupings = view.nodes(&["Aggregate", "Group", "Unique"]);
    let hits = groupings.filter_map(|(at, node)| {
        let nodes = &view.explained.nodes;
        let kept = node.list("Output");
        if !is_distinct(node) || !view.subtree_matters(at) || !is_own(view, at) {
            return None;
        }
        let join = join_below(view, at)?;
        let (rows, out) = (nodes[join].rows()?, node.rows()?);
        if rows < MANY || rows < TIMES * out {
            return None;
        }
        let (outer, inner) = sides(view.explained, join)?;
        let of = |side: usize| -> BTreeSet<String> {
            let below = view.explained.subtree(side).into_iter();
            below.filter_map(|n| nodes[n].text("Alias").map(ToOwned::to_owned)).collect()
        };
        let (outer, inner) = (of(outer), of(inner));
        let mut asked = BTreeSet::new();
        for (of, _) in kept.iter().flat_map(|text| columns(text)) {
            asked.insert(of?);
        }
        let other = if asked.is_empty() {
            return None;
        } else if asked.is_subset(&outer) {
            inner
        } else if asked.is_subset(&inner) {
            outer
        } else {
            return None;
        };
        let other: Vec<String> = other.into_iter().collect();
        let share = view.subtree_share(at);
        Some(Hit {
            node: at,
            share,
            least: Severity::Info,
            evidence: vec![
                format!(
                    "{} joined rows, {} different ones, {} of the statement",
                    Count(rows),
                    Count(out),
                    Percent(share)
                ),
                format!("nothing of {} is asked for", other.join(", ")),
            ],
            fix: format!(
                "WHERE EXISTS (SELECT FROM {} WHERE the join condition) instead of the join and DISTINCT",
                other.join(", ")
            )
            .into(),
        })
    });
    hits.collect()
}

/// Whether a node only takes copies out: all that it gives are its keys.
fn is_distinct(node: &Node) -> bool {
    let keys = node.list("Group Key");
    let kept = node.list("Output");
    if node.node_type() == "Unique" {
        return !kept.is_empty();
    }
    let whole = node.text("Partial Mode") != Some("Partial");
    let only_keys = !kept.is_empty() && kept.iter().all(|k| keys.contains(k));
    whole && only_keys && node.text("Filter").is_none()
}

/// Whether the statement asked for it: the planner itself makes the inner side of a semi-join distinct.
fn is_own(view: &View<'_>, at: usize) -> bool {
    view.explained.ancestors(at).all(|n| {
        let kind = view.explained.nodes[n].node_type();
        PASSING.contains(&kind)
            || matches!(
                kind,
                "Limit" | "Aggregate" | "Subquery Scan" | "Result" | "LockRows" | "WindowAgg"
            )
    })
}

/// The join whose rows it gets, with nothing between that would make fewer of them but other parts of the same grouping.
fn join_below(view: &View<'_>, at: usize) -> Option<usize> {
    let nodes = &view.explained.nodes;
    let mut n = at;
    loop {
        let mut below = nodes[n].children.iter().copied();
        n = below.find(|&c| nodes[c].text("Parent Relationship") == Some("Outer"))?;
        match nodes[n].node_type() {
            "Nested Loop" | "Hash Join" | "Merge Join" => {
                let kind = nodes[n].text("Join Type").unwrap_or("Inner");
                return matches!(kind, "Inner" | "Left" | "Right").then_some(n);
            }
            kind if PASSING.contains(&kind) => {}
            "Aggregate" | "Unique" if nodes[n].list("Group Key") == nodes[at].list("Group Key") => {
            }
            _ => return None,
        }
    }
}
