//! stub
use crate::model::{snapshot::Snapshot, whatif::Hypothetical};
use crate::query::workload::Workload;
/// stub
#[derive(Debug, Clone, Default)]
pub struct WriteCost {
    /// x
    pub ms_per_day: Option<f64>,
}
impl WriteCost {
    /// x
    pub fn describe(&self) -> String {
        String::new()
    }
}
/// stub
pub fn write_cost(_i: &Hypothetical, _s: &Snapshot, _w: &Workload) -> WriteCost {
    WriteCost::default()
}
