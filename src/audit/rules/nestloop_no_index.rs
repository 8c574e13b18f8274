//! `nestloop-no-index`: a nested loop compares every pair of rows.

use crate::audit::estimate::{sides, source};
use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "nestloop-no-index",
    title: "A nested loop compares every pair of rows",
    page: "\
Without an index that its join condition could use, a nested loop goes through the whole inner side for each outer row, and throws nearly
all pairs away. Its work is the product of both sides.

Told by: Rows Removed by Join Filter is at least 100,000 in all loops and ten times the rows that the join gave.

Do: for a condition with =, an index on the column of the inner table, or a mended estimate (the planner expected few rows, else it
would have hashed); for OR, a UNION of two joins; for a range or a distance, an index that answers it (GiST).

All right when: one side has but a handful of rows.",
    check: Check::Plan(check),
};

/// Least pairs thrown away.
const MANY: f64 = 100_000.0;
/// How many times as many as are kept.
const TIMES: f64 = 10.0;

fn check(view: &View<'_>) -> Vec<Hit> {
    let loops = view.nodes(&["Nested Loop"]);
    let hits = loops.filter_map(|(at, node)| {
        let condition = node.text("Join Filter")?;
        let rows = node.rows()?;
        let removed = node.removed("Rows Removed by Join Filter");
        if removed < MANY || removed < TIMES * rows || !view.subtree_matters(at) {
            return None;
        }
        let (_, inner) = sides(view.explained, at)?;
        // The comparing is the join's own time, going through the rows that of the inner side.
        let share = (view.share(at) + view.subtree_share(inner)).min(1.0);
        let below = view.explained.subtree(inner);
        let of_table = below.iter().any(|&n| view.explained.nodes[n].relation().is_some());
        let advice = if !of_table {
            "put the inner side, which is no table, into a temporary table with an index on what is joined, and ANALYZE it"
        } else if condition.contains(" OR ") {
            "join once for each alternative and put the results together with UNION: an OR can be neither hashed nor looked up"
        } else if condition.contains(" = ") {
            "an index on the inner table's column of the join condition; and look at the estimate of the outer side: for many rows the \
             planner would have hashed"
        } else {
            "an index that answers the join condition (btree for <, >; GiST for ranges, distances and overlaps), so that each turn looks at \
             few rows"
        };
        Some(Hit {
            node: at,
            share,
            least: Severity::Info,
            evidence: vec![
                format!(
                    "{} pairs compared, {} kept, {} of the statement",
                    Count(removed + rows),
                    Count(rows),
                    Percent(share)
                ),
                format!("join filter {condition}"),
                format!(
                    "{} was gone through {} times",
                    view.name(source(view.explained, inner)),
                    Count(view.explained.nodes[inner].loops())
                ),
            ],
            fix: advice.into(),
        })
    });
    hits.collect()
}
