//! `cte-fence`: a CTE is computed whole, and most of its rows are then thrown away.

use crate::audit::condition::names;
use crate::audit::finding::Severity;
use crate::audit::rows::{removed_at_least, share_removed};
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::explained::Node;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "cte-fence",
    title: "A CTE is computed whole before a filter throws most of it away",
    page: "\
WITH x AS MATERIALIZED (...) is computed by itself: a condition on x outside of it can use no index inside of it.

Told by: a CTE that is read by one scan, whose filter throws away at least half of at least 10,000 rows; the CTE is not recursive,
writes nothing, calls no random() or nextval(), and the condition could be moved into it (no LIMIT, no window; of an aggregate, only its
grouped columns are compared).

Do: leave MATERIALIZED out (from version 12 on a CTE that is read once is then part of the query), say NOT MATERIALIZED, or move the
condition into the CTE.

All right when: MATERIALIZED is there to keep the planner from a worse plan.",
    check: Check::Plan(check),
};

/// Least rows of the CTE, and least share thrown away.
const ROWS: f64 = 10_000.0;
const SHARE: f64 = 0.5;

/// Calls that give another value each time: such a CTE is kept apart whatever it says.
const VOLATILE: &[&str] = &[
    "random()",
    "nextval(",
    "clock_timestamp()",
    "gen_random_uuid()",
    "uuid_generate",
];

const REMOVED: &str = "Rows Removed by Filter";

fn check(view: &View<'_>) -> Vec<Hit> {
    let scans = view.nodes(&["CTE Scan"]);
    scans.filter_map(|(at, node)| hit(view, at, node)).collect()
}

fn hit(view: &View<'_>, at: usize, node: &Node) -> Option<Hit> {
    let (name, filter) = (node.text("CTE Name")?, node.text("Filter")?);
    let wasted = share_removed(node, REMOVED)?;
    let read = node.rows()? + removed_at_least(node, REMOVED);
    if read < ROWS || wasted < SHARE || filter.contains("SubPlan") {
        return None;
    }
    let nodes = &view.explained.nodes;
    let of_that_name = |n: &&Node| n.node_type() == "CTE Scan" && n.text("CTE Name") == Some(name);
    let subplan = format!("CTE {name}");
    let mut defined = (0..nodes.len()).filter(|&n| nodes[n].text("Subplan Name") == Some(&subplan));
    let cte = defined.next()?;
    // Two of one name, in different queries, are not told apart.
    if defined.next().is_some()
        || nodes.iter().filter(of_that_name).count() > 1
        || !takes(view, cte, filter)
    {
        return None;
    }
    let share = (view.subtree_share(cte) + view.share(at)).min(1.0);
    let is_noticed = view.subtree_matters(cte) || view.matters(at);
    is_noticed.then(|| Hit {
        node: at,
        share: share * wasted,
        least: Severity::Info,
        evidence: vec![
            format!(
                "{} rows computed, {} kept; the CTE and its scan take {} of the statement",
                Count(read),
                Count(node.rows().unwrap_or(0.0)),
                Percent(share)
            ),
            format!("filter {filter}"),
        ],
        fix: format!("move the condition into {name}, or leave out its MATERIALIZED (or say NOT MATERIALIZED)").into(),
    })
}

/// Whether a condition on what the CTE gives could stand inside of it.
fn takes(view: &View<'_>, cte: usize, filter: &str) -> bool {
    let nodes = &view.explained.nodes;
    let is_volatile = |n: usize| {
        nodes[n]
            .texts()
            .any(|text| VOLATILE.iter().any(|call| text.contains(call)))
    };
    let inside = view.explained.subtree(cte);
    let fixed = [
        "ModifyTable",
        "Recursive Union",
        "LockRows",
        "WorkTable Scan",
    ];
    if inside
        .iter()
        .any(|&n| fixed.contains(&nodes[n].node_type()) || is_volatile(n))
    {
        return false;
    }
    let mut at = cte;
    loop {
        let node = &nodes[at];
        match node.node_type() {
            "Sort" | "Incremental Sort" | "Gather" | "Gather Merge" => {
                match node.children.first() {
                    Some(&below) => at = below,
                    None => return false,
                }
            }
            "Aggregate" | "Group" => return groups_by(node, filter),
            kind => {
                return kind.ends_with(" Scan") && kind != "Function Scan"
                    || kind.ends_with(" Join")
                    || kind == "Nested Loop";
            }
        }
    }
}

/// Whether all columns of a condition are grouped by, as far as names tell.
fn groups_by(node: &Node, filter: &str) -> bool {
    let last = |name: &str| {
        name.rsplit_once('.')
            .map_or(name, |(_, column)| column)
            .to_owned()
    };
    let keys: Vec<String> = node.list("Group Key").iter().map(|key| last(key)).collect();
    let columns = names(filter);
    !columns.is_empty() && columns.iter().all(|name| keys.contains(&last(name)))
}
