//! Workload → recommendations.

pub mod estimate;
pub mod size;
pub mod write_cost;
