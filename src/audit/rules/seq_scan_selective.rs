//! `seq-scan-selective`: a table is read from end to end for a small part of its rows.

use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule, seq_scan_in_loop};
use crate::audit::scan::waste;
use crate::audit::view::View;
use crate::model::explained::Node;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "seq-scan-selective",
    title: "A table is read from end to end for few of its rows",
    page: "\
The filter of a sequential scan throws away most of what it reads. An index on the columns of the filter would find the few rows.

Told by: Rows Removed by Filter is at least nine tenths of the rows read, of 10,000 rows or 1,000 blocks. Where the plan was not
executed: the planner expects at most 5 % of the rows of a table of at least 1,000 pages.

Do: build the index that `pgperf advise` proposes for the statement: equality columns first, then the range or the order.

All right when: the statement runs once a day, or the table is small enough to be read in a millisecond.",
    check: Check::Plan(check),
};

fn check(view: &View<'_>) -> Vec<Hit> {
    let scans = view.nodes(&["Seq Scan"]);
    let scans = scans.filter(|(at, node)| !seq_scan_in_loop::applies(view, *at, node));
    scans.filter_map(|(at, node)| hit(view, at, node)).collect()
}

fn hit(view: &View<'_>, at: usize, node: &Node) -> Option<Hit> {
    let wasted = waste(view, at)?;
    let filter = node.text("Filter").unwrap_or("");
    Some(Hit {
        node: at,
        share: wasted.share,
        least: Severity::Info,
        evidence: vec![wasted.evidence, format!("filter {filter}")],
        fix: "an index on the columns of the filter: equality first, then range or order; pgperf advise proposes it".into(),
    })
}
