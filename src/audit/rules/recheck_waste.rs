//! `recheck-waste`: an index that does not know exactly finds rows that are not meant.

use crate::audit::finding::Severity;
use crate::audit::rows::{about, removed_at_least, share_removed};
use crate::audit::rules::bitmap_lossy::pages;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::explained::Node;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "recheck-waste",
    title: "An inexact index finds many rows that are not meant",
    page: "\
Some indexes answer \"maybe\": BRIN names ranges of pages, trigrams name texts that have the same groups of three letters, GiST names
bounding boxes. The rows are fetched and compared again (Recheck Cond, Rows Removed by Index Recheck).

Told by: at least 1,000 rows and at least half of those found are thrown away by the second comparison, and not because a bitmap had
too little memory (see bitmap-lossy).

Do: for BRIN: it needs rows that lie on disk in the order of the column; if they do, a smaller pages_per_range, if not, a btree
index. For trigrams: patterns with longer runs of letters. For jsonb: an expression index on the path that is compared. For GiST: finer
shapes, or another operator class.

All right when: the second comparison is cheap and the index is small for that.",
    check: Check::Plan(check),
};

/// Least rows that are not meant, and least share.
const MANY: f64 = 1000.0;
const SHARE: f64 = 0.5;

const REMOVED: &str = "Rows Removed by Index Recheck";

fn check(view: &View<'_>) -> Vec<Hit> {
    let scans = view.nodes(&["Bitmap Heap Scan", "Index Scan", "Index Only Scan"]);
    let noticed = scans.filter(|(at, _)| view.matters(*at));
    noticed
        .filter_map(|(at, node)| hit(view, at, node))
        .collect()
}

fn hit(view: &View<'_>, at: usize, node: &Node) -> Option<Hit> {
    let wasted = share_removed(node, REMOVED)?;
    if removed_at_least(node, REMOVED) < MANY || wasted < SHARE {
        return None;
    }
    let (exact, lossy) = (
        pages(node, "Exact Heap Blocks"),
        pages(node, "Lossy Heap Blocks"),
    );
    if exact > 0.0 && lossy > 0.0 {
        return None;
    }
    let below = node
        .children
        .first()
        .map(|&below| &view.explained.nodes[below]);
    let index = node
        .text("Index Name")
        .or(below.and_then(|below| below.text("Index Name")));
    let method = index
        .and_then(|index| view.index(at, index))
        .map(|index| index.definition.method.as_str());
    // A bitmap of a btree index with nothing but lossy pages had too little memory.
    if method == Some("btree") {
        return None;
    }
    let about = about(node);
    let (rows, removed) = (node.rows()?, node.removed(REMOVED));
    Some(Hit {
        node: at,
        share: view.share(at) * wasted,
        least: Severity::Info,
        evidence: vec![
            format!(
                "index {} finds {about}{} rows, {about}{} of them are not meant; {} of the statement",
                index.unwrap_or("of several"),
                Count(rows + removed),
                Count(removed),
                Percent(view.share(at))
            ),
            format!(
                "condition {}",
                node.text("Recheck Cond")
                    .or(node.text("Index Cond"))
                    .unwrap_or("")
            ),
        ],
        fix: advice(method, lossy > 0.0).into(),
    })
}

fn advice(method: Option<&str>, is_by_pages: bool) -> &'static str {
    match method {
        Some("brin") => {
            "a smaller pages_per_range if rows lie in the order of the column, else a btree index"
        }
        Some("gin") => {
            "search for longer runs of letters (trigrams), or for jsonb an expression index on what is compared: more exact questions \
             find fewer rows"
        }
        Some("gist" | "spgist") => {
            "another operator class, or an index on a finer value, so that fewer rows are found"
        }
        _ if is_by_pages => {
            "the index knows pages and not rows, as BRIN does: a smaller pages_per_range if rows lie in the order of the column, else a \
             btree index"
        }
        _ => {
            "an index that is exact for this condition (a btree on what is compared), or a condition that says more"
        }
    }
}
