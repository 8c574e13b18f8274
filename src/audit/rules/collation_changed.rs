//! `collation-changed`: indexes sorted by rules that no longer hold.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::ident::quote_ident;
use crate::model::snapshot::Snapshot;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "collation-changed",
    title: "The library that sorts text has changed",
    page: "\
An upgrade of the operating system brings another version of glibc or ICU, which may sort some texts otherwise. Indexes on text that were built before are
out of order then: look-ups miss rows that are there, and unique indexes take duplicates.

Told by: the version on record of a collation (of a column, or of the database, 15 and newer) is not the library's.

Do: REINDEX the indexes on text with that collation (amcheck's bt_index_check tells which are out of order), then ALTER DATABASE … REFRESH COLLATION VERSION, or
ALTER COLLATION. In this order: the second only silences the warning.

All right when: the indexes were rebuilt since, and only the record is old.",
    check: Check::Database(check),
};

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    let changed = snapshot.cluster.iter().flat_map(|c| &c.changed_collations);
    changed
        .map(|collation| {
            let (object, refresh) = match &collation.name {
                Some(name) => (
                    format!("collation {name}"),
                    format!("ALTER COLLATION {} REFRESH VERSION", quote_ident(name)),
                ),
                None => (
                    format!("database {}", snapshot.server.database),
                    format!(
                        "ALTER DATABASE {} REFRESH COLLATION VERSION",
                        quote_ident(&snapshot.server.database)
                    ),
                ),
            };
            DatabaseHit {
                object,
                severity: Severity::High,
                evidence: vec![format!(
                    "version {} is on record, the library is {}",
                    collation.recorded, collation.actual
                )],
                fix: Fix::from(format!(
                    "rebuild the indexes on text (REINDEX), then {refresh}"
                )),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::in_database;
    use crate::model::cluster::ChangedCollation;

    #[test]
    fn a_changed_library_is_told_and_the_same_is_not() {
        let found = in_database("collation-changed", "", |s| {
            s.server.database = "shop".into();
            s.cluster.as_mut().unwrap().changed_collations = vec![
                ChangedCollation {
                    name: None,
                    recorded: "2.31".into(),
                    actual: "2.36".into(),
                },
                ChangedCollation {
                    name: Some("de-x-icu".into()),
                    recorded: "153.80".into(),
                    actual: "153.120".into(),
                },
            ];
        });
        assert!(
            found.contains("ALTER DATABASE shop REFRESH COLLATION VERSION"),
            "{found}"
        );
        assert!(
            found.contains("ALTER COLLATION \"de-x-icu\" REFRESH VERSION"),
            "{found}"
        );
        assert_eq!(in_database("collation-changed", "", |_| {}), "");
    }
}
