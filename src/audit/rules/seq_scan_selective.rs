//! `seq-scan-selective`: a table is read from end to end for a small part of its rows.

use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule, seq_scan_in_loop};
use crate::audit::view::View;
use crate::model::explained::Node;
use crate::model::unit::{Count, Percent};

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

/// Least rows or blocks that make a scan large.
const MANY_ROWS: f64 = 10_000.0;
const MANY_BLOCKS: f64 = 1000.0;
/// Least share of the rows that is thrown away: of more rows an index would not find them sooner.
const WASTED: f64 = 0.9;
/// Most of a table's rows that are few.
const FEW: f64 = 0.05;

fn check(view: &View<'_>) -> Vec<Hit> {
    let scans = view.nodes(&["Seq Scan"]);
    let scans = scans.filter(|(at, node)| node.text("Filter").is_some() && view.matters(*at));
    scans.filter_map(|(at, node)| hit(view, at, node)).collect()
}

fn hit(view: &View<'_>, at: usize, node: &Node) -> Option<Hit> {
    let (share, evidence) = if let Some(rows) = node.rows() {
        let removed = node.removed("Rows Removed by Filter");
        let read = rows + removed;
        let large = read >= MANY_ROWS || view.exclusive.blocks.own[at] >= MANY_BLOCKS;
        let wasted = removed / read.max(1.0);
        if !large || wasted < WASTED || seq_scan_in_loop::applies(view, at, node) {
            return None;
        }
        let evidence = format!("{} of {} rows kept", Count(rows), Count(read));
        (view.share(at) * wasted, evidence)
    } else {
        let table = view.table(at)?;
        let (expected, all) = (node.plan_rows(), table.rows());
        if table.relpages < MANY_BLOCKS || expected > FEW * all {
            return None;
        }
        let evidence = format!("{} of {} rows expected", Count(expected), Count(all));
        (view.share(at), evidence)
    };
    let filter = node.text("Filter").unwrap_or("");
    Some(Hit {
        node: at,
        share,
        least: Severity::Info,
        evidence: vec![
            format!("{evidence}, {} of the statement", Percent(view.share(at))),
            format!("filter {filter}"),
        ],
        fix: "an index on the columns of the filter: equality first, then range or order; pgperf advise proposes it".into(),
    })
}
