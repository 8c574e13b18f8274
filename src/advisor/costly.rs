//! Existing indexes that cost more than they save: what writes pay for them, against what the planner says that statements
//! would lose without them.
//!
//! That is a weaker ground than a twin: a counter knows nothing of what runs once a year, or on a replica. So it is said of few:
//! writes pay noticeably for them, nothing but queries depends on them and no foreign key could use them, what has been counted
//! spans days and is nearly all of the load, no statement gets much slower, and every scan that the server counted could be one
//! of the analysed statements'.

use std::collections::BTreeMap;

use crate::advisor::catalog_advice::price;
use crate::advisor::drop_check::{Compared, LITTLE_LOAD, Verdict};
use crate::advisor::priority::Priority;
use crate::advisor::recommend::Decision;
use crate::advisor::recommendation::{Action, Benefit, Confidence, Recommendation};
use crate::model::catalog::{ConstraintKind, Table, TableKind};
use crate::model::change::Change;
use crate::model::index::Index;
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Count, Millis};
use crate::query::workload::Workload;

/// Counters of less than a day know no night.
const SHORTEST_DAYS: f64 = 1.0;
/// From here on they know a whole month, and its end; what Azure's tuner asks before it calls an index unused.
const CYCLE_DAYS: f64 = 35.0;
/// Share of the load that must have been analysed.
const MOST_OF_THE_LOAD: f64 = 0.95;
/// By what factor writes must pay more than statements lose: planner cost tells time no better (`cargo bench --bench time`).
const BY_FAR: f64 = 2.4;
/// Most indexes that are asked about, those that writes pay most for.
const MOST_ASKED: usize = 20;

/// An existing index that writes pay much for.
#[derive(Debug, Clone, Copy)]
pub struct Costly<'a> {
    /// The index.
    pub index: &'a Index,
    /// What writes pay for it, ms a day.
    ms_per_day: f64,
    /// Scans of it that the server counted.
    scans: f64,
    /// Days over which that was counted.
    days: f64,
}

/// The indexes of which it is worth asking whether they pay, most expensive first, without those that are `gone` anyway.
/// Statements were counted over a `window` of days.
#[must_use]
pub fn costly<'a>(
    snapshot: &'a Snapshot,
    workload: &Workload,
    window: Option<f64>,
    gone: &[&Index],
) -> Vec<Costly<'a>> {
    let coverage = &workload.coverage;
    let counted = snapshot.stats_age().map(|age| age / 86_400.0);
    let (Some(window), Some(days)) = (window, counted) else {
        return Vec::new();
    };
    if !coverage.timed || coverage.share() < MOST_OF_THE_LOAD || window.min(days) < SHORTEST_DAYS {
        return Vec::new();
    }
    let least = LITTLE_LOAD * coverage.analysed_total / window;
    let pays = |index: &'a Index| {
        let table = snapshot.table(index.definition.table_oid)?;
        let goes = gone.iter().any(|i| i.oid == index.oid);
        if goes || !may_go(index, table, snapshot) {
            return None;
        }
        let bytes = index.relpages * 8192.0;
        let ms_per_day = price(&index.definition, bytes, snapshot, workload).ms_per_day?;
        #[expect(clippy::cast_precision_loss, reason = "a count for people")]
        let scans = index.stats.as_ref()?.idx_scan as f64;
        (ms_per_day > least).then_some(Costly {
            index,
            ms_per_day,
            scans,
            days,
        })
    };
    let mut costly: Vec<Costly<'_>> = snapshot.indexes.iter().filter_map(pays).collect();
    costly.sort_by(|a, b| {
        let by_name = || a.index.oid.cmp(&b.index.oid);
        b.ms_per_day.total_cmp(&a.ms_per_day).then_with(by_name)
    });
    costly.truncate(MOST_ASKED);
    costly
}

/// Whether nothing but queries needs an index, as far as the catalog tells. (The parts of a partitioned index have counters, it
/// itself has none.)
fn may_go(index: &Index, table: &Table, snapshot: &Snapshot) -> bool {
    index.is_droppable()
        && table.extension.is_none()
        && table.kind == TableKind::Table
        && !supports_foreign_key(index, table, snapshot)
}

/// Whether a foreign key of its table could look for references by this index.
fn supports_foreign_key(index: &Index, table: &Table, snapshot: &Snapshot) -> bool {
    let root = snapshot.root_of(table).oid;
    let keys = &index.definition.keys;
    let leads = |columns: &[String]| {
        let first = keys.iter().take(columns.len());
        keys.len() >= columns.len()
            && first
                .map(|k| k.column_name())
                .all(|name| name.is_some_and(|name| columns.iter().any(|c| c == name)))
    };
    snapshot.constraints.iter().any(|c| {
        c.kind == ConstraintKind::ForeignKey
            && (c.table_oid == table.oid || c.table_oid == root)
            && leads(&c.columns)
    })
}

