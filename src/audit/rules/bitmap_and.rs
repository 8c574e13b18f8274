//! `bitmap-and`: several indexes find many rows each, of which few are meant.

use crate::audit::condition::{comparisons, key_columns};
use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::explained::Node;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "bitmap-and",
    title: "Several indexes are combined where one index would find the rows",
    page: "\
Each index of a BitmapAnd finds the rows for one column, and what all of them found is what is meant. Each has to be read for all its
rows, many more than are left. One index on the columns together finds just those.

Told by: every index below a BitmapAnd finds at least five times the rows that are then read from the table, and one of them at least
1,000 rows more.

Do: one index on all the columns, those compared for equality first; the indexes on single columns may then be of no use.

All right when: people combine the columns freely, in ways that nobody knows beforehand.",
    check: Check::Plan(check),
};

/// How many times the rows that are left each index finds at least.
const TIMES: f64 = 5.0;
/// Least rows found for nothing by one of them.
const MANY: f64 = 1000.0;

fn check(view: &View<'_>) -> Vec<Hit> {
    let ands = view
        .nodes(&["BitmapAnd"])
        .filter(|(at, _)| view.subtree_matters(*at));
    ands.filter_map(|(at, node)| hit(view, at, node)).collect()
}

fn hit(view: &View<'_>, at: usize, node: &Node) -> Option<Hit> {
    let nodes = &view.explained.nodes;
    let members: Vec<&Node> = node.children.iter().map(|&member| &nodes[member]).collect();
    let heap_at = node.parent?;
    let heap = &nodes[heap_at];
    if heap.node_type() != "Bitmap Heap Scan"
        || members.iter().any(|m| m.node_type() != "Bitmap Index Scan")
    {
        return None;
    }
    // Rows of a BitmapAnd are always printed as 0: what is left is what the scan above read.
    let left = heap.rows()?
        + heap.removed("Rows Removed by Filter")
        + heap.removed("Rows Removed by Index Recheck");
    let found: Vec<f64> = members.iter().filter_map(|m| m.rows()).collect();
    let least = found.iter().copied().fold(f64::INFINITY, f64::min);
    let most = found.iter().copied().fold(0.0, f64::max);
    if least < TIMES * left || most - left < MANY {
        return None;
    }
    let alias = heap.text("Alias").or(heap.relation())?;
    let mut all = Vec::new();
    for member in &members {
        let index = member.text("Index Name")?;
        if view
            .index(heap_at, index)
            .is_some_and(|known| known.definition.method != "btree")
        {
            return None;
        }
        all.extend(comparisons(member.text("Index Cond")?, alias)?);
    }
    let columns = key_columns(&all);
    if columns.len() < 2 {
        return None;
    }
    let mut evidence: Vec<String> = (members.iter().zip(&found))
        .map(|(m, rows)| {
            format!(
                "{} finds {} rows",
                m.text("Index Name").unwrap_or(""),
                Count(*rows)
            )
        })
        .collect();
    evidence.push(format!(
        "{} rows are left; reading the indexes is {} of the statement",
        Count(left),
        Percent(view.subtree_share(at))
    ));
    Some(Hit {
        node: at,
        share: view.subtree_share(at),
        least: Severity::Info,
        evidence,
        fix: format!(
            "one index on ({}); pgperf advise says what it saves",
            columns.join(", ")
        )
        .into(),
    })
}
