//! Learning from the times of the server's own statements: their plans of today are asked for, the model is made to fit.

use super::Failure;
use super::planner::Planner;
use crate::advisor::time_model::{Calibration, Rates, TimeModel, calibrate, informative, observed};
use crate::model::snapshot::Snapshot;
use crate::model::whatif::{Cost, Source};
use crate::query::workload::Workload;

/// What was learnt, and the plans that were asked for, by query.
pub(super) struct Learnt {
    pub(super) calibration: Option<Calibration>,
    pub(super) costs: Vec<(usize, Cost)>,
}

/// Asks for the plans of the statements that time can be learnt from. Arithmetic only sketches plans: nothing is learnt from them.
pub(super) async fn learn(
    model: &TimeModel<'_>,
    workload: &Workload,
    snapshot: &Snapshot,
    planner: &mut Planner<'_>,
) -> Result<Learnt, Failure> {
    let mut learnt = Learnt {
        calibration: None,
        costs: Vec::new(),
    };
    if planner.source() == Source::Estimate {
        return Ok(learnt);
    }
    let mut seen = Vec::new();
    for query in informative(workload, snapshot) {
        if let Ok(cost) = planner.cost(query, &[], &[]).await? {
            seen.extend(observed(&workload.queries[query], &cost, snapshot));
            learnt.costs.push((query, cost));
        }
    }
    learnt.calibration = calibrate(model, &seen);
    Ok(learnt)
}

/// The model, as it fits this server.
pub(super) fn fitted<'a>(model: TimeModel<'a>, learnt: &Learnt) -> TimeModel<'a> {
    let Some(calibration) = learnt.calibration else {
        return model;
    };
    let rates = Rates {
        slowness: calibration.slowness,
        ..*model.rates()
    };
    model.with(rates)
}
