//! Samples of `pg_stat_statements` → what each statement did between one and the next.
//!
//! Counters are reset, and statements are evicted and come back: what an interval cannot tell is left out of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::snapshot::Snapshot;
use crate::model::statement::{Source, Statement};

/// What `pg_stat_statements` held at one time.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// When, by the server's clock, Unix seconds.
    pub taken_at: f64,
    /// `pg_stat_statements_info.stats_reset`, if it can be seen.
    pub reset: Option<f64>,
    /// `pg_stat_statements_info.dealloc`, if it can be seen.
    pub evictions: Option<i64>,
    /// The statements.
    pub statements: &'a [Statement],
}

impl<'a> From<&'a Snapshot> for Sample<'a> {
    fn from(snapshot: &'a Snapshot) -> Self {
        Self {
            taken_at: snapshot.taken_at,
            reset: snapshot.server.statements_reset,
            evictions: snapshot.server.statements_dealloc,
            statements: &snapshot.statements,
        }
    }
}

/// What a statement did in an interval.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Delta {
    pub(super) calls: f64,
    pub(super) rows: f64,
    pub(super) ms: f64,
}

/// A statement over all intervals.
#[derive(Debug, Clone)]
pub(super) struct Series<'a> {
    pub(super) statement: &'a Statement,
    /// Per interval; `None` = cannot be told.
    pub(super) deltas: Vec<Option<Delta>>,
    /// The sum of what can.
    pub(super) total: Delta,
}

/// (queryid, role): the database is one, and only what clients sent is of interest.
type Id = (i64, u32);

/// The series of all statements of a database that did something, in a fixed order.
pub(super) fn series<'a>(samples: &[Sample<'a>], database: u32) -> Vec<Series<'a>> {
    let maps: Vec<BTreeMap<Id, &Statement>> = samples
        .iter()
        .map(|s| by_id(s.statements, database))
        .collect();
    let ids: BTreeSet<Id> = maps.iter().flat_map(|m| m.keys().copied()).collect();
    let lost: Vec<bool> = (samples.windows(2).zip(maps.windows(2)))
        .map(|(samples, maps)| is_lost(samples, maps))
        .collect();
    let of_one = |id: Id| {
        let deltas: Vec<Option<Delta>> = (samples.windows(2).zip(maps.windows(2)))
            .zip(&lost)
            .map(|((samples, maps), lost)| {
                let (old, new) = (maps[0].get(&id).copied(), maps[1].get(&id).copied());
                (!lost).then(|| delta(samples, old, new)).flatten()
            })
            .collect();
        let total = deltas
            .iter()
            .flatten()
            .fold(Delta::default(), |sum, d| Delta {
                calls: sum.calls + d.calls,
                rows: sum.rows + d.rows,
                ms: sum.ms + d.ms,
            });
        let statement = maps.iter().rev().find_map(|m| m.get(&id).copied())?;
        (total.calls > 0.0).then_some(Series {
            statement,
            deltas,
            total,
        })
    };
    ids.into_iter().filter_map(of_one).collect()
}

/// What all of them did together.
pub(super) fn total(series: &[Series<'_>]) -> Delta {
    let each = series.iter().map(|s| s.total);
    each.fold(Delta::default(), |sum, one| Delta {
        calls: sum.calls + one.calls,
        rows: sum.rows + one.rows,
        ms: sum.ms + one.ms,
    })
}

/// Intervals between samples in which all counters were reset.
pub(super) fn lost(samples: &[Sample<'_>], database: u32) -> usize {
    let maps: Vec<BTreeMap<Id, &Statement>> = samples
        .iter()
        .map(|s| by_id(s.statements, database))
        .collect();
    (samples.windows(2).zip(maps.windows(2)))
        .filter(|(samples, maps)| is_lost(samples, maps))
        .count()
}

fn by_id(statements: &[Statement], database: u32) -> BTreeMap<Id, &Statement> {
    let ours = statements
        .iter()
        .filter(|s| s.source == Source::PgStatStatements && s.toplevel && s.dbid == database);
    ours.filter_map(|s| Some(((s.queryid?, s.userid), s)))
        .collect()
}

/// Whether all counters were reset between two samples: the server says so, or most counters went backwards.
fn is_lost(samples: &[Sample<'_>], maps: &[BTreeMap<Id, &Statement>]) -> bool {
    if samples[0].reset != samples[1].reset {
        return true;
    }
    let both = maps[0]
        .iter()
        .filter_map(|(id, old)| Some((old, maps[1].get(id)?)));
    let (mut all, mut back) = (0_usize, 0_usize);
    for (old, new) in both {
        all += 1;
        back += usize::from(new.calls < old.calls);
    }
    2 * back > all
}

fn delta(
    samples: &[Sample<'_>],
    old: Option<&Statement>,
    new: Option<&Statement>,
) -> Option<Delta> {
    let zero = Statement::default();
    let old = match (old, new?) {
        (Some(old), new) if old.stats_since == new.stats_since => old,
        // It was evicted or reset, and came back: what it did before that is not known.
        (Some(_), _) => return None,
        (None, new) => {
            let begun = new.stats_since.map(|since| since >= samples[0].taken_at);
            let kept = samples[0].evictions == samples[1].evictions;
            if !begun.unwrap_or(kept) {
                return None;
            }
            &zero
        }
    };
    let new = new?;
    let ms = new.total_exec_time.unwrap_or(0.0) - old.total_exec_time.unwrap_or(0.0);
    if new.calls < old.calls || new.rows < old.rows || ms < 0.0 {
        return None;
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "nothing is called 2^52 times between two samples"
    )]
    Some(Delta {
        calls: (new.calls - old.calls) as f64,
        rows: (new.rows - old.rows) as f64,
        ms,
    })
}
