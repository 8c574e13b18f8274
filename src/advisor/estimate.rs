//! stub
use crate::model::{
    plan::Plan,
    snapshot::Snapshot,
    whatif::{Cost, Hypothetical},
};
use crate::query::workload::Query;
/// stub
pub fn estimate(_q: &Query, _s: &Snapshot, _i: &[&Hypothetical]) -> Cost {
    Cost {
        total: 1.0,
        used: vec![],
        plan: Plan::default(),
    }
}
