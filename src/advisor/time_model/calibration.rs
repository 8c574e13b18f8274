//! How a server differs from the one that the rates were measured on, learnt from the times of its own statements.
//!
//! Each statement whose plan and mean time are known says something of the kinds of work in its plan. The factors are those that
//! make the observed times most probable: the logarithm of each time is that of the modelled one, give or take what the model
//! errs by anyway, and each kind of work is about as much slower as the machine is in all, give or take a factor of 1.6 (a normal
//! prior on the logarithms: maximum a posteriori, found by Gauss-Newton steps with Huber's weights, so that a statement that
//! waits for locks counts little). With few statements, or statements that all do the same, the factors stay alike, and alike
//! they fall out when times are compared.

use serde::Serialize;

use crate::advisor::time_model::{Rates, Slowness, TimeModel};
use crate::model::snapshot::Snapshot;
use crate::model::statement::{Source, Statement};
use crate::model::whatif::Cost;
use crate::query::workload::{Query, QueryKind, Workload};

/// A statement as it runs today.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// Its plans, without any new index.
    pub cost: Cost,
    /// Mean time of an execution, ms.
    pub ms: f64,
    /// Share of its block accesses that shared buffers could not serve.
    pub missed: f64,
}

/// How a server differs, and from how many statements that was learnt.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Calibration {
    /// The factors.
    pub slowness: Slowness,
    /// Statements that they were learnt from.
    pub statements: usize,
    /// Whether the kinds of work differ from each other.
    pub apart: bool,
    /// By which factor the modelled times of these statements are off when all work is slower alike, and when each kind is by
    /// its own factor (root mean square).
    pub off: [f64; 2],
}

/// Fewer statements are anecdotes.
const FEWEST: usize = 8;
/// What the logarithm of a modelled time errs by, the times being those of a machine like the model's (`benches/time`).
const ERROR: f64 = 0.45;
/// How far the kinds of work are from each other, in the logarithm.
const KINDS: f64 = 0.45;
/// How far a machine is from the model's: anything between a tenth and ten times is usual.
const MACHINE: f64 = 2.3;
/// The same for kinds of work that are all alike.
const ALIKE: f64 = 1e-3;
/// Errors are clearly smaller below this share of them.
const CLEARLY: f64 = 0.8;
/// Errors beyond so many deviations count as if they were this large (Huber).
const OUTLYING: f64 = 1.5;
const STEPS: usize = 12;

/// The machine as a whole, then each kind of work on top of that, in logarithms.
const FACTORS: usize = 5;
type Logarithms = [f64; FACTORS];

/// Most statements that it takes: more make the answer no surer.
const MOST: usize = 100;
/// Fewer executions may all have met an empty cache or a lock.
const FEWEST_CALLS: f64 = 5.0;
/// What takes less is mostly the time of beginning and ending a statement, ms.
const SHORTEST_MS: f64 = 0.2;
/// Where the plan expects so many times more or fewer rows than were returned, it is another plan's time.
const ROWS: f64 = 4.0;

/// The statements that time can be learnt from, by position, the dearest first: those that only read, whose times the server
/// counted. Their plans are to be asked for.
#[must_use]
pub fn informative(workload: &Workload, snapshot: &Snapshot) -> Vec<usize> {
    let tells = |query: &Query| {
        let mut members = query.members.iter().map(|&m| &snapshot.statements[m]);
        let mean = query.total_ms.unwrap_or(0.0) / query.calls.max(1.0);
        query.kind == QueryKind::Select
            && query.calls >= FEWEST_CALLS
            && mean >= SHORTEST_MS
            && members.all(|s| s.source == Source::PgStatStatements)
    };
    let queries = workload.queries.iter().enumerate();
    let telling = queries.filter(|(_, q)| tells(q)).map(|(at, _)| at);
    telling.take(MOST).collect()
}

/// What such a statement and its plan say; nothing where the plan expects other rows than were returned.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "counts for a share")]
pub fn observed(query: &Query, cost: &Cost, snapshot: &Snapshot) -> Option<Observed> {
    let expected: f64 = cost
        .plans()
        .map(|(share, plan)| share * plan.plan_rows)
        .sum();
    let off = expected.max(1.0) / query.rows_per_call.max(1.0);
    let sum = |count: fn(&Statement) -> i64| -> f64 {
        let members = query.members.iter().map(|&m| &snapshot.statements[m]);
        members.map(|s| count(s).max(0) as f64).sum()
    };
    let (hit, read) = (sum(|s| s.shared_blks_hit), sum(|s| s.shared_blks_read));
    ((1.0 / ROWS..=ROWS).contains(&off)).then(|| Observed {
        cost: cost.clone(),
        ms: query.total_ms.unwrap_or(0.0) / query.calls.max(1.0),
        missed: read / (hit + read).max(1.0),
    })
}

