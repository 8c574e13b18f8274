//! Before and after: the planted problems' times and costs, without the advised indexes and with them.

use std::fmt::Write as _;

use crate::cli::Failure;
use crate::cli::demo::traffic::{Kind, Measured};
use crate::pg::local::Session;

/// The planner's total cost of one statement of each planted problem; `None` for the kinds that are none.
pub(super) async fn costs(
    session: &Session,
    kinds: &[Kind],
    measured: &[Measured],
) -> Result<Vec<Option<f64>>, Failure> {
    let mut costs = Vec::new();
    for (kind, measured) in kinds.iter().zip(measured) {
        costs.push(match kind.wants {
            // Plain EXPLAIN: updates and deletes are only planned.
            Some(_) => {
                let plan = session
                    .column(&format!("explain {}", measured.example))
                    .await?;
                total_cost(&plan)
            }
            None => None,
        });
    }
    Ok(costs)
}

/// The highest total cost of a plan as text: the top node's, or, as a `ModifyTable` node costs what its child costs, its child's.
fn total_cost(plan: &[String]) -> Option<f64> {
    plan.first()?
        .split_once("cost=")?
        .1
        .split_once("..")?
        .1
        .split(' ')
        .next()?
        .parse()
        .ok()
}

/// One pass of the traffic and the costs at its time.
pub(super) struct Pass {
    pub(super) measured: Vec<Measured>,
    pub(super) costs: Vec<Option<f64>>,
}

/// A table of the planted problems, and the time of the whole traffic.
pub(super) fn table(kinds: &[Kind], before: &Pass, after: &Pass) -> String {
    let mut text = format!(
        "{:<28} {:>5}  {:>9} {:>9}  {:>10} {:>10}  {}\n",
        "Planted problem", "calls", "ms before", "ms after", "cost before", "cost after", "wants"
    );
    for (at, kind) in kinds.iter().enumerate() {
        let (Some(wants), Some(cost_before), Some(cost_after)) =
            (kind.wants, before.costs[at], after.costs[at])
        else {
            continue;
        };
        let _infallible = writeln!(
            text,
            "{:<28} {:>5}  {:>9.2} {:>9.2}  {:>11.0} {:>10.0}  {wants}",
            kind.name,
            before.measured[at].calls,
            before.measured[at].mean_ms(),
            after.measured[at].mean_ms(),
            cost_before,
            cost_after
        );
    }
    let total = |pass: &Pass| {
        pass.measured
            .iter()
            .map(|m| m.total.as_secs_f64())
            .sum::<f64>()
    };
    let calls: u32 = before.measured.iter().map(|m| m.calls).sum();
    text + &format!(
        "All {calls} statements: {:.1} s before, {:.1} s after\n",
        total(before),
        total(after)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_cost_of_a_plan() {
        let plan = [
            "Limit  (cost=0.42..17.50 rows=20 width=8)".to_owned(),
            "  ->  …".to_owned(),
        ];
        assert_eq!(total_cost(&plan), Some(17.5));
        assert_eq!(total_cost(&["QUERY PLAN".to_owned()]), None);
        assert_eq!(total_cost(&[]), None);
    }
}
