//! `autovacuum-off`: nobody cleans up.

use crate::audit::database::{count, is_off, option, set, stored};
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::catalog::Table;
use crate::model::change::Change;
use crate::model::snapshot::Snapshot;
use crate::model::unit::Count;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "autovacuum-off",
    title: "Autovacuum is switched off",
    page: "\
Without autovacuum dead rows stay, statistics grow old, index-only scans visit the table, and in the end transaction IDs run out. Switched off it
still comes to prevent that last one, at the worst moment and for all tables at once.

Told by: autovacuum or track_counts is off for the server, or autovacuum_enabled is false for a table that is written to.

Do: switch it on. If it was switched off because it disturbed, give it more time instead: a higher autovacuum_vacuum_cost_delay, or a smaller scale
factor so that each run is short.

All right when: a job vacuums the table at a better hour, and is watched.",
    check: Check::Database(check),
};

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    let server = ["autovacuum", "track_counts"]
        .into_iter()
        .filter(|name| is_off(snapshot, name));
    let server = server.map(|name| DatabaseHit {
        object: name.into(),
        severity: Severity::High,
        evidence: vec![format!(
            "off for the whole server: no table is vacuumed or analyzed by itself"
        )],
        fix: Fix {
            changes: set(name, "on"),
            ..Fix::from("switch it on")
        },
    });
    server
        .chain(stored(snapshot).filter_map(|table| of_table(snapshot, table)))
        .collect()
}

fn of_table(snapshot: &Snapshot, table: &Table) -> Option<DatabaseHit> {
    let value = option(snapshot, table, "autovacuum_enabled")?;
    let stats = table.stats.as_ref()?;
    let written = count(stats.n_tup_ins + stats.n_tup_upd + stats.n_tup_del);
    let off = matches!(value, "false" | "off" | "0" | "no");
    (off && written > 0.0).then(|| DatabaseHit {
        object: table.qualified().to_string(),
        severity: Severity::Medium,
        evidence: vec![
            "autovacuum_enabled is false for this table".into(),
            format!(
                "{} rows written so far, {} of them dead now",
                Count(written),
                Count(count(stats.n_dead_tup))
            ),
        ],
        fix: Fix {
            changes: vec![Change::SetOption {
                table: table.qualified(),
                name: "autovacuum_enabled".into(),
                value: "true".into(),
            }],
            ..Fix::from("switch it on, unless a job of your own vacuums the table")
        },
    })
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::{in_database, set};
    use crate::model::definition::Storage;

    #[test]
    fn off_is_told_for_the_server_and_on_is_not() {
        let told =
            |value: &str| in_database("autovacuum-off", "", |s| set(s, "autovacuum", value, None));
        assert!(
            told("off").contains("ALTER SYSTEM SET autovacuum = 'on';"),
            "{}",
            told("off")
        );
        assert_eq!(told("on"), "");
    }

    #[test]
    fn off_is_told_for_a_table_that_is_written_to() {
        let told = |writes: i64, value: &str| {
            let ddl = format!(
                "create table t (id int primary key); -- rows=10 pages=1 n_tup_upd={writes}"
            );
            in_database("autovacuum-off", &ddl, |s| {
                s.definitions.storage = vec![Storage {
                    oid: s.tables[0].oid,
                    options: vec![format!("autovacuum_enabled={value}")],
                    ..Storage::default()
                }];
            })
        };
        assert!(
            told(5, "false").starts_with("medium public.t"),
            "{}",
            told(5, "false")
        );
        assert_eq!(told(0, "false"), "");
        assert_eq!(told(5, "true"), "");
    }
}
