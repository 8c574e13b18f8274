//! `redundant-index`: an index that is the beginning of another.

use crate::audit::database::bytes;
use crate::audit::rules::duplicate_index::{hit, is_twin, superfluous};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::snapshot::Snapshot;
use crate::model::unit::Bytes;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "redundant-index",
    title: "An index is the beginning of a wider one",
    page: "\
An index on (a, b) answers what an index on (a) answers, reading somewhat more. Keeping both costs the writes of both.

Told by: the keys of the index are the first keys of another valid one, in the same order (or all reversed), with the same predicate and method,
its INCLUDE columns are found there, and the other is at most three times its size. Unique indexes, and those that back
constraints, are never told.

Do: drop the narrow one, concurrently, and look at its queries afterwards.

All right when: the narrow one is much hotter and fits into memory where the wide one does not, or deduplication makes it tiny.",
    check: Check::Database(check),
};

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    superfluous(snapshot)
        .filter(|(_, index, other)| !is_twin(index, other))
        .map(|(table, index, other)| {
            let evidence = format!(
                "{} begins with the same keys: {} ({})",
                other.qualified(),
                other.definition,
                Bytes(bytes(snapshot, other.oid, other.relpages))
            );
            hit(snapshot, table, index, evidence)
        })
        .collect()
}
