//! `advise --frontier`: the same search at several budgets, from the largest that is of any use downwards; what one has asked
//! the next need not ask.

use super::Failure;
use super::advice::ask;
use super::deadline::Deadline;
use super::planner::Planner;
use crate::advisor::frontier::{STEPS, Step, mark_knee};
use crate::advisor::recommend::Decision;
use crate::advisor::search::Search;
use crate::model::whatif::Hypothetical;

/// The steps, largest first, and whether the deadline cut them short.
pub(super) async fn frontier<'a>(
    decision: &Decision<'a>,
    search_within: impl Fn(f64) -> Search<'a>,
    planner: &mut Planner<'a>,
    deadline: Deadline,
) -> Result<(Vec<Step>, bool), Failure> {
    let candidates = decision.candidates;
    let all: f64 = candidates
        .indexes
        .iter()
        .map(Hypothetical::size_bytes)
        .sum();
    let mut answers = decision.search.all_answers().to_vec();
    let mut steps: Vec<Step> = Vec::new();
    let mut hurried = false;
    let mut budget = all;
    while steps.len() < STEPS && !hurried {
        let mut search = search_within(budget).knowing(&answers);
        hurried = ask(&mut search, planner, candidates, deadline).await? || deadline.is_past();
        let choice = search.choice();
        if choice.indexes.is_empty() {
            break;
        }
        let chosen = choice.indexes.iter().map(|&i| &candidates.indexes[i]);
        let size_bytes = chosen.clone().map(Hypothetical::size_bytes).sum();
        let step = Step {
            budget_bytes: (!steps.is_empty()).then_some(budget),
            size_bytes,
            indexes: chosen
                .map(|i| format!("{} {}", i.definition.table, i.definition))
                .collect(),
            load_share_saved: search.share_saved(&choice.indexes),
            gap: choice.gap.unwrap_or(1.0),
            knee: false,
        };
        // A smaller budget that is not reached changes nothing.
        budget = size_bytes / 2.0;
        steps.push(step);
        answers = search.all_answers().to_vec();
    }
    mark_knee(&mut steps);
    Ok((steps, hurried))
}
