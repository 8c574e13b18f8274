//! Tables whose statistics are missing or no longer true: ANALYZE first, before anybody believes a cost.

use std::collections::BTreeSet;

use crate::advisor::candidates::TINY_PAGES;
use crate::advisor::recommendation::{Action, Confidence, Recommendation};
use crate::model::catalog::{Table, TableKind};
use crate::model::change::Change;
use crate::model::snapshot::Snapshot;
use crate::model::stats::TableStats;
use crate::model::unit::{Bytes, Count, Millis, Percent};
use crate::query::workload::{Query, Workload};

/// Fewer rows are read whole anyway, whatever the planner believes.
const FEWEST_ROWS: f64 = 1000.0;
/// Autovacuum's own threshold exceeded so many times: it is off, or does not keep up; once is its everyday work.
const OVERDUE: f64 = 3.0;
/// Least share of the rows that must have changed: below, estimates are off by no more than they usually are.
const CHANGED: f64 = 0.2;

/// So many of the rows counted as inserted are all of them: ANALYZE extrapolates their number from a sample.
const COUNTED: f64 = 0.9;

/// What the statistics of a table lack.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Lack {
    /// It was never analyzed; its rows as they were counted.
    Never(f64),
    /// It was never analyzed, and nobody counted its rows either, as after `pg_upgrade`, a crash, or a load that has yet to be
    /// reported; the pages of its file.
    Uncounted(f64),
    /// So many of its rows changed since it was.
    Changed {
        /// Rows inserted, updated or deleted since.
        changed: f64,
        /// Rows of the table.
        rows: f64,
        /// Changes after which autovacuum analyzes a table by the server's settings.
        threshold: f64,
    },
}

/// What the statistics of a table lack, as far as that was seen.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a count of rows")]
pub fn lack(table: &Table, snapshot: &Snapshot) -> Option<Lack> {
    let server = &snapshot.server;
    let stats = table.stats.as_ref()?;
    let rows = table.rows().max(stats.n_live_tup as f64);
    // Statistics that the role may not read look like none at all.
    let seen = table.reltuples <= 0.0 || server.is_superuser;
    let none = table.columns.iter().all(|c| c.stats.is_none());
    let never = none && stats.last_analyze.is_none() && seen;
    if never && rows <= 0.0 {
        let pages = snapshot.definitions.pages(table.oid)?;
        return (pages >= TINY_PAGES).then_some(Lack::Uncounted(pages));
    }
    if rows < FEWEST_ROWS {
        return None;
    }
    if never {
        return Some(Lack::Never(rows));
    }
    let changed = changed(table, stats);
    let threshold = server.number("autovacuum_analyze_threshold", 50.0)
        + server.number("autovacuum_analyze_scale_factor", 0.1) * rows;
    let overdue = changed >= OVERDUE * threshold && changed >= CHANGED * rows;
    overdue.then_some(Lack::Changed {
        changed,
        rows,
        threshold,
    })
}

/// Rows changed since the last ANALYZE. A session reports its changes up to a second after they are made, but an ANALYZE at once:
/// what was loaded just before it is counted as changed since. Where all rows were counted when they came, no more can have
/// changed than the growth since then, and what was ever updated or deleted.
#[expect(clippy::cast_precision_loss, reason = "counts of rows")]
fn changed(table: &Table, stats: &TableStats) -> f64 {
    let changed = stats.n_mod_since_analyze as f64;
    let (updated, deleted) = (stats.n_tup_upd as f64, stats.n_tup_del as f64);
    let came = stats.n_tup_ins as f64 - deleted;
    if came < COUNTED * table.reltuples {
        return changed;
    }
    let growth = (came - table.reltuples).max(0.0);
    changed.min(growth + updated + 2.0 * deleted)
}

