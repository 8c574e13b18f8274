//! `index-filter-waste`: an index finds many rows, and a filter throws most of them away.

use crate::audit::condition::{Comparison, comparisons, conjuncts, key_columns};
use crate::audit::finding::Severity;
use crate::audit::rows::{about, removed_at_least, share_removed};
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::explained::Node;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "index-filter-waste",
    title: "An index finds many rows that a filter then throws away",
    page: "\
The condition of the index is not the whole condition. Each row that the index finds is fetched from the table, and most of them do
not pass the rest (Filter). An index that has those columns too finds only the rows that are wanted.

Told by: an Index Scan, Index Only Scan or Bitmap Heap Scan with a condition for the index and a Filter; the filter throws away at
least 1,000 rows and at least half of what the index found, and at least ten rows each time that the scan is made: where a unique index finds one row there is nothing to gain.
Filters that a btree index cannot take (LIKE '%x%', functions, OR, a subquery) are not reported.

Do: extend the index with the columns of the filter, those compared for equality before those compared with a bound. Where the
filter is always the same constant, a partial index (WHERE ...) is smaller.

All right when: the statement is rare and the table is written much, so that a wider index costs more than it saves.",
    check: Check::Plan(check),
};

/// Least rows thrown away, in all and each time, and least share.
const MANY: f64 = 1000.0;
const EACH_TIME: f64 = 10.0;
const SHARE: f64 = 0.5;

const REMOVED: &str = "Rows Removed by Filter";

fn check(view: &View<'_>) -> Vec<Hit> {
    let scans = view.nodes(&["Index Scan", "Index Only Scan", "Bitmap Heap Scan"]);
    scans.filter_map(|(at, node)| hit(view, at, node)).collect()
}

fn hit(view: &View<'_>, at: usize, node: &Node) -> Option<Hit> {
    let filter = node.text("Filter")?;
    let removed = removed_at_least(node, REMOVED);
    let wasted = share_removed(node, REMOVED)?;
    if removed < MANY || removed / node.loops() < EACH_TIME || wasted < SHARE || !view.matters(at) {
        return None;
    }
    let (index, condition) = found_by(view, at, node)?;
    let alias = node.text("Alias").or(node.relation())?;
    let filtered = comparisons(filter, alias)?;
    let found = comparisons(condition, alias);
    let (kept, all) = (node.rows()?, node.rows()? + node.removed(REMOVED));
    let about = about(node);
    Some(Hit {
        node: at,
        share: view.share(at) * wasted,
        least: Severity::Info,
        evidence: vec![
            format!(
                "index {index} finds {about}{} rows, the filter keeps {about}{} of them; {} of the statement",
                Count(all),
                Count(kept),
                Percent(view.share(at))
            ),
            format!("condition of the index {condition}"),
            format!("filter {filter}"),
        ],
        fix: advice(index, &filtered, found).into(),
    })
}

/// The index that found the rows, and by what; `None` where several did, or one that is no btree index.
fn found_by<'a>(view: &View<'a>, at: usize, node: &'a Node) -> Option<(&'a str, &'a str)> {
    let by = match node.node_type() {
        "Bitmap Heap Scan" => node
            .children
            .first()
            .map(|&below| &view.explained.nodes[below])?,
        _ => node,
    };
    let (index, condition) = (by.text("Index Name")?, by.text("Index Cond")?);
    // min() and max() walk an index in order: nothing is found by it.
    let finds_all = |part: &&str| part.ends_with(" IS NOT NULL");
    if conjuncts(condition).iter().all(finds_all) {
        return None;
    }
    let is_btree = view
        .index(at, index)
        .is_none_or(|known| known.definition.method == "btree");
    is_btree.then_some((index, condition))
}

fn advice(index: &str, filtered: &[Comparison<'_>], found: Option<Vec<Comparison<'_>>>) -> String {
    let mut both = found.clone().unwrap_or_default();
    both.extend(filtered);
    let columns = key_columns(&both).join(", ");
    let extra = key_columns(filtered).join(", ");
    match (found, extra.is_empty()) {
        (_, true) => {
            format!(
                "a partial index like {index} whose WHERE is the filter: it has only the rows that pass"
            )
        }
        (Some(_), false) => format!(
            "an index on ({columns}) instead of {index}: columns of the filter belong into the index, those compared for equality \
             first; pgperf advise says what it saves"
        ),
        (None, false) => format!(
            "an index like {index} that has {extra} too, so that the filter becomes part of the search; pgperf advise says what it \
             saves"
        ),
    }
}
