//! `unsafe-settings`: a crash loses data, or the database.

use crate::audit::database::{is_off, set};
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::snapshot::Snapshot;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "unsafe-settings",
    title: "A setting puts the data in danger",
    page: "\
With fsync off the server does not wait until the disk has what it wrote: after a crash of the system the database may be beyond repair.
With full_page_writes off a page that was half written at a crash stays torn. Either saves little: most of it is had with synchronous_commit = off, which
at worst loses the last transactions and damages nothing.

Told by: fsync or full_page_writes is off.

Do: switch it on. If writes are too slow then, synchronous_commit = off for the transactions that may be lost.

All right when: the data can be made anew at any time (tests, staging, the first load of a new server); full_page_writes may be off on file systems that
never tear a page, like ZFS.",
    check: Check::Database(check),
};

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    let off = [
        (
            "fsync",
            "a crash of the system may leave the database beyond repair",
        ),
        (
            "full_page_writes",
            "a page half written at a crash stays torn",
        ),
    ];
    let off = off.into_iter().filter(|(name, _)| is_off(snapshot, name));
    off.map(|(name, consequence)| DatabaseHit {
        object: name.into(),
        severity: Severity::High,
        evidence: vec![format!("off: {consequence}")],
        fix: Fix {
            changes: set(name, "on"),
            ..Fix::from("switch it on, unless all data can be made anew")
        },
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::{in_database, set};

    #[test]
    fn off_is_told_and_on_is_not() {
        let told = |value: &str| {
            in_database("unsafe-settings", "", |s| {
                set(s, "fsync", value, None);
                set(s, "full_page_writes", value, None);
            })
        };
        assert_eq!(
            told("off")
                .lines()
                .filter(|l| l.starts_with("high "))
                .count(),
            2
        );
        assert_eq!(told("on"), "");
    }
}
