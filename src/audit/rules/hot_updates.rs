//! `hot-updates`: updates that write every index although they need not.

use crate::audit::database::{count, stored};
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::catalog::Table;
use crate::model::change::Change;
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "hot-updates",
    title: "Few updates of the table are HOT",
    page: "\
An update whose new row fits on the same page, and that changes no indexed column, is heap-only (HOT): no index is written, and the old row can be removed
without VACUUM. Otherwise every index of the table gets a new entry, whichever column changed.

Told by: 100,000 updates or more, less than half of them HOT, in a table with two or more indexes that is filled to 100 %.

Do: leave room on the pages: fillfactor 90, or 80 where rows are updated often. It holds for pages written from then on; VACUUM FULL or pg_repack
apply it to all. If an indexed column is what changes, look whether that index earns its place.

All right when: the updates change an indexed column, and must.",
    check: Check::Database(check),
};

/// Updates from which on it adds up.
const UPDATES: f64 = 100_000.0;
/// Share of HOT ones below which it is told.
const HOT: f64 = 0.5;

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    stored(snapshot)
        .filter_map(|table| hit(snapshot, table))
        .collect()
}

fn hit(snapshot: &Snapshot, table: &Table) -> Option<DatabaseHit> {
    let stats = table.stats.as_ref()?;
    let (updates, hot) = (count(stats.n_tup_upd), count(stats.n_tup_hot_upd));
    let share = hot / updates.max(1.0);
    let indexes = snapshot.indexes_of(table.oid).filter(|i| i.ready).count();
    let full = table.fillfactor > 95.0;
    (updates >= UPDATES && share < HOT && indexes >= 2 && full).then(|| DatabaseHit {
        object: table.qualified().to_string(),
        severity: Severity::Low,
        evidence: vec![
            format!("{} of {} updates were HOT", Percent(share), Count(updates)),
            format!("each of the others wrote all {indexes} indexes"),
        ],
        fix: Fix {
            changes: vec![Change::SetOption {
                table: table.qualified(),
                name: "fillfactor".into(),
                value: "90".into(),
            }],
            ..Fix::from("leave room on its pages, if the updates change no indexed column")
        },
    })
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::in_database;

    fn told(figures: &str, index: &str) -> String {
        let ddl = format!(
            "create table t (id int primary key, a int); -- rows=10000 pages=100 {figures}\n{index}"
        );
        in_database("hot-updates", &ddl, |_| {})
    }

    #[test]
    fn it_is_told_by_the_share_of_many_updates() {
        let index = "create index i on t (a);";
        let found = told("n_tup_upd=200000 n_tup_hot_upd=20000", index);
        assert!(
            found.contains("10.0 % of 200,000 updates were HOT"),
            "{found}"
        );
        assert!(
            found.contains("ALTER TABLE public.t SET (fillfactor = 90);"),
            "{found}"
        );
        for (figures, index) in [
            ("n_tup_upd=200000 n_tup_hot_upd=180000", index),
            ("n_tup_upd=2000 n_tup_hot_upd=20", index),
            ("fillfactor=80 n_tup_upd=200000 n_tup_hot_upd=20000", index),
            ("n_tup_upd=200000 n_tup_hot_upd=20000", ""),
        ] {
            assert_eq!(told(figures, index), "", "{figures} {index}");
        }
    }
}
