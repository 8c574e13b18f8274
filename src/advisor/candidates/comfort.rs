//! Candidates beside indexes that exist: what they add to them.

use crate::advisor::expressions::spelled;
use crate::model::catalog::Table;
use crate::model::index::IndexDefinition;

/// Whether it is mere comfort: see `Candidates::widens`.
pub(super) fn is_comfort(
    definition: &IndexDefinition,
    table: &Table,
    existing: &[IndexDefinition],
) -> bool {
    let d = spelled(definition, table);
    let begins = |e: &IndexDefinition| {
        let plain = IndexDefinition {
            unique: false,
            include: Vec::new(),
            ..e.clone()
        };
        // A part of what an index holds in whole is comfort as well.
        let whole = IndexDefinition {
            predicate: None,
            ..d.clone()
        };
        plain.is_prefix_of(&d) || d.predicate.is_some() && whole.is_prefix_of(e)
    };
    !d.include.is_empty() || existing.iter().any(begins)
}

/// Whether its keys are the first of an index that exists: see `Candidates::only_covers`.
pub(super) fn only_covers(
    definition: &IndexDefinition,
    table: &Table,
    existing: &[IndexDefinition],
) -> bool {
    let plain = IndexDefinition {
        include: Vec::new(),
        ..spelled(definition, table)
    };
    !definition.include.is_empty() && existing.iter().any(|e| plain.is_prefix_of(e))
}
