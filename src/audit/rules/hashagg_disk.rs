//! `hashagg-disk`: groups that did not fit into memory.

use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::explained::Node;
use crate::model::unit::{Bytes, Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "hashagg-disk",
    title: "A hash aggregate spills to disk",
    page: "\
GROUP BY, DISTINCT or UNION by hashing keeps one entry for each group. Once those fill work_mem (times hash_mem_multiplier), rows of
groups that have no entry yet are written to temporary files and aggregated later, batch by batch.

Told by: Disk Usage of the node and its workers is at least 1 MB.

Do: more work_mem for this statement (SET LOCAL work_mem); or an index on the grouped columns, so that rows come sorted and one group
at a time is kept. Where far more groups came than were expected: ANALYZE the table, or tell the planner the number of distinct
values (ALTER TABLE ... ALTER COLUMN ... SET (n_distinct = ...), CREATE STATISTICS (ndistinct) for several columns).

All right when: it is a report that runs at night.",
    check: Check::Plan(check),
};

/// So many times the groups expected are a wrong expectation.
const SURPRISE: f64 = 5.0;
/// Less than this is written in no time, kB.
const LITTLE: f64 = 1024.0;

fn check(view: &View<'_>) -> Vec<Hit> {
    let aggregates = view
        .nodes(&["Aggregate"])
        .filter(|(at, _)| view.matters(*at));
    aggregates
        .filter_map(|(at, node)| hit(view, at, node))
        .collect()
}

fn hit(view: &View<'_>, at: usize, node: &Node) -> Option<Hit> {
    let workers: Vec<Node> = node.each("Workers").collect();
    let all = || std::iter::once(node).chain(&workers);
    let (mut disk, mut batches, mut memory) = (0.0_f64, 0.0_f64, 0.0_f64);
    for process in all() {
        disk += process.count("Disk Usage");
        batches = batches.max(process.count("HashAgg Batches"));
        memory = memory.max(process.count("Peak Memory Usage"));
    }
    if disk < LITTLE {
        return None;
    }
    let groups = node.count("Actual Rows");
    let mut evidence = vec![format!(
        "{} in memory, {} on disk in {} batches; {} of the statement",
        Bytes(memory * 1024.0),
        Bytes(disk * 1024.0),
        Count(batches),
        Percent(view.share(at))
    )];
    let keys = node.list("Group Key").join(", ");
    let is_surprise = groups > SURPRISE * node.plan_rows();
    if is_surprise {
        evidence.push(format!(
            "{} groups by {keys}, {} expected",
            Count(groups),
            Count(node.plan_rows())
        ));
    } else {
        evidence.push(format!("{} groups by {keys}", Count(groups)));
    }
    let first = if is_surprise {
        "ANALYZE the table, so that the planner knows how many groups there are; then "
    } else {
        ""
    };
    Some(Hit {
        node: at,
        share: view.share(at),
        least: Severity::Info,
        evidence,
        fix: format!(
            "{first}more work_mem for this statement (SET LOCAL work_mem, or hash_mem_multiplier), or an index on the grouped columns \
             that gives the rows in their order"
        )
        .into(),
    })
}
