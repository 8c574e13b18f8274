//! `not-in-subplan`: NOT IN over a subquery that was too large to be hashed.

use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "not-in-subplan",
    title: "NOT IN goes through its subquery's whole result for each row",
    page: "\
NOT IN is no join for the planner, because of what it says of NULLs. Its result is put into a hash table if that is expected to fit into
work_mem times hash_mem_multiplier; if not, it is gone through from its begin for each row. Seconds become hours when the table grows over that mark.

Told by: a filter with NOT has a subquery that is no hash table but kept as a list (Materialize), which was gone through at least 1,000 times.

Do: NOT EXISTS (SELECT FROM … WHERE … = …), which is joined. It is the same where neither side is NULL; where the subquery has a NULL,
NOT IN finds nothing, which is seldom meant.

All right when: never; more work_mem only moves the mark.",
    check: Check::Plan(check),
};

/// Least turns.
const MANY: f64 = 1000.0;

fn check(view: &View<'_>) -> Vec<Hit> {
    let lists = view
        .nodes(&["Materialize"])
        .filter(|(_, node)| node.text("Parent Relationship") == Some("SubPlan"));
    let hits = lists.filter_map(|(at, node)| {
        let loops = node.number("Actual Loops")?;
        let holder = node.parent?;
        let name = node.text("Subplan Name")?;
        let above = &view.explained.nodes[holder];
        let conditions = ["Filter", "Join Filter", "Index Cond", "One-Time Filter"];
        let mut conditions = conditions.iter().filter_map(|name| above.text(name));
        let negated = conditions.find(|text| is_negated(text, name))?;
        if loops < MANY || !view.subtree_matters(holder) {
            return None;
        }
        let share = (view.subtree_share(at) + view.share(holder)).min(1.0);
        let rows = node.rows().unwrap_or(0.0);
        Some(Hit {
            node: at,
            share,
            least: Severity::Info,
            evidence: vec![
                format!(
                    "gone through {} times, {} values in all, {} of the statement",
                    Count(loops),
                    Count(rows),
                    Percent(share)
                ),
                format!("filter {negated} of {}", view.name(holder)),
            ],
            fix: "NOT EXISTS with the comparison as its condition: it is joined, whatever the size; mind that NOT IN finds nothing where the \
                  subquery has a NULL"
                .into(),
        })
    });
    hits.collect()
}

/// Whether NOT stands before a subquery: `(NOT (SubPlan 1))` up to 16, `(NOT (ANY (id = (SubPlan 1).col1)))` from 17 on.
fn is_negated(condition: &str, name: &str) -> bool {
    let Some(at) = condition.find(&format!("({name})")) else {
        return false;
    };
    let before = &condition[..at];
    let Some(not) = before.rfind("(NOT ") else {
        return false;
    };
    let between = &before[not..];
    // No other condition stands between.
    !between.contains(" AND ") && !between.contains(" OR ") && !between.contains("EXISTS")
}
