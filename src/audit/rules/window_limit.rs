//! `window-limit`: rows are numbered in order to keep the first few of each group.

use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::unit::{Count, Percent};
use crate::query::comparison::comparisons;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "window-limit",
    title: "All rows are numbered to keep the first few",
    page: "\
row_number() OVER (PARTITION BY … ORDER BY …) <= 3 sorts and numbers all rows and then throws most of them away. From 15 on the server stops
numbering a group when it has enough (Run Condition), though it still reads and sorts all.

Told by: a subquery with row_number(), rank() or dense_rank() has a filter with <, <= or = that throws away nine tenths of at least 10,000 rows, and
there is no Run Condition.

Do: for the first few of each group, LATERAL (SELECT … WHERE the group ORDER BY … LIMIT n) over the list of groups, with an index on (group,
order); for the first one, DISTINCT ON; without groups, ORDER BY and LIMIT.

All right when: the groups have few rows each.",
    check: Check::Plan(check),
};

/// Least rows, and least share of them that is thrown away.
const MANY: f64 = 10_000.0;
const WASTED: f64 = 0.9;

fn check(view: &View<'_>) -> Vec<Hit> {
    let scans = view.nodes(&["Subquery Scan"]);
    let hits = scans.filter_map(|(at, node)| {
        let &window = node.children.first()?;
        let below = &view.explained.nodes[window];
        let ranks = ["row_number()", "rank()", "dense_rank()"];
        let mut computed = below.list("Output").into_iter();
        let ranked = computed.find(|text| ranks.iter().any(|rank| text.starts_with(rank)));
        if below.node_type() != "WindowAgg" || ranked.is_none() || below.text("Run Condition").is_some() {
            return None;
        }
        let filter = node.text("Filter")?;
        let alias = node.text("Alias").unwrap_or("");
        let first = comparisons(filter, alias).into_iter().find(|c| {
            let number = c.value.trim_matches('\'').starts_with(|d: char| d.is_ascii_digit());
            number && matches!(c.operator.as_str(), "<" | "<=" | "=")
        })?;
        let (rows, removed) = (node.rows()?, node.removed("Rows Removed by Filter"));
        let wasted = removed / (rows + removed).max(1.0);
        if rows + removed < MANY || wasted < WASTED || !view.subtree_matters(at) {
            return None;
        }
        let share = view.subtree_share(at);
        Some(Hit {
            node: at,
            share: share * wasted,
            least: Severity::Info,
            evidence: vec![
                format!(
                    "{} rows numbered, {} kept, {} of the statement",
                    Count(rows + removed),
                    Count(rows),
                    Percent(share)
                ),
                format!("filter {} {} {}", first.operand, first.operator, first.value),
            ],
            fix: "LATERAL with ORDER BY and LIMIT for each group, and an index on (group, order); DISTINCT ON for the first of each; ORDER BY and LIMIT \
                  where there are no groups"
                .into(),
        })
    });
    hits.collect()
}
