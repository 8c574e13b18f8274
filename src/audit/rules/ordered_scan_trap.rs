//! `ordered-scan-trap`: an index is walked in the order of ORDER BY, in the hope that LIMIT ends it soon, and it does not.

use crate::audit::condition::{Comparison, Kind, comparisons, conjuncts, key_columns};
use crate::audit::finding::Severity;
use crate::audit::rows::about;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::explained::Node;
use crate::model::index::IndexKey;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "ordered-scan-trap",
    title: "LIMIT made the planner walk an index in order, and nearly every row on the way is thrown away",
    page: "\
For ORDER BY x LIMIT 10 the planner may walk the index on x and stop at the tenth row that passes the filter. It expects the rows
that pass to lie evenly along x. Where they are rare, or all at the far end, the walk reads most of the table through the index,
which is slower than reading it from end to end. min() and max() of a filtered table are planned in the same way.

Told by: below a Limit, an Index Scan without a condition for the index (but for IS NOT NULL), whose filter throws away at least 10,000
rows and at least a hundred for each row that it gives.

Do: an index on the columns of the filter that are compared for equality, then those of the order: it holds the wanted rows, and
only those, in order. Where the filter has bounds (<, >), an index on the columns of the filter: the few rows are soon sorted. Until
it exists, ordering by an expression (ORDER BY x + 0) keeps the planner from walking the index on x.

All right when: the rows that are looked for are usually near the beginning, and this execution was an exception.",
    check: Check::Plan(check),
};

/// Least rows thrown away, and for each row that is given.
const MANY: f64 = 10_000.0;
const FOR_EACH: f64 = 100.0;

fn check(view: &View<'_>) -> Vec<Hit> {
    let scans = view.nodes(&["Index Scan"]);
    let walks = scans.filter(|(at, node)| finds_nothing(node) && is_limited(view, *at));
    walks.filter_map(|(at, node)| hit(view, at, node)).collect()
}

fn hit(view: &View<'_>, at: usize, node: &Node) -> Option<Hit> {
    let filter = node.text("Filter")?;
    // It is one loop mostly: of more, the averages are near enough to the large numbers asked for.
    let (rows, removed) = (node.rows()?, node.removed("Rows Removed by Filter"));
    if removed < MANY || removed < FOR_EACH * rows || !view.matters(at) {
        return None;
    }
    let index = node.text("Index Name")?;
    let alias = node.text("Alias").or(node.relation())?;
    let filtered = comparisons(filter, alias)?;
    let order = order_of(view, at, index)?;
    let wasted = removed / (rows + removed);
    Some(Hit {
        node: at,
        share: view.share(at) * wasted,
        least: Severity::Info,
        evidence: vec![
            format!(
                "{}{} rows read in the order of {index} for {} that pass, {} of the statement",
                about(node),
                Count(rows + removed),
                Count(rows),
                Percent(view.share(at))
            ),
            format!("filter {filter}"),
        ],
        fix: advice(&filtered, &order).into(),
    })
}

/// Whether the condition of the index, if there is one, leaves all its rows in.
fn finds_nothing(node: &Node) -> bool {
    let all = |condition: &str| {
        conjuncts(condition)
            .iter()
            .all(|part| part.ends_with(" IS NOT NULL"))
    };
    node.text("Index Cond").is_none_or(all) && node.text("Order By").is_none()
}

/// Whether a Limit stops it: nothing between them has to see all rows before it gives one.
fn is_limited(view: &View<'_>, at: usize) -> bool {
    let mut below = at;
    for above in view.explained.ancestors(at) {
        let node = &view.explained.nodes[above];
        let is_outer = node.children.first() == Some(&below);
        match node.node_type() {
            "Limit" => return true,
            "LockRows" | "Result" | "ProjectSet" | "Subquery Scan" | "Gather Merge"
            | "Merge Append" | "Append" | "Incremental Sort" => {}
            "Nested Loop" if is_outer => {}
            _ => return false,
        }
        below = above;
    }
    false
}

/// The columns that the index is ordered by, empty where they are not known or not told by their names alone; `None` where it may
/// have been chosen for its rows, because it is partial.
fn order_of<'a>(view: &View<'a>, at: usize, index: &str) -> Option<Vec<&'a str>> {
    let Some(known) = view.index(at, index) else {
        return Some(Vec::new());
    };
    let definition = &known.definition;
    if definition.predicate.is_some() || definition.method != "btree" {
        return None;
    }
    let is_plain = |key: &IndexKey| key == &IndexKey::column(key.column_name().unwrap_or(""));
    let columns = if definition.keys.iter().all(is_plain) {
        definition.key_columns().collect()
    } else {
        Vec::new()
    };
    Some(columns)
}

fn advice(filtered: &[Comparison<'_>], order: &[&str]) -> String {
    let columns = key_columns(filtered);
    let has_bound = filtered.iter().any(|c| c.kind == Kind::Range);
    let until =
        "until then ORDER BY an expression (x + 0) keeps the planner from walking the index";
    match (columns.is_empty(), has_bound, order) {
        (true, ..) => {
            "a partial index with the same columns whose WHERE is the filter: it has only the rows that pass, in order".into()
        }
        (_, true, _) => format!("an index on ({}) finds the few rows, which are soon sorted; {until}", columns.join(", ")),
        (_, _, []) => format!(
            "an index on ({}) and then the columns of the order: it holds the wanted rows in order; {until}",
            columns.join(", ")
        ),
        (_, _, order) => {
            let more = order.iter().filter(|column| !columns.contains(column));
            let all: Vec<&str> = columns.iter().chain(more).copied().collect();
            format!("an index on ({}): it holds the wanted rows in order; {until}", all.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::audit::rules::of_plan;
    use crate::audit::view::View;
    use crate::model::explained::Explained;

    /// The rules that apply to a walk along an index, so often, with what each time is thrown away.
    fn found(condition: &str, loops: u32, removed: u32) -> Vec<&'static str> {
        let plan = format!(
            "Limit  (cost=0..9 rows=1 width=4) (actual time=20.0..20.1 rows=1 loops={loops})
               ->  Index Scan Backward using o_pkey on o  (cost=0..9 rows=9 width=4) (actual time=20.0..20.0 rows=1 loops={loops})
                     Index Cond: ({condition})
                     Filter: (o.customer_id = c.id)
                     Rows Removed by Filter: {removed}"
        );
        let explained = Explained::read(&plan).unwrap();
        let findings = of_plan(&View::new(&explained, None));
        findings.iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn a_walk_finds_nothing_by_the_index_and_a_search_does() {
        for (condition, loops, removed, rules) in [
            ("o.id IS NOT NULL", 120, 2558, vec!["ordered-scan-trap"]),
            ("o.id > 5", 120, 2558, vec!["index-filter-waste"]),
            ("o.id IS NOT NULL", 120, 50, vec![]),
            ("o.id IS NOT NULL", 1, 5000, vec![]),
        ] {
            let case = format!("{condition}, {loops} loops, {removed} removed");
            assert_eq!(found(condition, loops, removed), rules, "{case}");
        }
    }
}
