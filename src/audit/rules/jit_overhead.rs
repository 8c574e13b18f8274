//! `jit-overhead`: compiling took longer than it can have saved.

use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::explained::Node;
use crate::model::unit::{CostUnits, Millis, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "jit-overhead",
    title: "Just-in-time compilation takes much of the statement's time",
    page: "\
Expressions are compiled to machine code when a plan's cost is above jit_above_cost. That pays for statements of many seconds. Where costs are
overestimated, or there are many partitions and expressions, compiling takes longer than what it makes faster.

Told by: JIT took at least 20 ms and 10 % of the execution.

Do: a higher jit_above_cost (the default, 100000, is low for today's machines), or jit = off for the role or the database of an
application with short statements. If the cost is far too high for what the statement does, mend the estimates first.

All right when: the compiled statement is faster than the same one with SET jit = off.",
    check: Check::Plan(check),
};

/// Least time, ms.
const LEAST_MS: f64 = 20.0;
/// Least share of the execution.
const SHARE: f64 = 0.1;

fn check(view: &View<'_>) -> Vec<Hit> {
    let hit = || {
        let (jit, total) = (view.explained.jit_time()?, view.explained.execution_time()?);
        let share = jit / total.max(f64::MIN_POSITIVE);
        if jit < LEAST_MS || share < SHARE {
            return None;
        }
        let root = view.explained.root();
        let mut evidence = vec![format!(
            "{} of {}, {}",
            Millis(jit),
            Millis(total),
            Percent(share.min(1.0))
        )];
        let jit = view
            .explained
            .properties
            .get("JIT")
            .and_then(|jit| jit.get("Functions")?.as_f64());
        evidence.extend(jit.map(|functions| {
            let cost = CostUnits(Node::count(root, "Total Cost"));
            format!("{functions:.0} functions were compiled for a plan of cost {cost}")
        }));
        Some(Hit {
            node: 0,
            share: share.min(1.0),
            least: Severity::Info,
            evidence,
            fix: "raise jit_above_cost, or jit = off for the role of an application with short statements; compare with SET jit = off first".into(),
        })
    };
    hit().into_iter().collect()
}
