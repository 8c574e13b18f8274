//! `bitmap-lossy`: a bitmap that had no room for rows, so that whole pages are looked through.

use crate::audit::finding::Severity;
use crate::audit::rows::{removed_at_least, share_removed};
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::explained::Node;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "bitmap-lossy",
    title: "A bitmap is too large for work_mem and forgets which rows it meant",
    page: "\
A bitmap scan notes each row that the index finds, page by page. When the notes fill work_mem it keeps only the numbers of pages; all
rows of those are then read and compared again (Recheck Cond).

Told by: at least a tenth of the pages are Lossy Heap Blocks while others are exact, and the second comparison throws away at least
1,000 rows and a tenth of those that were read. (Where no page is exact it is the kind of index, BRIN, that knows no rows.)

Do: more work_mem for this statement: a page takes about 64 bytes. Or an index that finds fewer rows.

All right when: nearly all rows of those pages are wanted; then nothing is thrown away and this rule says nothing.",
    check: Check::Plan(check),
};

/// Least share of lossy pages, and of rows that were read for nothing.
const LOSSY: f64 = 0.1;
const WASTED: f64 = 0.1;
/// Least rows read for nothing.
const MANY: f64 = 1000.0;
/// An entry of the bitmap with its place in the hash table (`tbm_calculate_entries`), bytes.
const ENTRY: f64 = 64.0;

const REMOVED: &str = "Rows Removed by Index Recheck";

fn check(view: &View<'_>) -> Vec<Hit> {
    let scans = view
        .nodes(&["Bitmap Heap Scan"])
        .filter(|(at, _)| view.matters(*at));
    scans.filter_map(|(at, node)| hit(view, at, node)).collect()
}

fn hit(view: &View<'_>, at: usize, node: &Node) -> Option<Hit> {
    let (exact, lossy) = (
        pages(node, "Exact Heap Blocks"),
        pages(node, "Lossy Heap Blocks"),
    );
    let share = lossy / (exact + lossy).max(1.0);
    let wasted = share_removed(node, REMOVED)?;
    if exact <= 0.0 || share < LOSSY || wasted < WASTED || removed_at_least(node, REMOVED) < MANY {
        return None;
    }
    let megabytes = ((exact + lossy) / node.loops().max(1.0) * ENTRY / 1024.0 / 1024.0).ceil();
    Some(Hit {
        node: at,
        share: view.share(at) * wasted,
        least: Severity::Info,
        evidence: vec![
            format!("{} of {} pages are lossy", Count(lossy), Count(exact + lossy)),
            format!(
                "{} rows read and thrown away again, {} of the statement",
                Count(node.removed(REMOVED)),
                Percent(view.share(at))
            ),
        ],
        fix: format!(
            "more work_mem for this statement, at least SET LOCAL work_mem = '{}MB' and more than it is now; or an index that finds \
             fewer rows",
            megabytes.max(1.0)
        )
        .into(),
    })
}

/// Pages of a kind, of all processes: from 18 on workers tell theirs, before only the first process does.
pub(super) fn pages(node: &Node, name: &str) -> f64 {
    node.count(name)
        + node
            .each("Workers")
            .map(|worker| worker.count(name))
            .sum::<f64>()
}
