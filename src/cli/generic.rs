//! What advised statements would cost by a generic plan, which prepared statements may settle on.

use std::collections::BTreeMap;

use super::Failure;
use super::deadline::Deadline;
use super::planner::Planner;
use crate::advisor::generic::{asked_with_values, judge};
use crate::advisor::recommend::Decision;
use crate::advisor::recommendation::Recommendation;
use crate::advisor::search::Choice;
use crate::model::whatif::Source;

/// Asks, and notes it where an advised index would not be used; whether the deadline came before the end.
pub(super) async fn check_generic<'a>(
    decision: &Decision<'a>,
    choice: &Choice,
    planner: &mut Planner<'a>,
    deadline: Deadline,
    recommendations: &mut [Recommendation],
) -> Result<bool, Failure> {
    // Arithmetic knows no generic plans.
    if planner.source() == Source::Estimate {
        return Ok(false);
    }
    let candidates = decision.candidates;
    let chosen = choice.indexes.iter().map(|&i| &candidates.indexes[i]);
    let chosen: Vec<_> = chosen.collect();
    let mut generic = BTreeMap::new();
    let mut late = false;
    for query in asked_with_values(decision, recommendations) {
        late = deadline.is_past();
        if late {
            break;
        }
        if let Some(cost) = planner.generic(query, &chosen).await? {
            generic.insert(query, cost);
        }
    }
    judge(decision, recommendations, &choice.indexes, &generic);
    Ok(late)
}
