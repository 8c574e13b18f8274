//! `prepared-transaction`: a transaction that somebody prepared and forgot.

use crate::audit::database::ago;
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::snapshot::Snapshot;
use crate::model::unit::Count;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "prepared-transaction",
    title: "A prepared transaction waits for its end",
    page: "\
After PREPARE TRANSACTION a transaction belongs to no session: it survives restarts, keeps its locks and keeps VACUUM from removing rows, until somebody commits
or rolls it back by name.

Told by: an entry of pg_prepared_xacts that is 10 minutes old or more; from an hour on it is high.

Do: ask the transaction manager whose it is; else ROLLBACK PREPARED in its database. If nobody uses two-phase commit, max_prepared_transactions = 0 keeps it from
happening.

All right when: the transaction manager is about to end it.",
    check: Check::Database(check),
};

/// Seconds from which on it is told, and is urgent.
const TOLD: f64 = 600.0;
const URGENT: f64 = 3600.0;

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    let prepared = snapshot.cluster.iter().flat_map(|c| &c.prepared);
    let old = prepared.filter(|p| snapshot.taken_at - p.prepared >= TOLD);
    old.map(|p| DatabaseHit {
        object: format!("prepared transaction {}", p.gid),
        severity: if snapshot.taken_at - p.prepared >= URGENT {
            Severity::High
        } else {
            Severity::Medium
        },
        evidence: vec![
            format!(
                "{} prepared it in {} {} ago",
                p.owner,
                p.database,
                ago(snapshot, p.prepared)
            ),
            format!(
                "VACUUM removes nothing that died in the last {} transactions",
                Count(p.xid_age)
            ),
        ],
        fix: Fix::from(format!(
            "ROLLBACK PREPARED '{}' in {}, unless its transaction manager ends it",
            p.gid.replace('\'', "''"),
            p.database
        )),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::in_database;
    use crate::model::cluster::Prepared;

    #[test]
    fn an_old_one_is_told_and_a_fresh_one_is_not() {
        let told = |seconds: f64| {
            in_database("prepared-transaction", "", |s| {
                s.cluster.as_mut().unwrap().prepared = vec![Prepared {
                    gid: "job'7".into(),
                    database: "shop".into(),
                    owner: "app".into(),
                    prepared: s.taken_at - seconds,
                    xid_age: 1e6,
                }];
            })
        };
        assert!(
            told(86_400.0).starts_with("high ")
                && told(86_400.0).contains("ROLLBACK PREPARED 'job''7' in shop"),
            "{}",
            told(86_400.0)
        );
        assert!(told(900.0).starts_with("medium "));
        assert_eq!(told(5.0), "");
    }
}
