//! `workers-not-launched`: a parallel plan got fewer processes than it was made for.

use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::unit::Percent;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "workers-not-launched",
    title: "A parallel plan did not get the workers it was planned for",
    page: "\
A parallel plan is chosen for the workers that it may have. If all of the server's workers are busy when it starts, it runs with fewer, or with none, in
a plan that is good for many.

Told by: Workers Launched is less than Workers Planned.

Do: raise max_parallel_workers (and max_worker_processes, which it is taken from) if processors are idle; lower
max_parallel_workers_per_gather if they are not, so that each statement asks for less.

All right when: it happens now and then at peak load.",
    check: Check::Plan(check),
};

fn check(view: &View<'_>) -> Vec<Hit> {
    let gathers = view.nodes(&["Gather", "Gather Merge"]);
    let hits = gathers.filter_map(|(at, node)| {
        let (planned, launched) = (node.number("Workers Planned")?, node.number("Workers Launched")?);
        if launched >= planned || !view.subtree_matters(at) {
            return None;
        }
        let whole = view.subtree_share(at);
        // With all of them the same work would have been done by so many more.
        let saved = 1.0 - (launched + 1.0) / (planned + 1.0);
        Some(Hit {
            node: at,
            share: whole * saved,
            least: Severity::Info,
            evidence: vec![format!(
                "{launched:.0} of {planned:.0} workers launched, for {} of the statement",
                Percent(whole)
            )],
            fix: "raise max_parallel_workers and max_worker_processes if processors are idle; else lower max_parallel_workers_per_gather".into(),
        })
    });
    hits.collect()
}