/// Learns from what was observed; nothing from fewer than eight statements. Kinds of work are told apart only where that explains
/// the times clearly better than a machine that is faster or slower in everything: what is chosen shall not hang on noise.
#[must_use]
pub fn calibrate(model: &TimeModel<'_>, observed: &[Observed]) -> Option<Calibration> {
    let usable = |o: &&Observed| o.ms.is_finite() && o.ms > 0.0;
    let observed: Vec<&Observed> = observed.iter().filter(usable).collect();
    if observed.len() < FEWEST {
        return None;
    }
    let alike = fit(model, &observed, ALIKE);
    let apart = fit(model, &observed, KINDS);
    let off = [alike, apart].map(|theta| deviation(model, &observed, &theta));
    let better = off[1] < CLEARLY * off[0];
    Some(Calibration {
        slowness: slowness(model.rates(), if better { &apart } else { &alike }),
        apart: better,
        statements: observed.len(),
        off: off.map(f64::exp),
    })
}

/// The most probable factors when the kinds of work are so far from each other.
fn fit(model: &TimeModel<'_>, observed: &[&Observed], kinds: f64) -> Logarithms {
    let mut theta = [0.0; FACTORS];
    for _ in 0..STEPS {
        let step = step(model, observed, &theta, kinds);
        for (value, change) in theta.iter_mut().zip(step) {
            *value = (*value + change).clamp(-5.0, 5.0);
        }
        if step.iter().all(|change| change.abs() < 1e-4) {
            break;
        }
    }
    theta
}

/// Root mean square of the errors, large ones cut off as in the fit.
fn deviation(model: &TimeModel<'_>, observed: &[&Observed], theta: &Logarithms) -> f64 {
    let most = OUTLYING * ERROR;
    let squares = (observed.iter()).map(|o| error(model, o, theta).clamp(-most, most).powi(2));
    #[allow(clippy::cast_precision_loss, reason = "at most a hundred")]
    let mean = squares.sum::<f64>() / observed.len() as f64;
    mean.sqrt()
}

fn slowness(rates: &Rates, theta: &Logarithms) -> Slowness {
    let [machine, sequential, index, processing, read] = *theta;
    Slowness {
        sequential: (machine + sequential).exp(),
        index: (machine + index).exp(),
        processing: (machine + processing).exp(),
        // What the server timed needs no guess.
        read: if rates.is_measured {
            1.0
        } else {
            (machine + read).exp()
        },
    }
}

/// By how much the logarithm of the observed time is larger than that of the modelled one.
fn error(model: &TimeModel<'_>, observed: &Observed, theta: &Logarithms) -> f64 {
    let rates = Rates {
        missed: observed.missed,
        slowness: slowness(model.rates(), theta),
        ..*model.rates()
    };
    let plans = observed.cost.plans();
    let modelled: f64 = plans
        .map(|(share, plan)| share * model.ms_at(plan, &[], &rates))
        .sum();
    (observed.ms / modelled.max(1e-6)).ln()
}

/// The next step: the solution of the normal equations of the weighted errors and of the prior.
fn step(
    model: &TimeModel<'_>,
    observed: &[&Observed],
    theta: &Logarithms,
    kinds: f64,
) -> Logarithms {
    const WIDTH: f64 = 1e-3;
    let mut left = [[0.0; FACTORS]; FACTORS];
    let mut right = [0.0; FACTORS];
    for o in observed {
        let now = error(model, o, theta);
        let mut slopes = [0.0; FACTORS];
        for (factor, slope) in slopes.iter_mut().enumerate() {
            let mut moved = *theta;
            moved[factor] += WIDTH;
            *slope = (now - error(model, o, &moved)) / WIDTH;
        }
        let deviations = (now / ERROR).abs();
        let weight = (OUTLYING / deviations).min(1.0) / (ERROR * ERROR);
        for row in 0..FACTORS {
            right[row] += weight * slopes[row] * now;
            for column in 0..FACTORS {
                left[row][column] += weight * slopes[row] * slopes[column];
            }
        }
    }
    for factor in 0..FACTORS {
        let wide = if factor == 0 { MACHINE } else { kinds };
        let precision = 1.0 / (wide * wide);
        left[factor][factor] += precision;
        right[factor] -= precision * theta[factor];
    }
    solve(left, right)
}

