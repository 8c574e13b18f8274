//! `subplan-correlated`: a subquery that runs again for each row.

use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "subplan-correlated",
    title: "A subquery runs again for each row",
    page: "\
A subquery in the select list, or in a condition that is no join, runs once for each row that asks for it. For many rows that is a nested
loop which the planner cannot turn into another join.

Told by: a SubPlan ran at least 100 times and took 20 % of the statement. Subqueries that are hashed run once, and do not count; nor do those that
depend on nothing and are kept in memory.

Do: LEFT JOIN with GROUP BY, computed once for all rows; LATERAL where few rows need it; an index on the column by which the
subquery finds its rows, so that each turn is cheap.

All right when: LIMIT keeps the rows few, and an index makes each turn cheap.",
    check: Check::Plan(check),
};

/// Least turns.
const MANY: f64 = 100.0;
/// Least share of the statement.
const SHARE: f64 = 0.2;

fn check(view: &View<'_>) -> Vec<Hit> {
    let subplans = view.nodes(&[]).filter(|(_, node)| {
        // What is kept in memory is `not-in-subplan`'s or is computed once.
        node.text("Parent Relationship") == Some("SubPlan") && node.node_type() != "Materialize"
    });
    let hits = subplans.filter_map(|(at, node)| {
        let loops = node.number("Actual Loops")?;
        let share = view.subtree_share(at);
        if loops < MANY || share < SHARE || !view.subtree_matters(at) {
            return None;
        }
        let holder = node.parent.map_or_else(String::new, |n| view.name(n));
        let name = node.text("Subplan Name").unwrap_or("the subquery");
        let scan = view.explained.subtree(at).into_iter().find(|&n| {
            view.explained.nodes[n].node_type() == "Seq Scan"
        });
        let mut evidence = vec![format!(
            "{name} of {holder} ran {} times, {} of the statement",
            Count(loops),
            Percent(share)
        )];
        let advice = if let Some(scan) = scan {
            evidence.push(format!("each time {} reads the whole table", view.name(scan)));
            "an index on the column by which the subquery finds its rows; or LEFT JOIN a GROUP BY of it, computed once for all rows"
        } else {
            "LEFT JOIN a GROUP BY of it, computed once for all rows; or fewer rows that ask for it (LIMIT before, not after)"
        };
        Some(Hit {
            node: at,
            share,
            least: Severity::Info,
            evidence,
            fix: advice.into(),
        })
    });
    hits.collect()
}
