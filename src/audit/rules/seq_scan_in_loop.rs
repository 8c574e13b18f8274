//! `seq-scan-in-loop`: a table is read from end to end again for each row of something else.

use crate::audit::condition::{Comparison, Kind, comparison, conjuncts, names};
use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::explained::Node;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "seq-scan-in-loop",
    title: "A table is read from end to end again and again, for each row of another",
    page: "\
A subquery or the inner side of a nested loop depends on a value of the row outside, and no index finds the rows for that value: the
whole table is read for every row. Twice the rows outside are twice the work.

Told by: a Seq Scan that was made at least ten times by each process, with a filter that compares with another table, that reads at
least 1,000 rows each time and 100,000 in all.

Do: an index on the column that is compared. Without one: compute what the subquery computes once for all (GROUP BY) and join it,
which lets the planner hash it.

All right when: the outer rows are always few.",
    check: Check::Plan(check),
};

/// Least executions by each process, least rows read each time, and in all.
const TIMES: f64 = 10.0;
const ROWS_EACH_TIME: f64 = 1000.0;
const ROWS: f64 = 100_000.0;
/// An index helps where it leaves this share of the rows, or fewer.
const MOST: f64 = 0.5;

/// Whether a sequential scan is that; other rules leave it to this one then.
pub(super) fn applies(view: &View<'_>, at: usize, node: &Node) -> bool {
    let read = read(node);
    let each_process = node.loops() / processes(view, at);
    node.rows().is_some()
        && !node.is("Parallel Aware")
        && each_process >= TIMES
        && read >= ROWS
        && read / node.loops() >= ROWS_EACH_TIME
        && compared(node).is_some()
        && !is_join_of_pairs(view, node)
        && !is_indexed(view, at, node)
}

fn check(view: &View<'_>) -> Vec<Hit> {
    let scans = view.nodes(&["Seq Scan"]);
    let again = scans.filter(|(at, node)| applies(view, *at, node) && view.matters(*at));
    again.filter_map(|(at, node)| hit(view, at, node)).collect()
}

fn hit(view: &View<'_>, at: usize, node: &Node) -> Option<Hit> {
    let (read, rows) = (read(node), node.rows()?);
    let columns: Vec<&str> = joined(node).iter().map(|c| c.column).collect();
    let table = node.relation()?;
    let fix = if columns.is_empty() || rows > MOST * read {
        "compute it once for all rows (GROUP BY what is compared) and join that, instead of once for each row".to_owned()
    } else {
        format!(
            "an index on {table} ({}); without one, compute it once for all rows (GROUP BY) and join that",
            columns.join(", ")
        )
    };
    Some(Hit {
        node: at,
        share: view.share(at) * (1.0 - 1.0 / node.loops()),
        least: Severity::Info,
        evidence: vec![
            format!(
                "read {} times, about {} rows in all, of which {} are kept; {} of the statement",
                Count(node.loops()),
                Count(read),
                Count(rows),
                Percent(view.share(at))
            ),
            format!("filter {}", node.text("Filter")?),
        ],
        fix: fix.into(),
    })
}

fn read(node: &Node) -> f64 {
    node.rows().unwrap_or(0.0) + node.removed("Rows Removed by Filter")
}

/// Processes that ran a node: below a Gather there are workers.
fn processes(view: &View<'_>, at: usize) -> f64 {
    let nodes = &view.explained.nodes;
    let mut gathers =
        (view.explained.ancestors(at)).filter(|&a| nodes[a].node_type().starts_with("Gather"));
    gathers
        .next()
        .map_or(1.0, |a| nodes[a].count("Workers Launched") + 1.0)
}

/// A condition that names another table.
fn compared(node: &Node) -> Option<&str> {
    let alias = node.text("Alias").or(node.relation())?;
    let is_other = |name: &&str| {
        name.rsplit_once('.')
            .is_some_and(|(table, _)| table.trim_matches('"') != alias)
    };
    let filter = node.text("Filter")?;
    let parts = conjuncts(filter).into_iter();
    parts
        .filter(|part| !part.contains("SubPlan"))
        .find(|part| names(part).iter().any(is_other))
}

/// The columns compared for equality with another table.
fn joined(node: &Node) -> Vec<Comparison<'_>> {
    let alias = node.text("Alias").or(node.relation()).unwrap_or("");
    let parts = conjuncts(node.text("Filter").unwrap_or("")).into_iter();
    let all = parts.filter_map(|part| comparison(part, alias));
    all.filter(|c| c.is_join && c.kind == Kind::Equality)
        .collect()
}

/// A nested loop that compares all pairs of rows is another matter.
fn is_join_of_pairs(view: &View<'_>, node: &Node) -> bool {
    let above = node.parent.map(|above| &view.explained.nodes[above]);
    above.is_some_and(|above| {
        above.node_type() == "Nested Loop" && above.text("Join Filter").is_some()
    })
}

/// Whether there is an index for it already, which the planner did not want.
fn is_indexed(view: &View<'_>, at: usize, node: &Node) -> bool {
    let Some((table, snapshot)) = view.table(at).zip(view.snapshot) else {
        return false;
    };
    let columns: Vec<&str> = joined(node).iter().map(|c| c.column).collect();
    snapshot.indexes_of(table.oid).any(|index| {
        let first = index
            .definition
            .keys
            .first()
            .and_then(|key| key.column_name());
        index.usable() && first.is_some_and(|first| columns.contains(&first))
    })
}