/// Advice to drop an index, if by these answers (of all analysed statements on its table) it costs more than it saves.
#[must_use]
pub fn drop_costly(
    decision: &Decision<'_>,
    costly: &Costly<'_>,
    compared: &BTreeMap<usize, Result<Compared, String>>,
) -> Option<Recommendation> {
    let Costly {
        index, ms_per_day, ..
    } = *costly;
    let window = decision.days?;
    let verdict = Verdict::of(decision, index, compared);
    let lost = verdict.lost_ms() / window;
    // Somebody reads it whom we do not see.
    let unseen = verdict.users == 0 && costly.scans > 0.0;
    let least = LITTLE_LOAD * decision.workload.coverage.analysed_total / window;
    let pays_off = ms_per_day > BY_FAR * lost && ms_per_day - lost > least;
    if unseen || verdict.is_missed() || !pays_off {
        return None;
    }
    let age = Millis(costly.days * 86_400_000.0);
    let table = &index.definition.table;
    let loses = if lost > 0.0 {
        format!(
            "the analysed statements would lose {} a day without it",
            Millis(lost)
        )
    } else {
        "the analysed statements would lose nothing without it".into()
    };
    Some(Recommendation {
        action: Action::Drop,
        index: index.qualified(),
        definition: index.definition.clone(),
        replaced: Vec::new(),
        changes: vec![Change::DropIndex {
            name: index.qualified(),
            concurrently: true,
        }],
        undo: vec![Change::CreateIndex {
            name: index.name.clone(),
            definition: index.definition.clone(),
            concurrently: true,
            only: false,
        }],
        size_bytes: index.relpages * 8192.0,
        benefit: Benefit {
            cost_before: verdict.costs.0,
            cost_after: verdict.costs.1,
            write_ms_per_day: Some(-ms_per_day),
            ..Benefit::default()
        },
        statements: Vec::new(),
        misjudged: Vec::new(),
        confidence: if costly.days >= CYCLE_DAYS {
            Confidence::Medium
        } else {
            Confidence::Low
        },
        confidence_reason: format!(
            "the planner was asked; reads and writes have been counted for {age}, {}, and on this server only",
            if costly.days >= CYCLE_DAYS {
                "more than a month"
            } else {
                "less than a month and its end"
            }
        ),
        rank: 0,
        priority: Priority::default(),
        priority_reason: String::new(),
        effort: "one statement, waits for running queries".into(),
        risk: format!(
            "{}; what reads it more rarely than every {age}, or on a replica, is not seen: look at pg_stat_user_indexes there first",
            verdict.told(table)
        ),
        reason: format!(
            "costs more than it saves: writes to {table} pay {} a day for it, and {loses}; {} scans in {age}",
            Millis(ms_per_day),
            Count(costly.scans)
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisor::candidates::{CandidateOptions, candidates};
    use crate::advisor::search::{Search, SearchOptions};
    use crate::model::plan::Plan;
    use crate::model::whatif::{Cost, Source};
    use crate::query::testing::{catalog, with_statements};
    use crate::query::workload::{WorkloadOptions, workload};

    /// Forty days of counters: 250,000 inserts a day; nothing reads `t_a` and `t_p`.
    const TABLE: &str = "
        create table p (id int primary key); -- rows=1000 pages=10
        create table t (id int primary key, a int, b int, p_id int references p (id)); -- rows=100000 pages=1000 n_tup_ins=10000000
        create index t_a on t (a); -- pages=300 idx_scan=0
        create index t_b on t (b); -- pages=300 idx_scan=500
        create index t_p on t (p_id, a); -- pages=300 idx_scan=0
        create unique index t_u on t (a, b); -- pages=300 idx_scan=0
        create table quiet (id int primary key, a int); -- rows=100000 pages=1000 n_tup_ins=10
        create index quiet_a on quiet (a); -- pages=300 idx_scan=0
    ";
    const DAYS: f64 = 40.0;

    fn world(total_ms: f64) -> Snapshot {
        let mut snapshot = with_statements(
            catalog(TABLE),
            &[("SELECT id FROM t WHERE b = $1", 1000, total_ms)],
        );
        let since = Some(snapshot.taken_at - DAYS * 86_400.0);
        snapshot.server.stats_reset = since;
        snapshot.server.statements_reset = since;
        snapshot
    }

    /// The indexes that are asked about when the world is changed like this.
    fn asked(window: Option<f64>, change: impl FnOnce(&mut Snapshot)) -> Vec<String> {
        let mut snapshot = world(100_000.0);
        change(&mut snapshot);
        let workload = workload(&snapshot, &WorkloadOptions::default());
        let costly = costly(&snapshot, &workload, window, &[]);
        costly.iter().map(|c| c.index.name.clone()).collect()
    }

    fn index<'a>(snapshot: &'a mut Snapshot, name: &str) -> &'a mut Index {
        let mut indexes = snapshot.indexes.iter_mut();
        indexes.find(|i| i.name == name).unwrap()
    }

    #[test]
    fn only_what_writes_pay_for_and_nothing_but_queries_needs_is_asked_about() {
        assert_eq!(asked(Some(DAYS), |_| {}), ["t_a", "t_b"]);
        let guards: [fn(&mut Index); 8] = [
            |i| i.definition.unique = true,
            |i| i.primary = true,
            |i| i.exclusion = true,
            |i| i.constraint = Some("t_key".into()),
            |i| i.replica_identity = true,
            |i| i.clustered = true,
            |i| i.incomplete = true,
            |i| i.stats = None,
        ];
        for guard in guards {
            assert_eq!(asked(Some(DAYS), |s| guard(index(s, "t_a"))), ["t_b"]);
        }
        let without_key = |s: &mut Snapshot| {
            s.constraints
                .retain(|c| c.kind != ConstraintKind::ForeignKey);
        };
        assert_eq!(asked(Some(DAYS), without_key), ["t_a", "t_b", "t_p"]);
    }

    #[test]
    fn what_was_counted_too_shortly_or_in_part_says_nothing() {
        let none = [""; 0];
        assert_eq!(asked(None, |_| {}), none);
        assert_eq!(asked(Some(0.9), |_| {}), none);
        let reset = |s: &mut Snapshot| s.server.stats_reset = Some(s.taken_at - 3600.0);
        assert_eq!(asked(Some(DAYS), reset), none);
        let hidden = |s: &mut Snapshot| {
            let mut other = s.statements[0].clone();
            other.query = None;
            s.statements.push(other);
        };
        assert_eq!(asked(Some(DAYS), hidden), none);
    }

    /// What is said of an index when the one statement uses `t_b`, and costs so much without the index in question.
    fn told(name: &str, scans: i64, total_ms: f64, without: f64) -> Option<Recommendation> {
        let mut snapshot = world(total_ms);
        index(&mut snapshot, name).stats.as_mut().unwrap().idx_scan = scans;
        let workload = workload(&snapshot, &WorkloadOptions::default());
        let candidates = candidates(&workload, &snapshot, &CandidateOptions::default());
        let search = Search::new(&candidates, &[], true, &[], SearchOptions::unlimited());
        let decision = Decision {
            snapshot: &snapshot,
            workload: &workload,
            candidates: &candidates,
            search: &search,
            write_costs: &[],
            source: Source::Clone,
            days: Some(DAYS),
        };
        let cost = |total: f64| Cost {
            total,
            used: vec![],
            plan: Plan {
                index_name: Some("t_b".into()),
                ..Plan::default()
            },
            ..Cost::default()
        };
        let (with, without) = (cost(10.0), cost(without));
        let compared = BTreeMap::from([(0, Ok(Compared { with, without }))]);
        let all = costly(&snapshot, &workload, decision.days, &[]);
        let costly = all.iter().find(|c| c.index.name == name)?;
        drop_costly(&decision, costly, &compared)
    }

    #[test]
    fn what_nobody_reads_goes_and_what_somebody_unseen_reads_stays() {
        let advice = told("t_a", 0, 100_000.0, 10.0).unwrap();
        assert_eq!(
            advice.changes[0].to_string(),
            "DROP INDEX CONCURRENTLY public.t_a;"
        );
        assert_eq!(
            advice.undo[0].to_string(),
            "CREATE INDEX CONCURRENTLY t_a ON public.t (a);"
        );
        assert_eq!(advice.confidence, Confidence::Medium);
        for (text, said) in [
            (
                &advice.reason,
                "would lose nothing without it; 0 scans in 40.0 days",
            ),
            (
                &advice.risk,
                "of 1 analysed statements on public.t none uses it",
            ),
            (&advice.risk, "or on a replica, is not seen"),
            (
                &advice.confidence_reason,
                "counted for 40.0 days, more than a month, and on this server only",
            ),
        ] {
            assert!(text.contains(said), "{text}");
        }
        assert_eq!(told("t_a", 5, 100_000.0, 10.0), None);
    }

    #[test]
    fn what_statements_would_lose_is_weighed_against_what_writes_pay() {
        // A fifth of 100 s in 40 days is 0.5 s a day, writes pay nearly 3 s.
        let advice = told("t_b", 500, 100_000.0, 12.0).unwrap();
        let said = "the analysed statements would lose 500 ms a day without it; 500 scans";
        assert!(advice.reason.contains(said), "{}", advice.reason);
        let said = "1 would cost more without it, 20.0 % at most";
        assert!(advice.risk.contains(said), "{}", advice.risk);
        // Too much by time, too much for one statement.
        assert_eq!(told("t_b", 500, 400_000.0, 12.0), None);
        assert_eq!(told("t_b", 500, 10_000.0, 16.0), None);
    }
}
