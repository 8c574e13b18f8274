//! `recursive-runaway`: a recursive query makes far more rows than there are.

use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "recursive-runaway",
    title: "A recursive query visits the same rows again and again",
    page: "\
WITH RECURSIVE … UNION ALL follows every path. Where a row can be reached by several ways their number multiplies with each step, and in a
cycle it never ends.

Told by: the recursion made a million rows, or 10,000 and ten times as many as the tables have that it reads.

Do: UNION instead of UNION ALL, if the rows carry nothing but where they are; else CYCLE (14 and later) or an array of what was visited, and
a limit of the depth.

All right when: all paths are asked for.",
    check: Check::Plan(check),
};

/// So many rows are too many whatever they are of.
const VERY_MANY: f64 = 1e6;
/// Least rows, and how many times those of the tables.
const MANY: f64 = 10_000.0;
const TIMES: f64 = 10.0;

fn check(view: &View<'_>) -> Vec<Hit> {
    let recursions = view.nodes(&["Recursive Union"]);
    let hits = recursions.filter_map(|(at, node)| {
        let rows = node.rows()?;
        let nodes = &view.explained.nodes;
        let mut below = node.children.iter().copied();
        let step = below.find(|&n| nodes[n].text("Parent Relationship") == Some("Inner"))?;
        let scanned = view.explained.subtree(step).into_iter().filter(|&n| nodes[n].relation().is_some());
        // All have to be known.
        let known: Option<f64> = scanned.map(|n| Some(view.table(n)?.rows())).sum();
        let known = known.filter(|&all| all > 0.0);
        let again = known.is_some_and(|all| rows >= MANY && rows >= TIMES * all);
        if !(again || rows >= VERY_MANY) || !view.subtree_matters(at) {
            return None;
        }
        let share = view.subtree_share(at);
        let mut evidence = vec![format!(
            "{} rows in {} steps, {} of the statement",
            Count(rows),
            Count(nodes[step].loops()),
            Percent(share)
        )];
        evidence.extend(known.map(|all| format!("the tables that each step reads have {} rows", Count(all))));
        Some(Hit {
            node: at,
            share,
            least: Severity::Info,
            evidence,
            fix: "UNION instead of UNION ALL if rows carry no path or depth; else CYCLE, or an array of what was visited, and a limit of the depth".into(),
        })
    });
    hits.collect()
}
