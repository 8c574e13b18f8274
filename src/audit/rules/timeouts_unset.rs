//! `timeouts-unset`: nothing ends what hangs.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::snapshot::Snapshot;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "timeouts-unset",
    title: "No timeout ends what hangs",
    page: "\
Without limits a statement that went wrong runs for days, a session that was forgotten in its transaction blocks others and VACUUM, and a DDL statement that waits for its
lock stops all that queue behind it.

Told by: statement_timeout, idle_in_transaction_session_timeout and lock_timeout are all 0 for pgperf's session. Roles may have their own.

Do: set them for the roles of applications (ALTER ROLE … SET): statement_timeout to what a request may take, idle_in_transaction_session_timeout to some
minutes. lock_timeout belongs into the scripts that change the schema. Not for the whole server: dumps and index builds run long.

All right when: the roles or the applications set their own.",
    check: Check::Database(check),
};

const NAMES: [&str; 3] = [
    "statement_timeout",
    "idle_in_transaction_session_timeout",
    "lock_timeout",
];

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    let unset = |name: &&str| {
        snapshot
            .server
            .settings
            .get(*name)
            .is_some_and(|s| s.setting == "0")
    };
    let hit = NAMES.iter().all(unset).then(|| DatabaseHit {
        object: NAMES.join(", "),
        severity: Severity::Info,
        evidence: vec!["all three are 0: no limit".into()],
        fix: Fix::from("ALTER ROLE … SET statement_timeout and idle_in_transaction_session_timeout for the roles of applications"),
    });
    hit.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::NAMES;
    use crate::audit::testing::{in_database, set};

    #[test]
    fn all_three_unset_are_told_and_one_set_is_enough() {
        let told = |first: &str| {
            in_database("timeouts-unset", "", |s| {
                for name in NAMES {
                    set(s, name, "0", Some("ms"));
                }
                set(s, NAMES[0], first, Some("ms"));
            })
        };
        assert!(told("0").starts_with("info "), "{}", told("0"));
        assert_eq!(told("30000"), "");
    }
}
