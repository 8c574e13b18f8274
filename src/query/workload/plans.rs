//! Workload + plans → Workload: statements that could not be read take part with what their plans show.

use crate::model::plan::Plan;
use crate::model::snapshot::Snapshot;
use crate::query::catalog::Catalog;
use crate::query::from_plan::shape_of;
use crate::query::parse::Prepared;
use crate::query::workload::build::{all_skipped, finish};
use crate::query::workload::{Query, Reason, Workload, WorkloadOptions};

/// Takes in the answers to `workload.unread`: of each, in order, its verbose plan (EXPLAIN (VERBOSE) of `usual.text`), or why
/// there is none; those without an answer stay as they are.
#[must_use]
pub fn with_plans(
    workload: Workload,
    plans: &[Result<Plan, String>],
    snapshot: &Snapshot,
    options: &WorkloadOptions,
) -> Workload {
    let Workload {
        mut queries,
        unread,
        mut skipped,
        ..
    } = workload;
    let catalog = Catalog::new(snapshot);
    for (mut query, plan) in unread.into_iter().zip(plans) {
        skipped.retain(|s| !query.members.contains(&s.statement));
        match read(&mut query, plan, &catalog) {
            Ok(()) => queries.push(query),
            Err(reason) => skipped.extend(all_skipped(&query.members, &reason)),
        }
    }
    finish(snapshot, options, queries, skipped)
}

/// Gives a query the shape of its plan.
fn read(
    query: &mut Query,
    plan: &Result<Plan, String>,
    catalog: &Catalog<'_>,
) -> Result<(), Reason> {
    let unplanned = |refused: String| Reason::Unplanned {
        unparsed: query.unread.clone().unwrap_or_default(),
        refused,
    };
    let plan = plan.as_ref().map_err(|why| unplanned(why.clone()))?;
    let prepared = Prepared::new(&query.text).map_err(|e| e.reason(&query.text))?;
    let (kind, shape) = shape_of(plan, &prepared, catalog).map_err(|reason| match reason {
        Reason::Unparsed(why) => unplanned(format!("its plan is not understood: {why}")),
        reason => reason,
    })?;
    query.kind = kind;
    query.shape = shape;
    Ok(())
}
