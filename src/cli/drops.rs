//! What the workload would cost without indexes that exist: those that advice drops or could replace, and those that writes
//! pay much for.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::Failure;
use super::advice::AdviceOptions;
use super::deadline::Deadline;
use super::planner::Planner;
use crate::advisor::candidates::Candidates;
use crate::advisor::costly::{Costly, costly, drop_costly};
use crate::advisor::drop_check::{Compared, Named, dropped, going, judge, readers};
use crate::advisor::recommend::Decision;
use crate::advisor::search::Choice;
use crate::model::gap::{Gap, Part};
use crate::model::index::Index;
use crate::model::whatif::{Cost, Hypothetical, Source};
use crate::report::Report;

/// Asks about all of them, and changes the advice accordingly; whether the deadline came before.
pub(super) async fn check_drops<'a>(
    decision: &Decision<'_>,
    candidates: &'a Candidates,
    choice: &Choice,
    planner: &mut Planner<'a>,
    options: &AdviceOptions,
    report: &mut Report,
) -> Result<bool, Failure> {
    let chosen = choice.indexes.iter();
    let chosen: Vec<_> = chosen.map(|&i| &candidates.indexes[i]).collect();
    let deadline = options.deadline;
    let late = check_advised(decision, &chosen, planner, deadline, report).await?;
    Ok(weigh_existing(decision, &chosen, planner, deadline, report).await? || late)
}

/// Asks what the workload costs without the indexes that are to be dropped or could be replaced, most load first; whether the
/// deadline came before the end.
async fn check_advised<'a>(
    decision: &Decision<'_>,
    chosen: &[&'a Hypothetical],
    planner: &mut Planner<'a>,
    deadline: Deadline,
    report: &mut Report,
) -> Result<bool, Failure> {
    let drops = dropped(decision, &report.recommendations);
    let named = Named::new(&drops, decision.snapshot);
    let mut compared = BTreeMap::new();
    let mut late = 0;
    for query in readers(decision, &drops) {
        let answer = if deadline.is_past() {
            late += 1;
            Err("the time limit came before".to_owned())
        } else {
            match planner.cost(query, chosen, &[]).await? {
                Ok(with) => without(query, &with, chosen, &named, &drops, planner)
                    .await?
                    .map(|without| Compared { with, without }),
                Err(why) => Err(why),
            }
        };
        compared.insert(query, answer);
    }
    if late > 0 {
        let what = "the time limit came before all indexes to drop were checked";
        report.gaps.push(
            Gap::new(Part::Planner, what)
                .effect("some statements may need an index that is to be dropped")
                .close("--deadline SECONDS")
                .count(late),
        );
    }
    judge(decision, &mut report.recommendations, &compared);
    Ok(late > 0)
}

/// What a query costs without `gone`, given what it costs with `taken`, the part of them that it may be using.
async fn without<'a>(
    query: usize,
    with: &Cost,
    chosen: &[&'a Hypothetical],
    taken: &Named<'_>,
    gone: &[&Index],
    planner: &mut Planner<'a>,
) -> Result<Result<Cost, String>, Failure> {
    if taken.are_read_by(with) {
        planner.cost(query, chosen, gone).await
    } else {
        Ok(Ok(with.clone()))
    }
}

/// Asks of the indexes that writes pay most for, one after another, what statements would lose without them; whether the deadline
/// came before the end.
async fn weigh_existing<'a>(
    decision: &Decision<'_>,
    chosen: &[&'a Hypothetical],
    planner: &mut Planner<'a>,
    deadline: Deadline,
    report: &mut Report,
) -> Result<bool, Failure> {
    let mut gone = going(decision, &report.recommendations);
    let costly = costly(decision.snapshot, decision.workload, decision.days, &gone);
    if planner.source() != Source::Clone {
        let why = "only a clone can tell what statements would lose without them";
        let gap = unweighed(&costly, why).map(|gap| gap.close("--planner clone"));
        report.gaps.extend(gap);
        return Ok(false);
    }
    let mut unknown = Vec::new();
    let mut now: BTreeMap<usize, Option<Cost>> = BTreeMap::new();
    for costly in &costly {
        let mut compared = BTreeMap::new();
        let mut without_it = gone.clone();
        without_it.push(costly.index);
        let readers = readers(decision, &[costly.index]);
        for &query in &readers {
            if deadline.is_past() {
                return Ok(true);
            }
            if let Entry::Vacant(unknown) = now.entry(query) {
                let cost = planner.cost(query, chosen, &gone).await?;
                // Arithmetic does not stand in for the planner here.
                unknown.insert(cost.ok().filter(|_| planner.has_planned(query)));
            }
            let Some(Some(with)) = now.get(&query) else {
                break;
            };
            let of_it = Named::new(&[costly.index], decision.snapshot);
            let then = without(query, with, chosen, &of_it, &without_it, planner).await?;
            let Ok(without) = then else { break };
            let with = with.clone();
            compared.insert(query, Ok(Compared { with, without }));
        }
        // What cannot be planned may need it.
        if compared.len() < readers.len() {
            unknown.push(*costly);
            continue;
        }
        if let Some(advice) = drop_costly(decision, costly, &compared) {
            report.recommendations.push(advice);
            let then =
                (compared.into_iter()).map(|(q, answer)| (q, answer.ok().map(|c| c.without)));
            now.extend(then);
            gone = without_it;
        }
    }
    let why = "statements on their tables could not be planned, and may need them";
    report.gaps.extend(unweighed(&unknown, why));
    Ok(false)
}

/// Those of which nobody knows what statements would lose without them.
fn unweighed(costly: &[Costly<'_>], why: &str) -> Option<Gap> {
    let example = costly.first()?.index.qualified();
    let what = format!("existing indexes that writes pay much for, e.g. {example}: {why}");
    let gap = Gap::new(Part::Planner, what).effect("some may cost more than they save");
    Some(gap.count(costly.len()))
}
