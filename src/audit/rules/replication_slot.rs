//! `replication-slot`: a slot that nobody reads keeps WAL, or rows.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::cluster::Slot;
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Bytes, Count};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "replication-slot",
    title: "A replication slot is not read",
    page: "\
A slot keeps all WAL that its reader has not confirmed, however long that takes: the disk fills, and the server stops. A logical slot also keeps catalog rows
from VACUUM. max_slot_wal_keep_size limits the WAL, at the price of a slot that is lost.

Told by: a slot without a reader that keeps 100 MB of WAL or more, or rows; high from 10 GB on, or when it is unreserved. A slot with a reader that keeps 10 GB or more
is told as well. A lost slot only waits to be dropped.

Do: bring its reader back, or drop the slot (pg_drop_replication_slot). Set max_slot_wal_keep_size to what the disk bears.

All right when: the standby is being restarted.",
    check: Check::Database(check),
};

/// Bytes that are told, and that are much.
const TOLD: f64 = 100.0 * 1024.0 * 1024.0;
const MUCH: f64 = 10.0 * 1024.0 * 1024.0 * 1024.0;
/// Transactions whose dead rows are kept.
const OLD: f64 = 1e6;

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    let slots = snapshot.cluster.iter().flat_map(|c| &c.slots);
    slots.filter_map(|slot| hit(snapshot, slot)).collect()
}

fn hit(snapshot: &Snapshot, slot: &Slot) -> Option<DatabaseHit> {
    let kept = slot.retained_bytes.unwrap_or(0.0);
    let age = slot.xmin_age.unwrap_or(0.0);
    let status = slot.wal_status.as_deref().unwrap_or("reserved");
    let lost = status == "lost";
    let severity = match (slot.active, kept) {
        _ if lost => Severity::Medium,
        (_, _) if status == "unreserved" => Severity::High,
        (false, kept) if kept >= MUCH => Severity::High,
        (true, kept) if kept >= MUCH => Severity::Medium,
        (false, kept) if kept >= TOLD || age >= OLD => Severity::Medium,
        _ => return None,
    };
    let reader = if slot.active {
        "its reader lags"
    } else {
        "nobody reads it"
    };
    let mut evidence = vec![format!(
        "{} slot, {reader}, WAL {status}, {} of it kept",
        slot.kind,
        Bytes(kept.max(0.0))
    )];
    if age >= OLD {
        evidence.push(format!(
            "it keeps rows of the last {} transactions from VACUUM",
            Count(age)
        ));
    }
    if snapshot.server.number("max_slot_wal_keep_size", 0.0) < 0.0 {
        evidence.push("max_slot_wal_keep_size sets no limit".into());
    }
    let drop = format!("SELECT pg_drop_replication_slot('{}')", slot.name);
    Some(DatabaseHit {
        object: format!("replication slot {}", slot.name),
        severity,
        evidence,
        fix: Fix::from(if lost {
            format!("its WAL is gone, it serves nobody any more: {drop}")
        } else if slot.active {
            "see why its reader is slow: network, disk, a long transaction that it replays".into()
        } else {
            format!("bring its reader back, or {drop}")
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::testing::in_database;

    const GB: f64 = 1024.0 * 1024.0 * 1024.0;

    fn told(active: bool, retained: f64, status: &str, xmin_age: Option<f64>) -> String {
        in_database("replication-slot", "", |s| {
            s.cluster.as_mut().unwrap().slots = vec![Slot {
                name: "old".into(),
                kind: "physical".into(),
                active,
                retained_bytes: Some(retained),
                xmin_age,
                wal_status: Some(status.into()),
            }];
        })
    }

    #[test]
    fn it_is_told_by_what_it_keeps() {
        let found = told(false, 20.0 * GB, "extended", None);
        assert!(
            found.starts_with("high replication slot old: physical slot, nobody reads it"),
            "{found}"
        );
        assert!(found.contains("pg_drop_replication_slot('old')"), "{found}");
        assert!(told(false, GB, "reserved", None).starts_with("medium "));
        assert!(told(false, 0.0, "reserved", Some(5e6)).starts_with("medium "));
        assert!(told(true, 20.0 * GB, "extended", None).starts_with("medium "));
        assert!(told(false, 0.0, "lost", None).contains("serves nobody"));
        assert_eq!(told(false, 1000.0, "reserved", None), "");
        assert_eq!(told(true, GB, "reserved", None), "");
    }
}
