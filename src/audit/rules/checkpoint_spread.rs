//! `checkpoint-spread`: checkpoints write in a burst.

use crate::audit::database::set;
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::snapshot::Snapshot;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "checkpoint-spread",
    title: "Checkpoints write in half of the time that they have",
    page: "\
A checkpoint spreads its writes over checkpoint_completion_target of the time until the next one. With 0.5, the default up to version 13, it writes twice as
fast as with 0.9, the default since, and statements feel it.

Told by: checkpoint_completion_target is below 0.8.

Do: set it to 0.9.

All right when: the disks have so much to spare that nobody notices.",
    check: Check::Database(check),
};

const LEAST: f64 = 0.8;

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    let target = snapshot.server.number("checkpoint_completion_target", 1.0);
    let hit = (target < LEAST).then(|| DatabaseHit {
        object: "checkpoint_completion_target".into(),
        severity: Severity::Info,
        evidence: vec![format!("it is {target}")],
        fix: Fix {
            changes: set("checkpoint_completion_target", "0.9"),
            ..Fix::from("spread the writes over nine tenths of the time")
        },
    });
    hit.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::{in_database, set};

    #[test]
    fn a_half_is_told_and_nine_tenths_are_not() {
        let told = |value: &str| {
            in_database("checkpoint-spread", "", |s| {
                set(s, "checkpoint_completion_target", value, None);
            })
        };
        assert!(
            told("0.5").contains("ALTER SYSTEM SET checkpoint_completion_target = 0.9;"),
            "{}",
            told("0.5")
        );
        assert_eq!(told("0.9"), "");
    }
}
