//! `planning-time`: planning took longer than executing.

use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::unit::Millis;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "planning-time",
    title: "Planning takes longer than executing",
    page: "\
The planner looks at every partition that is not left out, at every order of joins (up to join_collapse_limit tables), and at the statistics of every
column that is compared. For a quick statement that can be most of the work.

Told by: Planning Time is at least 20 ms and at least Execution Time. The first statement of a session also reads the catalogs: plan it twice before
drawing conclusions.

Do: prepared statements, whose generic plan is made once (through a pooler: one that keeps them); fewer partitions, or a condition on the
partition key; fewer tables in one statement; statistics targets no higher than needed.

All right when: the statement runs seldom.",
    check: Check::Plan(check),
};

/// Least time, ms.
const LEAST_MS: f64 = 20.0;

fn check(view: &View<'_>) -> Vec<Hit> {
    let hit = || {
        let (planning, execution) = (
            view.explained.planning_time()?,
            view.explained.execution_time()?,
        );
        if planning < LEAST_MS || planning < execution {
            return None;
        }
        let scans = view
            .explained
            .nodes
            .iter()
            .filter(|node| node.relation().is_some())
            .count();
        let mut evidence = vec![format!(
            "{} planning, {} executing",
            Millis(planning),
            Millis(execution)
        )];
        let read = view
            .explained
            .properties
            .get("Planning")
            .and_then(|p| p.get("Shared Read Blocks")?.as_f64());
        if let Some(read) = read.filter(|&read| read > 0.0) {
            evidence.push(format!(
                "{read:.0} blocks of catalogs were read for it: less the next time"
            ));
        }
        evidence.push(format!("the plan has {scans} scans of tables"));
        Some(Hit {
            node: 0,
            // The execution is not made faster by it.
            share: planning / (planning + execution),
            least: Severity::Info,
            evidence,
            fix: "prepare the statement, so that its plan is made once; or fewer partitions and tables for the planner to weigh".into(),
        })
    };
    hit().into_iter().collect()
}
