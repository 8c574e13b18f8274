//! `standby-lag`: a standby is far behind.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::snapshot::Snapshot;
use crate::model::unit::Bytes;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "standby-lag",
    title: "A standby is far behind",
    page: "\
What it has not replayed is lost if the primary fails (unless replication is synchronous), and queries on it see old data.

Told by: pg_stat_replication: 1 GB or more of WAL between what the primary has written and what the standby has replayed.

Do: see what it waits for: network, disk, queries that hold back replay (max_standby_streaming_delay), a single busy replay process.

All right when: it was just connected and catches up, or is delayed on purpose (recovery_min_apply_delay).",
    check: Check::Database(check),
};

const TOLD: f64 = 1024.0 * 1024.0 * 1024.0;

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    let standbys = snapshot.cluster.iter().flat_map(|c| &c.standbys);
    let behind = standbys.filter(|s| s.state.as_deref() != Some("backup"));
    let behind = behind.filter_map(|s| Some((s, s.lag_bytes.filter(|lag| *lag >= TOLD)?)));
    behind
        .map(|(standby, lag)| DatabaseHit {
            object: format!("standby {}", standby.name),
            severity: Severity::Medium,
            evidence: vec![format!(
                "{} of WAL are not replayed yet ({})",
                Bytes(lag),
                standby.state.as_deref().unwrap_or("state unknown")
            )],
            fix: Fix::from(
                "see what it waits for: network, disk, or queries that hold back replay",
            ),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::testing::in_database;
    use crate::model::cluster::Standby;

    #[test]
    fn a_gigabyte_is_told_and_a_megabyte_is_not() {
        let told = |lag: f64, state: &str| {
            in_database("standby-lag", "", |s| {
                s.cluster.as_mut().unwrap().standbys = vec![Standby {
                    name: "b".into(),
                    state: Some(state.into()),
                    lag_bytes: Some(lag),
                }];
            })
        };
        assert!(
            told(5.0 * TOLD, "streaming").starts_with("medium standby b: 5.0 GB"),
            "{}",
            told(5.0 * TOLD, "streaming")
        );
        assert_eq!(told(1e6, "streaming"), "");
        assert_eq!(told(5.0 * TOLD, "backup"), "");
    }
}
