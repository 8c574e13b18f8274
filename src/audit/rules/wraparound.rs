//! `wraparound`: a database that VACUUM has not frozen in time.

use crate::audit::database::{holders, stored};
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::catalog::Table;
use crate::model::change::Change;
use crate::model::cluster::DatabaseAge;
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "wraparound",
    title: "Transaction IDs are running out",
    page: "\
Transaction IDs (and multixact IDs, which row locks shared by several take) are 32-bit numbers; VACUUM must freeze rows before half of them have passed. Autovacuum
starts to at autovacuum_freeze_max_age (200 million). If it cannot keep up, or something holds old rows back, the server in the end refuses
every write (at 3 million IDs before the end) until the tables are vacuumed.

Told by: age(datfrozenxid) or mxid_age(datminmxid) of a database is 1.5 times what autovacuum begins at, or 500 million, whichever is more; medium
from 750 million, high from one billion on. The end is at 2.1 billion.

Do: remove what holds rows back (long transactions, prepared ones, inactive slots), then VACUUM (FREEZE) the oldest tables. Find out why
autovacuum did not: throttled too much (autovacuum_vacuum_cost_limit), cancelled by locks again and again, or switched off.

All right when: a vacuum of the oldest table is running and will end.",
    check: Check::Database(check),
};

/// IDs from which on it is told, matters, and is urgent; and the end.
const TOLD: f64 = 5e8;
const MATTERS: f64 = 7.5e8;
const URGENT: f64 = 1e9;
const END: f64 = 2_147_483_648.0;
/// How often autovacuum's own limit is passed before that is told.
const TIMES: f64 = 1.5;
/// Tables that are named.
const NAMED: usize = 3;

/// One of the two kinds of ID.
struct Kind {
    name: &'static str,
    setting: &'static str,
    of_database: fn(&DatabaseAge) -> f64,
    of_table: fn(&Table) -> Option<f64>,
}

const KINDS: [Kind; 2] = [
    Kind {
        name: "transaction IDs",
        setting: "autovacuum_freeze_max_age",
        of_database: |d| d.xid_age,
        of_table: |t| t.xid_age,
    },
    Kind {
        name: "multixact IDs",
        setting: "autovacuum_multixact_freeze_max_age",
        of_database: |d| d.mxid_age,
        of_table: |t| t.mxid_age,
    },
];

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    let Some(cluster) = &snapshot.cluster else {
        return Vec::new();
    };
    let mut hits = Vec::new();
    for kind in &KINDS {
        let limit = snapshot.server.number(kind.setting, 0.0);
        let old = cluster
            .databases
            .iter()
            .filter(|d| (kind.of_database)(d) >= (TIMES * limit).max(TOLD));
        hits.extend(old.map(|database| hit(snapshot, kind, database)));
    }
    hits
}

fn hit(snapshot: &Snapshot, kind: &Kind, database: &DatabaseAge) -> DatabaseHit {
    let age = (kind.of_database)(database);
    let mut evidence = vec![format!(
        "the oldest row is {} {} old, {} of the way to where writes are refused",
        Count(age),
        kind.name,
        Percent((age / END).min(1.0))
    )];
    let own = database.name == snapshot.server.database;
    let mut tables: Vec<(f64, &Table)> = stored(snapshot)
        .filter_map(|t| Some(((kind.of_table)(t)?, t)))
        .collect();
    tables.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.oid.cmp(&b.1.oid)));
    tables.retain(|(of_table, _)| own && *of_table >= 0.9 * age);
    tables.truncate(NAMED);
    if !tables.is_empty() {
        let names: Vec<String> = tables
            .iter()
            .map(|(age, t)| format!("{} ({})", t.qualified(), Count(*age)))
            .collect();
        evidence.push(format!("oldest tables: {}", names.join(", ")));
    }
    let holders = snapshot.cluster.as_ref().map(holders).unwrap_or_default();
    let holder = holders.into_iter().find(|(held, _)| *held >= 0.5 * age);
    let advice = match &holder {
        Some((held, what)) => {
            evidence.push(format!(
                "{what} holds rows back since {} transactions",
                Count(*held)
            ));
            format!("end {what} first: VACUUM freezes nothing younger than it sees")
        }
        None if own => "vacuum the oldest tables, then find out why autovacuum did not".to_owned(),
        None => format!(
            "connect to {} and audit it: its oldest tables are seen there",
            database.name
        ),
    };
    DatabaseHit {
        object: format!("database {}", database.name),
        severity: match age {
            age if age >= URGENT => Severity::High,
            age if age >= MATTERS => Severity::Medium,
            _ => Severity::Low,
        },
        evidence,
        fix: Fix {
            changes: (tables.iter())
                .map(|(_, t)| Change::Vacuum {
                    table: t.qualified(),
                    freeze: true,
                })
                .collect(),
            ..Fix::from(advice)
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::testing::in_database;
    use crate::model::cluster::Slot;

    fn told(xid_age: f64, mxid_age: f64, slot: Option<f64>) -> String {
        in_database(
            "wraparound",
            "create table t (id int primary key);\ncreate table young (id int primary key);",
            |s| {
                s.server.database = "shop".into();
                s.tables[0].xid_age = Some(xid_age);
                s.tables[1].xid_age = Some(10.0);
                let cluster = s.cluster.as_mut().unwrap();
                cluster.databases = vec![DatabaseAge {
                    name: "shop".into(),
                    xid_age,
                    mxid_age,
                }];
                cluster.slots.extend(slot.map(|age| Slot {
                    name: "gone".into(),
                    xmin_age: Some(age),
                    ..Slot::default()
                }));
            },
        )
    }

    #[test]
    fn it_is_told_by_age_with_the_oldest_tables() {
        let found = told(1.2e9, 0.0, None);
        assert!(found.starts_with("high database shop"), "{found}");
        assert!(
            found.contains("VACUUM (FREEZE) public.t;") && !found.contains("public.young"),
            "{found}"
        );
        assert!(told(8e8, 0.0, None).starts_with("medium "));
        assert!(told(6e8, 0.0, None).starts_with("low "));
        assert_eq!(told(2.1e8, 0.0, None), "", "autovacuum is about to begin");
    }

    #[test]
    fn multixacts_run_out_too() {
        assert!(told(10.0, 1.2e9, None).contains("multixact IDs"));
    }

    #[test]
    fn what_holds_rows_back_goes_first() {
        assert!(told(1.2e9, 0.0, Some(1.1e9)).contains("end replication slot gone first"));
        assert!(!told(1.2e9, 0.0, Some(100.0)).contains("gone"));
    }
}
