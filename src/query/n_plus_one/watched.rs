//! How much was seen between samples of `pg_stat_statements`, and what could not be told from it.

use crate::model::gap::{Gap, Part};
use crate::model::snapshot::Snapshot;
use crate::model::unit::Count;
use crate::query::n_plus_one::deltas::{Sample, lost, series, total};
use crate::query::n_plus_one::from_samples::MIN_CALLS;

/// What happened while the counters were watched.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Watched {
    /// From the first sample to the last, by the server's clock.
    pub seconds: f64,
    /// Samples.
    pub samples: usize,
    /// Intervals between them of which nothing is known: the counters were reset.
    pub lost: usize,
    /// Statements that the server dropped to make room for others, as far as it says so.
    pub evictions: i64,
    /// Statements of this database that were executed.
    pub statements: usize,
    /// Their executions.
    pub calls: f64,
    /// Time that they took, ms.
    pub ms: f64,
    /// Executions of the one that was executed most.
    pub most: f64,
    /// Statements that were executed often enough to be judged.
    pub judged: usize,
}

/// The account of samples, oldest first.
#[must_use]
pub fn watched(snapshot: &Snapshot, samples: &[Sample<'_>]) -> Watched {
    let database = snapshot.server.database_oid;
    let series = series(samples, database);
    let all = total(&series);
    let evictions = samples.iter().filter_map(|s| s.evictions);
    let evicted = evictions.clone().max().unwrap_or(0) - evictions.min().unwrap_or(0);
    let ends = samples.first().zip(samples.last());
    Watched {
        seconds: ends.map_or(0.0, |(first, last)| last.taken_at - first.taken_at),
        samples: samples.len(),
        lost: lost(samples, database),
        evictions: evicted,
        statements: series.len(),
        calls: all.calls,
        ms: all.ms,
        most: series.iter().map(|s| s.total.calls).fold(0.0, f64::max),
        judged: (series.iter())
            .filter(|s| s.total.calls >= MIN_CALLS)
            .count(),
    }
}

impl Watched {
    /// What could not be told.
    #[must_use]
    pub fn gaps(&self) -> Vec<Gap> {
        let gap = |what: String| Gap::new(Part::Statements, what);
        let mut gaps = Vec::new();
        let intervals = self.samples.saturating_sub(1);
        if self.lost > 0 {
            gaps.push(
                gap(format!(
                    "the counters of pg_stat_statements were reset during {} of the {intervals} intervals of the watch",
                    self.lost
                ))
                .effect("what was executed in them is not known")
                .close("-- watch again, with no pg_stat_statements_reset() meanwhile"),
            );
        }
        if self.evictions > 0 {
            gaps.push(
                gap(
                    "pg_stat_statements was full and dropped statements during the watch"
                        .to_owned(),
                )
                .effect("statements that come and go are not seen to be repeated")
                .close("SHOW pg_stat_statements.max; -- a larger one needs a restart"),
            );
        }
        if self.lost < intervals && self.most < MIN_CALLS {
            let seconds = self.seconds.round();
            let what = if self.calls <= 0.0 {
                format!(
                    "no statement of this database was executed in the {seconds} s of the watch"
                )
            } else {
                format!(
                    "no statement was executed {MIN_CALLS} times in the {seconds} s of the watch, the busiest one {}",
                    times(self.most)
                )
            };
            gaps.push(
                gap(what)
                    .effect(
                        "whether statements are run once for each row of others could not be told",
                    )
                    .close("-- watch at a busy time, or for longer: --watch 10m"),
            );
        }
        gaps
    }
}

fn times(count: f64) -> String {
    if count <= 1.0 {
        "once".to_owned()
    } else {
        format!("{} times", Count(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::statement::Statement;
    use crate::query::testing::{DATABASE, catalog};

    /// The account of one statement with these counters, sample by sample; the number of the last reset with each.
    fn account(calls: &[(i64, f64)]) -> Watched {
        let statement = |calls: i64| Statement {
            queryid: Some(7),
            dbid: DATABASE,
            toplevel: true,
            calls,
            rows: calls,
            #[expect(clippy::cast_precision_loss, reason = "small")]
            total_exec_time: Some(calls as f64),
            ..Statement::default()
        };
        let lists: Vec<Vec<Statement>> = calls.iter().map(|(n, _)| vec![statement(*n)]).collect();
        let samples: Vec<Sample<'_>> = (lists.iter().zip(calls).zip(0_u32..))
            .map(|((statements, (_, reset)), at)| Sample {
                taken_at: 10.0 * f64::from(at),
                reset: Some(*reset),
                evictions: Some(0),
                statements,
            })
            .collect();
        watched(&catalog("create table t (id int);"), &samples)
    }

    fn told(calls: &[(i64, f64)]) -> Vec<String> {
        account(calls).gaps().into_iter().map(|g| g.what).collect()
    }

    #[test]
    fn what_was_executed_is_counted() {
        let seen = account(&[(5, 0.0), (105, 0.0), (305, 0.0)]);
        assert_eq!(
            (seen.seconds, seen.samples, seen.calls, seen.most),
            (20.0, 3, 300.0, 300.0)
        );
        assert_eq!((seen.statements, seen.judged, seen.ms), (1, 1, 300.0));
        assert_eq!(seen.gaps(), []);
    }

    #[test]
    fn too_little_is_a_gap() {
        let quiet = "no statement of this database was executed in the 20 s of the watch";
        assert_eq!(told(&[(5, 0.0), (5, 0.0), (5, 0.0)]), [quiet]);
        let few = "no statement was executed 100 times in the 10 s of the watch, the busiest one 99 times";
        assert_eq!(told(&[(5, 0.0), (104, 0.0)]), [few]);
        assert_eq!(told(&[(5, 0.0), (105, 0.0)]), [""; 0]);
    }

    #[test]
    fn a_reset_is_a_gap() {
        let reset = "the counters of pg_stat_statements were reset during 1 of the 2 intervals of the watch";
        assert_eq!(told(&[(5, 0.0), (105, 0.0), (400, 1.0)]), [reset]);
        assert_eq!(told(&[(5, 0.0), (105, 0.0), (1, 0.0)]), [reset]);
        // Nothing is known at all: one gap says it.
        assert_eq!(told(&[(5, 0.0), (1, 1.0)]).len(), 1);
    }
}