impl Lack {
    /// "120,000 changes to its 400,000 rows since it was analyzed".
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Self::Never(rows) => format!("its {} rows were never analyzed", Count(rows)),
            Self::Uncounted(pages) => format!(
                "its {} of rows were never analyzed, nor counted",
                Bytes(pages * 8192.0)
            ),
            Self::Changed { changed, rows, .. } => format!(
                "{} changes to its {} rows since it was analyzed",
                Count(changed),
                Count(rows)
            ),
        }
    }
}

/// ANALYZE for each table of the workload that lacks statistics.
#[must_use]
pub fn analyze_advice(snapshot: &Snapshot, workload: &Workload) -> Vec<Recommendation> {
    let relations = workload.queries.iter().flat_map(|q| &q.shape.relations);
    let read: BTreeSet<u32> = relations.map(|r| r.table_oid).collect();
    let tables = read.into_iter().filter_map(|oid| snapshot.table(oid));
    tables
        .filter(|t| t.can_have_indexes() && t.extension.is_none())
        .filter_map(|t| Some(analyze(t, lack(t, snapshot)?, workload, snapshot)))
        .collect()
}

fn analyze(table: &Table, lack: Lack, workload: &Workload, snapshot: &Snapshot) -> Recommendation {
    let reads = |q: &&Query| {
        let mut relations = q.shape.relations.iter();
        relations.any(|r| r.table_oid == table.oid)
    };
    let statements = workload.queries.iter().filter(reads).count();
    let mut reason = format!("{}: {}", table.qualified(), lack.describe());
    if let Lack::Changed {
        rows, threshold, ..
    } = lack
    {
        let last = table.stats.as_ref().and_then(|s| s.last_analyze);
        if let Some(last) = last {
            let age = (snapshot.taken_at - last).max(0.0);
            reason = format!("{reason}, {} ago", Millis(age * 1000.0));
        }
        reason = format!(
            "{reason}; autovacuum should have come after {} ({} of them)",
            Count(threshold),
            Percent(threshold / rows)
        );
    }
    let (tense, verb) = match statements {
        1 => ("1 analysed statement".to_owned(), "is"),
        n => (format!("{n} analysed statements"), "are"),
    };
    let sample = match table.kind {
        TableKind::Partitioned => "each partition".to_owned(),
        _ if table.relpages > 0.0 => Bytes(table.relpages * 8192.0).to_string(),
        _ => "it".to_owned(),
    };
    Recommendation {
        changes: vec![Change::Analyze {
            table: table.qualified(),
        }],
        confidence: Confidence::High,
        confidence_reason: match lack {
            Lack::Uncounted(_) => "the file has rows, the catalogs have nothing on them".into(),
            Lack::Never(_) | Lack::Changed { .. } => "counted by the server".into(),
        },
        effort: format!(
            "one statement, blocks neither reads nor writes; reads a sample of {sample}"
        ),
        risk: "plans of statements on it may change, as they should".into(),
        reason: format!("{reason}; {tense} on it {verb} planned by guesses"),
        ..Recommendation::on_table(Action::Analyze, table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::definition::Length;
    use crate::query::testing::{catalog, with_statements};
    use crate::query::workload::{WorkloadOptions, workload};

    fn advised(table: &str) -> Vec<String> {
        let snapshot = with_statements(
            catalog(table),
            &[("SELECT * FROM t WHERE a = $1", 10, 100.0)],
        );
        let workload = workload(&snapshot, &WorkloadOptions::default());
        let advice = analyze_advice(&snapshot, &workload);
        (advice.iter())
            .map(|r| format!("{} {}", r.changes[0], r.reason))
            .collect()
    }

    #[test]
    fn missing_and_stale_statistics_come_first() {
        assert_eq!(
            advised("create table t (a int); -- rows=-1 n_live_tup=50000"),
            [
                "ANALYZE public.t; public.t: its 50,000 rows were never analyzed; 1 analysed statement on it is planned by guesses"
            ]
        );
        assert_eq!(
            advised(
                "create table t ( -- rows=50000 n_live_tup=50000 n_mod_since_analyze=20000
                 a int -- n_distinct=10
                 );"
            ),
            [
                "ANALYZE public.t; public.t: 20,000 changes to its 50,000 rows since it was analyzed; autovacuum should have come \
                 after 5,050 (10.1 % of them); 1 analysed statement on it is planned by guesses"
            ]
        );
    }

    /// After `pg_upgrade` no counter and no statistics are there, and the rows are.
    #[test]
    fn rows_that_nobody_counted_are_seen_by_the_file() {
        let mut snapshot = catalog("create table t (a int); -- rows=-1 n_live_tup=0");
        let of = |snapshot: &Snapshot| lack(&snapshot.tables[0], snapshot);
        assert_eq!(of(&snapshot), None, "the file's length was not seen");
        let oid = snapshot.tables[0].oid;
        for (pages, expected) in [
            (Some(15.0), None),
            (Some(2000.0), Some(Lack::Uncounted(2000.0))),
            (None, None),
        ] {
            snapshot.definitions.lengths = vec![Length { oid, pages }];
            assert_eq!(of(&snapshot), expected, "{pages:?}");
        }
        snapshot.definitions.lengths = vec![Length {
            oid,
            pages: Some(2000.0),
        }];
        let snapshot = with_statements(snapshot, &[("SELECT * FROM t WHERE a = $1", 10, 100.0)]);
        let workload = workload(&snapshot, &WorkloadOptions::default());
        assert_eq!(
            analyze_advice(&snapshot, &workload)[0].reason,
            "public.t: its 16 MB of rows were never analyzed, nor counted; 1 analysed statement on it is planned by guesses"
        );
    }

    #[test]
    fn what_is_autovacuums_everyday_work_is_left_to_it() {
        for table in [
            // A few changes, a small table, and a table that no statement reads.
            "create table t ( -- rows=50000 n_live_tup=50000 n_mod_since_analyze=6000
             a int -- n_distinct=10
             );",
            "create table t (a int); -- rows=-1 n_live_tup=500",
            "create table t (a int); -- rows=500
             create table other (a int); -- rows=-1 n_live_tup=50000",
        ] {
            assert_eq!(advised(table), [""; 0], "{table}");
        }
        // Nothing was counted: nothing is claimed.
        assert_eq!(advised("create table t (a int);"), [""; 0]);
    }

    /// What was loaded just before ANALYZE is counted as changed after it.
    #[test]
    fn a_table_analyzed_as_soon_as_it_was_filled() {
        for (figures, expected) in [
            ("n_tup_ins=50000 n_mod_since_analyze=50000", None),
            ("n_tup_ins=51000 n_mod_since_analyze=51000", None),
            ("n_tup_ins=90000 n_mod_since_analyze=90000", Some(40_000.0)),
            (
                "n_tup_ins=50000 n_tup_upd=30000 n_mod_since_analyze=80000",
                Some(30_000.0),
            ),
            // The counters were reset after it was filled: they say nothing of what was there.
            ("n_tup_ins=20000 n_mod_since_analyze=20000", Some(20_000.0)),
        ] {
            let table =
                format!("create table t ( -- rows=50000 {figures}\n a int -- n_distinct=10\n);");
            let snapshot = catalog(&table);
            let changed = match lack(&snapshot.tables[0], &snapshot) {
                Some(Lack::Changed { changed, .. }) => Some(changed),
                _ => None,
            };
            assert_eq!(changed, expected, "{figures}");
        }
    }

    /// A role that may not read `pg_stats` sees a table without statistics.
    #[test]
    fn hidden_statistics_are_not_missing_ones() {
        let mut snapshot = catalog("create table t (a int); -- rows=50000 n_live_tup=50000");
        snapshot.server.is_superuser = false;
        assert_eq!(lack(&snapshot.tables[0], &snapshot), None);
        snapshot.server.is_superuser = true;
        let never = lack(&snapshot.tables[0], &snapshot);
        assert_eq!(never, Some(Lack::Never(50_000.0)));
    }
}
