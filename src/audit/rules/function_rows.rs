//! `function-rows`: a function returns far more rows than the planner was told.

use crate::audit::estimate::off;
use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "function-rows",
    title: "The planner does not know how many rows a function returns",
    page: "\
A function that returns rows is a closed box: unless it is told otherwise (ROWS, or a support function) the planner expects 1,000 rows
of it, 100 of an array. Joins with it are planned for that.

Told by: a Function Scan below a join gave ten times the rows that were expected, and 1,000 rows more in all.

Do: ALTER FUNCTION f ROWS n for a function of one's own; for a list that the application sends, a temporary table with ANALYZE when it
is long.

All right when: the join above is the right one all the same.",
    check: Check::Plan(check),
};

fn check(view: &View<'_>) -> Vec<Hit> {
    let scans = view.nodes(&["Function Scan", "Table Function Scan"]);
    let hits = scans.filter_map(|(at, node)| {
        let off = off(view.explained, at)?;
        let is_join = |n: &usize| {
            let kind = view.explained.nodes[*n].node_type();
            matches!(kind, "Nested Loop" | "Hash Join" | "Merge Join")
        };
        let join = view.explained.ancestors(at).find(is_join)?;
        if !view.subtree_matters(join) {
            return None;
        }
        // More work is done than was planned for; of what is called for each outer row, fewer rows are no harm.
        if !off.is_under() {
            return None;
        }
        let name = node.text("Function Name").unwrap_or("the function");
        let built_in = node.text("Schema") == Some("pg_catalog");
        let advice = if built_in {
            format!("put what {name} returns into a temporary table and ANALYZE it, where it is long and the join above is wrong for it")
        } else {
            format!("ALTER FUNCTION {name} ROWS {:.0}, if it usually returns so many", off.actual)
        };
        Some(Hit {
            node: at,
            share: 0.0,
            least: Severity::Info,
            evidence: vec![
                format!("{} rows expected, {} came", Count(off.planned), Count(off.actual)),
                format!(
                    "{} was planned with that, {} of the statement with all below",
                    view.name(join),
                    Percent(view.subtree_share(join))
                ),
            ],
            fix: advice.into(),
        })
    });
    hits.collect()
}
