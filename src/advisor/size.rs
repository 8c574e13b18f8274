//! stub
use crate::model::{catalog::Table, index::IndexDefinition, whatif::Hypothetical};
/// stub
pub fn hypothetical(d: &IndexDefinition, t: &Table) -> Hypothetical {
    Hypothetical {
        definition: d.clone(),
        pages: t.relpages / 3.0,
        tree_height: 1.0,
    }
}
