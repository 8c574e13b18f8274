//! WORKLOAD → RECOMMENDATIONS, pure: it asks for costs and never fetches them.
//!
//! `candidates` says which indexes could help each statement, `size` what they would weigh, `search` which set of them is
//! worth it over the whole workload (it asks Probes, the shell answers), `catalog_advice` what the catalog alone tells, `analyze_advice` and `statistics_advice` what the planner
//! has to know first, `settings_advice` which of its settings are wrong, `usual` and `value_classes` which values stand for parameters,
//! `recommendation` what comes out, with evidence, `priority` how urgent it is, `confidence` how sure, `apply` what making it real takes, `rejections` why the
//! other candidates were not chosen. `estimate` answers Probes when there is
//! no planner to ask.

pub mod analyze_advice;
pub mod answers;
pub mod apply;
pub mod build;
pub mod candidates;
pub mod catalog_advice;
mod confidence;
pub mod costly;
pub mod drop_check;
pub mod estimate;
mod expressions;
mod finders;
pub mod frontier;
pub mod generic;
mod keys;
pub mod number_limit;
mod partial;
pub mod priority;
pub mod recommend;
pub mod recommendation;
pub mod rejections;
pub mod replace;
pub mod search;
pub mod settings_advice;
pub mod size;
pub mod solver;
mod special;
pub mod statistics_advice;
pub mod time_model;
pub mod usual;
mod value_classes;
pub mod vectors;
pub mod write_cost;
