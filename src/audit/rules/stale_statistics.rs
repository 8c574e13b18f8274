//! `stale-statistics`: the planner estimates from what the table was.

use crate::audit::database::{ago, count, setting_of, tables};
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::catalog::{Table, TableKind};
use crate::model::change::Change;
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "stale-statistics",
    title: "Statistics of the table are missing or old",
    page: "\
The planner knows how many rows a condition keeps from ANALYZE alone. Without it, or long after it, estimates are guesses: the wrong join, the wrong
index, memory for the wrong number of rows.

Told by: a table of 1,000 rows or more that was never analyzed, or that has changed by more than twice what autovacuum would analyze it at (by default 50
rows and a tenth of the table) since, unless that ANALYZE was less than five minutes ago. A partitioned table has statistics of its own, over all partitions, which autovacuum never gathers.

Do: ANALYZE it: it reads a sample and takes a lock that stops neither reads nor writes. After a load, make it part of the load.

All right when: a load has just ended, and autovacuum will come.",
    check: Check::Database(check),
};

/// In a smaller table any estimate does.
const ROWS: f64 = 1000.0;
/// From so many rows on missing statistics are no small matter.
const LARGE: f64 = 10_000.0;
/// How far beyond what autovacuum analyzes at.
const TIMES: f64 = 2.0;
/// Seconds after an ANALYZE in which nothing is told: autovacuum comes in that time, if there is need.
const SETTLED: f64 = 300.0;

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    tables(snapshot)
        .filter_map(|table| hit(snapshot, table))
        .collect()
}

fn hit(snapshot: &Snapshot, table: &Table) -> Option<DatabaseHit> {
    let stats = table.stats.as_ref()?;
    let rows = table.rows().max(count(stats.n_live_tup));
    let known = table.columns.iter().any(|c| c.stats.is_some());
    let changed = count(stats.n_mod_since_analyze);
    let begins = setting_of(snapshot, table, "autovacuum_analyze_threshold", 50.0)
        + setting_of(snapshot, table, "autovacuum_analyze_scale_factor", 0.1) * rows;
    // Statistics that the role may not see are not missing: then the table was analyzed.
    let never = !known && stats.last_analyze.is_none() && rows >= ROWS;
    // Counters of a session come up to a minute after what they count: a load that ended with ANALYZE looks as if it came after it.
    let settled = (stats.last_analyze).is_none_or(|last| snapshot.taken_at - last >= SETTLED);
    let large = table.kind != TableKind::Partitioned && rows >= ROWS;
    let old = large && settled && changed >= TIMES * begins;
    if !never && !old {
        return None;
    }
    let evidence = if never {
        format!("{} rows, never analyzed", Count(rows))
    } else {
        let last = stats
            .last_analyze
            .map_or_else(String::new, |last| format!(", {} ago", ago(snapshot, last)));
        format!(
            "{} rows changed since the last ANALYZE{last}, {} of the table",
            Count(changed),
            Percent((changed / rows).min(1.0))
        )
    };
    let partitioned = table.kind == TableKind::Partitioned;
    Some(DatabaseHit {
        object: table.qualified().to_string(),
        severity: if never && rows >= LARGE && !partitioned {
            Severity::Medium
        } else {
            Severity::Low
        },
        evidence: vec![evidence],
        fix: Fix {
            changes: vec![Change::Analyze {
                table: table.qualified(),
            }],
            ..Fix::from(if partitioned {
                "analyze it, and again whenever its partitions have changed: autovacuum analyzes partitions only"
            } else {
                "analyze it"
            })
        },
    })
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::in_database;

    fn told(columns: &str, figures: &str) -> String {
        analyzed(columns, figures, 3600.0)
    }

    fn analyzed(columns: &str, figures: &str, ago: f64) -> String {
        let ddl = format!("create table t ({columns}\n); -- {figures}");
        in_database("stale-statistics", &ddl, |s| {
            for table in &mut s.tables {
                let stats = table.stats.as_mut();
                let known = table.columns.iter().any(|c| c.stats.is_some());
                if let Some(stats) = stats.filter(|_| known) {
                    stats.last_analyze = Some(s.taken_at - ago);
                }
            }
        })
    }

    #[test]
    fn what_was_never_analyzed_is_told() {
        let found = told("a int", "rows=50000 pages=500 n_live_tup=50000");
        assert!(
            found.starts_with("medium public.t: 50,000 rows, never analyzed"),
            "{found}"
        );
        assert!(found.contains("ANALYZE public.t;"), "{found}");
        assert_eq!(told("a int", "rows=500 pages=5 n_live_tup=500"), "");
    }

    #[test]
    fn what_changed_much_since_is_told() {
        let column = "\n a int -- n_distinct=10";
        let found = told(column, "rows=50000 pages=500 n_mod_since_analyze=20000");
        assert!(
            found.contains("20,000 rows changed since the last ANALYZE, 1.0 h ago, 40.0 %"),
            "{found}"
        );
        assert_eq!(
            told(column, "rows=50000 pages=500 n_mod_since_analyze=6000"),
            ""
        );
        let figures = "rows=50000 pages=500 n_mod_since_analyze=20000";
        assert_eq!(analyzed(column, figures, 20.0), "", "just now");
    }
}
