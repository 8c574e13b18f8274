//! `storage-disk`: rows that are kept for later did not fit into memory (18+).

use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::explained::Node;
use crate::model::unit::{Bytes, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "storage-disk",
    title: "Rows that are kept for later spill to disk",
    page: "\
A materialized CTE, a window function, a Materialize node or a function in FROM keeps rows to give them again. What is larger than
work_mem goes to a temporary file.

Told by: Storage is Disk, and Maximum Storage at least 1 MB. PostgreSQL 18 is the first to tell; before, only Temp Blocks do.

Do: keep less: fewer columns, fewer rows (a condition inside of the CTE instead of outside), NOT MATERIALIZED for a CTE that is read once;
else more work_mem for this statement (SET LOCAL work_mem).

All right when: the rows have to be kept, and it is a report that runs at night.",
    check: Check::Plan(check),
};

/// What is saved if nothing is written: the rows are kept all the same.
const SAVED: f64 = 0.5;
/// Less than this is written in no time, kB.
const LITTLE: f64 = 1024.0;

fn check(view: &View<'_>) -> Vec<Hit> {
    let kept = view
        .nodes(&[])
        .filter(|(_, node)| node.text("Storage") == Some("Disk"));
    let noticed =
        kept.filter(|(at, node)| node.count("Maximum Storage") >= LITTLE && view.matters(*at));
    noticed.map(|(at, node)| hit(view, at, node)).collect()
}

fn hit(view: &View<'_>, at: usize, node: &Node) -> Hit {
    let kb = node.count("Maximum Storage");
    let first = match node.node_type() {
        "CTE Scan" => {
            "keep less: conditions and columns inside of the CTE, or NOT MATERIALIZED if it is read once"
        }
        "WindowAgg" => "fewer rows in a partition or frame of the window, fewer columns",
        "Recursive Union" => {
            "fewer columns in the recursive query, or a condition that ends it sooner"
        }
        _ => "fewer rows or columns to keep",
    };
    Hit {
        node: at,
        share: view.share(at) * SAVED,
        least: Severity::Info,
        evidence: vec![format!(
            "{} kept on disk, {} of the statement",
            Bytes(kb * 1024.0),
            Percent(view.share(at))
        )],
        fix: format!(
            "{first}; else more work_mem for this statement, at least SET LOCAL work_mem = '{}MB'",
            (kb / 1024.0 * IN_MEMORY).ceil().max(4.0)
        )
        .into(),
    }
}

/// How much more room rows take in memory than on disk.
const IN_MEMORY: f64 = 2.0;
