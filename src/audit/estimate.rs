//! How far the planner's row estimates are off, where the two figures can be compared at all.
//!
//! Both are per loop, and per process below a Gather. They say nothing of each other where
//! - a node was stopped before its end: below Limit, on the inner side of a semi, anti or unique join, on both sides of a merge join
//!   (whose inner side is also read again), on the outer side of a hash join with an empty hash table, in a subquery that is only
//!   tested, above which nothing had read it whole;
//! - rows are not counted: the bitmaps of `BitmapAnd` and `BitmapOr`, writes without RETURNING;
//! - the estimate is another one's: Hash, Sort, Materialize, Memoize, Gather pass on what comes from below;
//! - the planner only guesses by a rule: recursion.

use crate::audit::view::View;
use crate::model::explained::{Explained, Node};
use crate::model::unit::Count;

/// An estimate that is far off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Off {
    /// Rows expected of each loop.
    pub planned: f64,
    /// Rows that came in each loop.
    pub actual: f64,
    /// How many times more or less.
    pub factor: f64,
}

impl Off {
    /// Whether more came than expected.
    #[must_use]
    pub fn is_under(self) -> bool {
        self.actual > self.planned
    }
}

/// From this factor on plans are likely to be others.
const FAR: f64 = 10.0;
/// So many rows make a difference.
const MANY: f64 = 1000.0;

/// Nodes whose figures are those of the node below, or none.
const PASSING: &[&str] = &[
    "Bitmap Index Scan",
    "BitmapAnd",
    "BitmapOr",
    "Gather",
    "Gather Merge",
    "Hash",
    "Incremental Sort",
    "LockRows",
    "Materialize",
    "Memoize",
    "ModifyTable",
    "Recursive Union",
    "Sort",
    "WorkTable Scan",
];

/// Whether a node's estimate is far off.
#[must_use]
pub fn off(explained: &Explained, at: usize) -> Option<Off> {
    let node = &explained.nodes[at];
    let (planned, actual) = (node.plan_rows(), node.number("Actual Rows")?);
    let (low, high) = if actual < planned {
        (actual, planned)
    } else {
        (planned, actual)
    };
    let off = Off {
        planned,
        actual,
        factor: high.max(1.0) / low.max(1.0),
    };
    let counted = !node.is_never_executed() && !PASSING.contains(&node.node_type());
    let far = off.factor >= FAR && (high - low) * node.loops() >= MANY;
    if !counted || !far {
        return None;
    }
    let recursion = |n: usize| explained.nodes[n].node_type() == "Recursive Union";
    let guessed = explained.ancestors(at).any(recursion);
    let comparable = !guessed && (off.is_under() || !stops_early(explained, at));
    let again = of_merge_join(explained, at);
    (comparable && !again).then_some(off)
}

/// So many rows, in words.
#[must_use]
pub fn rows(count: f64) -> String {
    let word = if (count - 1.0).abs() < 0.5 {
        "row"
    } else {
        "rows"
    };
    format!("{} {word}", Count(count))
}

/// The node whose rows a node passes on: what stands below Materialize, Sort and their like.
#[must_use]
pub fn source(explained: &Explained, at: usize) -> usize {
    let mut at = at;
    while let [child] = explained.nodes[at].children.as_slice()
        && PASSING.contains(&explained.nodes[at].node_type())
    {
        at = *child;
    }
    at
}

/// The outer and the inner side of a join.
#[must_use]
pub fn sides(explained: &Explained, join: usize) -> Option<(usize, usize)> {
    let side = |name: &str| {
        let mut below = explained.nodes[join].children.iter().copied();
        below.find(|&n| explained.nodes[n].text("Parent Relationship") == Some(name))
    };
    Some((side("Outer")?, side("Inner")?))
}

/// The nodes whose estimates are far off while those of all below are not: where it begins.
#[must_use]
pub fn first_off(view: &View<'_>) -> Vec<(usize, Off)> {
    let explained = view.explained;
    let all: Vec<Option<Off>> = (0..explained.nodes.len())
        .map(|at| off(explained, at))
        .collect();
    let begins = |at: usize| {
        let below = explained.subtree(at);
        let own_ctes =
            scanned_cte(explained, at).map_or_else(Vec::new, |cte| explained.subtree(cte));
        let mut below = below.into_iter().skip(1).chain(own_ctes);
        below.all(|n| all[n].is_none())
    };
    let found = all
        .iter()
        .enumerate()
        .filter(|(at, off)| off.is_some() && begins(*at));
    found.filter_map(|(at, off)| Some((at, (*off)?))).collect()
}

/// The top node of the CTE that a node scans.
fn scanned_cte(explained: &Explained, at: usize) -> Option<usize> {
    let name = explained.nodes[at].text("CTE Name")?;
    let is_it = |node: &Node| {
        let own = node
            .text("Subplan Name")
            .and_then(|n| n.strip_prefix("CTE "));
        own == Some(name)
    };
    explained.nodes.iter().position(is_it)
}

/// Whether a node may not have been read to its end.
fn stops_early(explained: &Explained, at: usize) -> bool {
    let mut child = at;
    loop {
        let node = &explained.nodes[child];
        if node
            .text("Parent Relationship")
            .is_some_and(|r| r == "InitPlan" || r == "SubPlan")
        {
            return true;
        }
        let Some(parent) = node.parent else {
            return false;
        };
        let above = &explained.nodes[parent];
        let inner = node.text("Parent Relationship") == Some("Inner");
        match above.node_type() {
            "Limit" | "Merge Join" => return true,
            "WindowAgg" if above.text("Run Condition").is_some() => return true,
            "Hash Join" if !inner && hashes_nothing(explained, parent) => return true,
            "Nested Loop" if inner && stops_at_first(explained, above) => return true,
            // These read all before they give anything.
            "Sort" | "Hash" => return false,
            "Aggregate" if above.text("Strategy") != Some("Sorted") => return false,
            _ => {}
        }
        child = parent;
    }
}

/// Whether a join looks, or may look, for one match only: text plans say "Inner Unique" only with VERBOSE, which shows by "Output".
fn stops_at_first(explained: &Explained, join: &Node) -> bool {
    let kind = join.text("Join Type").unwrap_or("Inner");
    let verbose = |node: &Node| node.properties.contains_key("Output");
    let told = join.properties.contains_key("Inner Unique") || explained.nodes.iter().any(verbose);
    matches!(kind, "Semi" | "Anti" | "Right Semi") || join.is("Inner Unique") || !told
}

fn hashes_nothing(explained: &Explained, join: usize) -> bool {
    let mut below = explained.nodes[join].children.iter();
    below.any(|&n| {
        let node = &explained.nodes[n];
        node.node_type() == "Hash" && node.count("Actual Rows") < 1.0
    })
}

/// Whether it is read by a merge join, with nothing between that would keep the rows.
fn of_merge_join(explained: &Explained, at: usize) -> bool {
    let mut above = explained.ancestors(at);
    let keeps = |n: &usize| {
        !matches!(
            explained.nodes[*n].node_type(),
            "Materialize" | "Subquery Scan"
        )
    };
    let reader = above.find(keeps);
    reader.is_some_and(|n| explained.nodes[n].node_type() == "Merge Join")
}

#[cfg(test)]
mod tests;
