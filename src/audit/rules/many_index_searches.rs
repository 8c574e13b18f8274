//! `many-index-searches`: an index is descended again and again because its first column is not asked for (18+).

use crate::audit::condition::{Kind, comparisons, key_columns};
use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::explained::Node;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "many-index-searches",
    title: "An index is searched again for each value of a column that comes before the one asked for",
    page: "\
From version 18 on a btree index on (a, b) serves WHERE b = 5 by a search for each value of a (skip scan). That is better than reading
everything, and worse than an index that begins with b: one search.

Told by: Index Searches is at least ten for each execution of the scan, and its condition has no list of values (= ANY), so that
skipping is the only reason for more than one.

Do: an index that begins with the column that is compared for equality; or the same index with its columns in another order, if no
other statement needs that one.

All right when: the first column has few values: ten searches cost little. Then this is not reported.",
    check: Check::Plan(check),
};

/// Least searches of one execution.
const MANY: f64 = 10.0;

fn check(view: &View<'_>) -> Vec<Hit> {
    let scans = view.nodes(&["Index Scan", "Index Only Scan", "Bitmap Index Scan"]);
    let noticed = scans.filter(|(at, _)| view.matters(*at));
    noticed
        .filter_map(|(at, node)| hit(view, at, node))
        .collect()
}

fn hit(view: &View<'_>, at: usize, node: &Node) -> Option<Hit> {
    // A total over all loops and processes.
    let searches = node.number("Index Searches")?;
    let each = searches / node.loops();
    let condition = node.text("Index Cond")?;
    // SubPlans aside, lists are the other reason for many searches.
    if each < MANY || condition.contains(" ANY ") || condition.contains(" OR ") {
        return None;
    }
    let index = node.text("Index Name")?;
    let rows = node.rows()?;
    let heap = node.parent.map(|above| &view.explained.nodes[above]);
    let alias = node.text("Alias").or_else(|| heap?.text("Alias"))?;
    let compared = comparisons(condition, alias)?;
    // Of two bounds neither is a better beginning than the other.
    let bounds = compared.iter().filter(|c| c.kind == Kind::Range);
    let columns = key_columns(&compared);
    if columns.len() < 2
        && bounds
            .map(|c| c.column)
            .any(|column| Some(&column) != columns.first())
    {
        return None;
    }
    Some(Hit {
        node: at,
        share: view.share(at) * (1.0 - 1.0 / each),
        least: Severity::Info,
        evidence: vec![
            format!(
                "{} searches in {index} for {} rows, {} of the statement",
                Count(searches),
                Count(rows),
                Percent(view.share(at))
            ),
            format!("condition {condition}"),
        ],
        fix: format!(
            "an index that begins with ({}), so that one search finds the rows; pgperf advise says what it saves",
            columns.join(", ")
        )
        .into(),
    })
}
