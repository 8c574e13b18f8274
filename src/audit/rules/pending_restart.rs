//! `pending-restart`: settings that were changed and have no effect yet.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::snapshot::Snapshot;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "pending-restart",
    title: "Settings were changed and wait for a restart",
    page: "\
Some settings are read at the start of the server only. What was changed since stands in the files and has no effect; the next restart, perhaps an unplanned
one, brings it.

Told by: pg_settings.pending_restart.

Do: restart at a time of your choice, or take the change back.

All right when: the restart is planned.",
    check: Check::Database(check),
};

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    let waiting = snapshot
        .server
        .settings
        .iter()
        .filter(|(_, s)| s.pending_restart);
    let names: Vec<&str> = waiting.map(|(name, _)| name.as_str()).collect();
    let hit = (!names.is_empty()).then(|| DatabaseHit {
        object: names.join(", "),
        severity: Severity::Low,
        evidence: vec!["the files say otherwise than what is in effect".into()],
        fix: Fix::from("restart the server at a good time, or take the change back"),
    });
    hit.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::{in_database, set};

    #[test]
    fn what_waits_is_told() {
        let told = |pending: bool| {
            in_database("pending-restart", "", |s| {
                set(s, "shared_buffers", "16384", Some("8kB"));
                s.server
                    .settings
                    .get_mut("shared_buffers")
                    .unwrap()
                    .pending_restart = pending;
            })
        };
        assert!(
            told(true).starts_with("low shared_buffers: "),
            "{}",
            told(true)
        );
        assert_eq!(told(false), "");
    }
}
