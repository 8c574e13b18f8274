//! `count-star`: a whole table is counted.

use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::explained::Node;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "count-star",
    title: "All rows of a table are counted",
    page: "\
PostgreSQL keeps no exact number of rows: whether a row is there depends on who asks. count(*) of a whole table looks at every row, or at
every entry of its smallest index, and takes longer as the table grows.

Told by: an aggregate that gives count(*) and nothing else (EXPLAIN VERBOSE tells) of one table without any condition, of at least 100,000
rows, that takes at least half of the statement.

Do: where about is near enough (pages, dashboards), the number that VACUUM and ANALYZE leave: SELECT reltuples FROM pg_class WHERE oid =
'name'::regclass. Where it has to be exact: a counter that triggers keep. Where it is only asked whether there are more: LIMIT 1.
VACUUM lets an index-only scan do it, which reads less.

All right when: it is asked rarely.",
    check: Check::Plan(check),
};

/// Least rows counted, and least share of the statement.
const MANY: f64 = 100_000.0;
const SHARE: f64 = 0.5;

fn check(view: &View<'_>) -> Vec<Hit> {
    let aggregates = view.nodes(&["Aggregate"]);
    aggregates
        .filter_map(|(at, node)| hit(view, at, node))
        .collect()
}

fn hit(view: &View<'_>, at: usize, node: &Node) -> Option<Hit> {
    let is_all = node.text("Strategy") == Some("Plain") && node.text("Filter").is_none();
    let share = view.subtree_share(at);
    if !is_all || node.list("Output") != ["count(*)"] || share < SHARE || !view.subtree_matters(at)
    {
        return None;
    }
    let scan_at = counted(view, at)?;
    let scan = &view.explained.nodes[scan_at];
    let conditions = ["Filter", "Index Cond", "Recheck Cond"];
    let rows = scan.rows()?;
    if rows < MANY
        || conditions
            .iter()
            .any(|condition| scan.text(condition).is_some())
    {
        return None;
    }
    let table = scan.relation()?;
    let mut evidence = vec![format!(
        "{} rows of {table} counted, {} of the statement",
        Count(rows),
        Percent(share)
    )];
    if let Some(known) = view.table(scan_at) {
        evidence.push(format!("its reltuples say {}", Count(known.rows())));
    }
    Some(Hit {
        node: at,
        share,
        least: Severity::Info,
        evidence,
        fix: "where about is near enough, pg_class.reltuples has the number as of the last VACUUM or ANALYZE; where it has to be \
              exact, a counter kept by triggers"
            .into(),
    })
}

/// The scan whose rows an aggregate counts, if nothing but workers is between.
fn counted(view: &View<'_>, at: usize) -> Option<usize> {
    let nodes = &view.explained.nodes;
    let mut below = at;
    loop {
        let [only] = nodes[below].children[..] else {
            return None;
        };
        below = only;
        match nodes[below].node_type() {
            "Seq Scan" | "Index Only Scan" | "Index Scan" => return Some(below),
            "Gather" | "Aggregate" if nodes[below].text("Group Key").is_none() => {
                let is_part = nodes[below].node_type() == "Gather"
                    || nodes[below].text("Partial Mode") == Some("Partial");
                if !is_part {
                    return None;
                }
            }
            _ => return None,
        }
    }
}
