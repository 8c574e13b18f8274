//! `parallel-skew`: one process does most of a parallel part.

use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::explained::Node;
use crate::model::unit::{Millis, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "parallel-skew",
    title: "One process does most of the work of a parallel plan",
    page: "\
All wait for the slowest. The pages of one table are dealt out evenly; but a branch of a Parallel Append that cannot be split (a subquery with an
aggregate or LIMIT, a partition below min_parallel_table_scan_size) keeps one process busy while the others are done.

Told by: with VERBOSE and BUFFERS, below a Gather with at least two workers and a Parallel Append, one process took at least twice the mean of all,
both in time (50 ms or more) and in blocks. Time alone says little: on a busy machine any process may have waited for a processor.

Do: lower min_parallel_table_scan_size, so that the large branch is split; look at partitions of very unequal size; have the aggregate computed
over all branches together.

All right when: the statement is quick enough.",
    check: Check::Plan(check),
};

/// Least workers.
const WORKERS: usize = 2;
/// How many times the mean.
const TIMES: f64 = 2.0;
/// Least time of the slowest, ms.
const LEAST_MS: f64 = 50.0;

fn check(view: &View<'_>) -> Vec<Hit> {
    let gathers = view.nodes(&["Gather", "Gather Merge"]);
    let hits = gathers.filter_map(|(gather, node)| {
        let nodes = &view.explained.nodes;
        let mut below = node.children.iter().copied();
        let at = below.find(|&n| nodes[n].text("Parent Relationship") == Some("Outer"))?;
        let workers = nodes[at].workers();
        let branches = |n: &usize| nodes[*n].node_type() == "Append" && nodes[*n].is("Parallel Aware");
        let append = view.explained.subtree(at).into_iter().find(branches)?;
        if workers.len() < WORKERS || !view.subtree_matters(gather) || !is_uneven(&nodes[append]) {
            return None;
        }
        let mut times: Vec<f64> = workers.iter().map(|w| w.total_time * w.loops).collect();
        let all = nodes[at].count("Actual Total Time") * nodes[at].loops();
        let of_leader = all - times.iter().sum::<f64>();
        let loops: f64 = workers.iter().map(|w| w.loops).sum();
        // A leader that only gathers (parallel_leader_participation = off) has no part in it.
        if nodes[at].loops() > loops {
            times.push(of_leader.max(0.0));
        }
        let slowest = times.iter().copied().fold(0.0, f64::max);
        #[expect(clippy::cast_precision_loss, reason = "a count of processes")]
        let mean = times.iter().sum::<f64>() / times.len() as f64;
        if slowest < LEAST_MS || slowest < TIMES * mean {
            return None;
        }
        let whole = view.subtree_share(gather);
        Some(Hit {
            node: append,
            share: whole * (1.0 - mean / slowest),
            least: Severity::Info,
            evidence: vec![format!(
                "the slowest of {} processes took {}, all of them {} on average, {} of the statement",
                times.len(),
                Millis(slowest),
                Millis(mean),
                Percent(whole)
            )],
            fix: "look for the branch that one process has to do alone: an aggregate can be computed over all branches together, and a lower \
                  min_parallel_table_scan_size lets smaller tables be split"
                .into(),
        })
    });
    hits.collect()
}

/// Whether one process looked at so many more blocks than the others.
fn is_uneven(node: &Node) -> bool {
    let mut blocks: Vec<f64> = node.each("Workers").map(|w| w.shared_blocks()).collect();
    blocks.push((node.shared_blocks() - blocks.iter().sum::<f64>()).max(0.0));
    #[expect(clippy::cast_precision_loss, reason = "a count of processes")]
    let mean = blocks.iter().sum::<f64>() / blocks.len() as f64;
    let most = blocks.iter().copied().fold(0.0, f64::max);
    most > 0.0 && most >= TIMES * mean
}