/// Gauss's elimination; the prior keeps the matrix positive definite, so that no pivot is zero.
fn solve(mut left: [[f64; FACTORS]; FACTORS], mut right: Logarithms) -> Logarithms {
    for pivot in 0..FACTORS {
        for row in pivot + 1..FACTORS {
            let factor = left[row][pivot] / left[pivot][pivot];
            let above = left[pivot];
            for (value, above) in left[row].iter_mut().zip(above) {
                *value -= factor * above;
            }
            right[row] -= factor * right[pivot];
        }
    }
    for row in (0..FACTORS).rev() {
        let known: f64 = (row + 1..FACTORS).map(|c| left[row][c] * right[c]).sum();
        right[row] = (right[row] - known) / left[row][row];
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::Plan;
    use crate::query::testing::catalog;

    const TABLES: &str = "
create table items (            -- rows=1000000 pages=20000
  id int primary key,
  kind int,                     -- n_distinct=1000 correlation=0
  price numeric
);
create index items_kind on items (kind);  -- pages=900";

    fn plan(json: &str) -> Plan {
        Plan::from_explain_json(&format!(r#"[{{"Plan": {json}}}]"#)).unwrap()
    }

    /// A scan of the table in sequence, by an index, and a sort of so many rows.
    fn plans(rows: f64) -> [Plan; 3] {
        let sequential = r#""Node Type": "Seq Scan", "Relation Name": "items", "Alias": "items", "Total Cost": 32500"#;
        [
            plan(&format!(r#"{{{sequential}, "Plan Rows": {rows}}}"#)),
            plan(&format!(
                r#"{{"Node Type": "Index Scan", "Relation Name": "items", "Alias": "items", "Index Name": "items_kind",
                    "Index Cond": "(kind = 7)", "Total Cost": {}, "Plan Rows": {rows}}}"#,
                4.0 * rows
            )),
            plan(&format!(
                r#"{{"Node Type": "Sort", "Total Cost": 99999, "Plan Rows": {rows}, "Plans": [{{{sequential},
                    "Parent Relationship": "Outer", "Plan Rows": {rows}}}]}}"#
            )),
        ]
    }

    /// Statements of a server of this slowness, timed to within a tenth.
    fn observed(model: &TimeModel<'_>, slowness: Slowness) -> Vec<Observed> {
        let rates = Rates {
            slowness,
            ..*model.rates()
        };
        let rows = [1000.0, 10_000.0, 100_000.0, 500_000.0];
        let plans = rows.into_iter().flat_map(plans).enumerate();
        plans
            .map(|(number, plan)| Observed {
                ms: model.ms_at(&plan, &[], &rates) * if number % 2 == 0 { 1.1 } else { 0.9 },
                cost: Cost {
                    plan,
                    ..Cost::default()
                },
                missed: 0.0,
            })
            .collect()
    }

    #[test]
    fn it_learns_what_is_slow_and_how_much() {
        let snapshot = catalog(TABLES);
        let model = TimeModel::new(&snapshot);
        let server = |sequential, index, processing| Slowness {
            sequential,
            index,
            processing,
            read: 1.0,
        };
        for server in [
            server(1.0, 1.0, 1.0),
            server(3.0, 3.0, 3.0),
            server(1.0, 3.0, 1.0),
            server(0.5, 1.0, 2.0),
        ] {
            let learnt = calibrate(&model, &observed(&model, server)).unwrap();
            let found = learnt.slowness;
            let ratios = |s: Slowness| {
                [
                    s.sequential,
                    s.index / s.sequential,
                    s.processing / s.sequential,
                ]
            };
            let alike = ratios(server)[1..].iter().all(|r| (r - 1.0).abs() < 0.1);
            assert_eq!(learnt.apart, !alike, "{server:?}: {learnt:?}");
            // The prior holds it back from going all the way.
            for (found, real) in ratios(found).into_iter().zip(ratios(server)) {
                let left = real.ln() - found.ln();
                assert!(
                    left.abs() < 0.15 + 0.4 * real.ln().abs(),
                    "{server:?}: {learnt:?}"
                );
            }
        }
    }

    #[test]
    fn a_statement_that_waits_for_locks_says_nothing_of_the_machine() {
        let snapshot = catalog(TABLES);
        let model = TimeModel::new(&snapshot);
        let mut seen = observed(&model, Slowness::default());
        seen[1].ms *= 300.0;
        let found = calibrate(&model, &seen).unwrap().slowness;
        let ratio = found.index / found.sequential;
        assert!((0.7..1.5).contains(&ratio), "{found:?}");
    }

    #[test]
    fn few_statements_or_all_of_one_kind_tell_kinds_of_work_apart_by_little() {
        let snapshot = catalog(TABLES);
        let model = TimeModel::new(&snapshot);
        let mut seen = observed(&model, Slowness::default());
        assert_eq!(calibrate(&model, &seen[..FEWEST - 1]), None);
        seen.retain(|o| o.cost.plan.node_type == "Seq Scan");
        for o in &mut seen {
            o.ms *= 4.0;
        }
        let seen = [seen.clone(), seen].concat();
        let found = calibrate(&model, &seen).unwrap().slowness;
        assert!(found.sequential > 3.0, "{found:?}");
        let ratio = found.index / found.sequential;
        assert!((0.6..1.0).contains(&ratio), "{found:?}");
    }

    #[test]
    fn what_the_server_timed_is_not_guessed() {
        let snapshot = catalog(TABLES);
        let rates = Rates {
            is_measured: true,
            ..*TimeModel::new(&snapshot).rates()
        };
        let model = TimeModel::new(&snapshot).with(rates);
        let learnt = calibrate(&model, &observed(&model, Slowness::default())).unwrap();
        assert!((learnt.slowness.read - 1.0).abs() < f64::EPSILON);
    }
}
