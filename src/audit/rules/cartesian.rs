//! `cartesian`: two sides are joined by no condition at all.

use std::collections::BTreeSet;

use crate::audit::estimate::{sides, source};
use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::unit::{Count, Percent};
use crate::query::comparison::{columns, comparisons};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "cartesian",
    title: "Two sides of a join are combined without any condition",
    page: "\
Every row of one side meets every row of the other. Most often a join condition was forgotten, and DISTINCT or GROUP BY hides what
comes of it.

Told by: a nested loop without join filter whose inner side knows nothing of the outer one; both sides have at least ten rows, and 10,000 came
(1,000,000 are expected, where the plan was not executed). Sides that are compared with the same value (a.x = 5 and b.x = 5) are joined by it.

Do: add the missing condition.

All right when: all combinations are meant: each shop with each day of a calendar.",
    check: Check::Plan(check),
};

/// Least rows of each side, and of the join: executed, and only planned.
const SIDE: f64 = 10.0;
const MANY: f64 = 10_000.0;
const PLANNED: f64 = 1e6;

/// What EXPLAIN says of how a node finds its rows. (Output is what it hands on, not how it found it.)
const CONDITIONS: &[&str] = &[
    "Cache Key",
    "Filter",
    "Function Call",
    "Index Cond",
    "Join Filter",
    "One-Time Filter",
    "Recheck Cond",
    "TID Cond",
    "Table Function Call",
];

fn check(view: &View<'_>) -> Vec<Hit> {
    let loops = view.nodes(&["Nested Loop"]);
    let hits = loops.filter_map(|(at, node)| {
        let kind = node.text("Join Type").unwrap_or("Inner");
        if node.text("Join Filter").is_some() || !matches!(kind, "Inner" | "Left") {
            return None;
        }
        let (outer, inner) = sides(view.explained, at)?;
        let executed = view.explained.is_analyzed();
        let each = |n: usize| {
            let node = &view.explained.nodes[n];
            node.number("Actual Rows").unwrap_or(node.plan_rows())
        };
        let (rows, least) = match node.rows() {
            Some(rows) => (rows, MANY),
            None => (node.plan_rows(), PLANNED),
        };
        let small = each(outer) < SIDE || each(inner) < SIDE || rows < least;
        if small || !view.subtree_matters(at) || is_tied(view, outer, inner) {
            return None;
        }
        let share = view.subtree_share(at);
        Some(Hit {
            node: at,
            share,
            least: Severity::Info,
            evidence: vec![format!(
                "{} rows of {} with {} of {} each: {} rows {}, {} of the statement",
                Count(each(outer)),
                view.name(source(view.explained, outer)),
                Count(each(inner)),
                view.name(source(view.explained, inner)),
                Count(rows),
                if executed { "came" } else { "expected" },
                Percent(share)
            )],
            fix: "add the join condition that is missing; if all combinations are meant, CROSS JOIN says so to the reader".into(),
        })
    });
    hits.collect()
}

/// Whether the inner side depends on the outer one, or may.
fn is_tied(view: &View<'_>, outer: usize, inner: usize) -> bool {
    let (outer, inner) = (view.explained.subtree(outer), view.explained.subtree(inner));
    let aliases: BTreeSet<&str> = (outer.iter())
        .filter_map(|&n| view.explained.nodes[n].text("Alias"))
        .collect();
    let lateral = inner.iter().any(|&n| {
        let node = &view.explained.nodes[n];
        // A lateral reference in what is computed or called shows only with VERBOSE.
        let hidden = matches!(
            node.node_type(),
            "Function Scan"
                | "Table Function Scan"
                | "Values Scan"
                | "Result"
                | "ProjectSet"
                | "Subquery Scan"
                | "Foreign Scan"
                | "Aggregate"
                | "Limit"
        );
        let told = !node.list("Output").is_empty();
        let names = |text: &str| {
            let of = columns(text).into_iter().filter_map(|(of, _)| of);
            of.into_iter().any(|of| aliases.contains(of.as_str()))
        };
        let conditions = CONDITIONS.iter().filter_map(|name| node.text(name));
        let mut computed = node.list("Output");
        computed.extend(node.list("Group Key"));
        hidden && !told || conditions.chain(computed).any(names) || node.node_type() == "Memoize"
    });
    lateral || !values(view, &outer).is_disjoint(&values(view, &inner))
}

/// The values that columns of these nodes are equal to.
fn values(view: &View<'_>, nodes: &[usize]) -> BTreeSet<String> {
    let mut values = BTreeSet::new();
    for &n in nodes {
        let node = &view.explained.nodes[n];
        let alias = node.text("Alias").or(node.relation()).unwrap_or("");
        let texts = ["Filter", "Index Cond", "Recheck Cond"];
        for text in texts.iter().filter_map(|name| node.text(name)) {
            let equal = comparisons(text, alias)
                .into_iter()
                .filter(|c| c.operator.starts_with('='));
            // `'5'::text` and `5` may stand for one value of two types.
            values.extend(equal.map(|c| bare(&c.value)));
        }
    }
    values
}

fn bare(value: &str) -> String {
    let value = value.split("::").next().unwrap_or(value);
    value.trim_matches(['(', ')', '\'', ' ']).to_owned()
}
