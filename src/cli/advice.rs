//! Snapshot (and a session to ask) → Report: the one place where workload, candidates, search and planner meet. Used by
//! `advise` and `demo`.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;

use clap::ValueEnum;

use super::Failure;
use super::advise::not_sql;
use super::calibrate::{fitted, learn};
use super::choose::{Chosen, Ground, choose, window_days};
use super::deadline::Deadline;
use super::frontier::frontier;
use super::generic::check_generic;
use super::planner::{Asking, Planner};
use crate::advisor::analyze_advice::analyze_advice;
use crate::advisor::build::Names;
use crate::advisor::candidates::{CandidateOptions, Candidates, candidates};
use crate::advisor::catalog_advice::catalog_advice;
use crate::advisor::number_limit::keep_to_limits;
use crate::advisor::priority::{Counted, prioritize};
use crate::advisor::recommend::{Decision, recommend};
use crate::advisor::recommendation::Recommendation;
use crate::advisor::rejections::Trial;
use crate::advisor::search::{Choice, Search, SearchOptions};
use crate::advisor::settings_advice::settings_advice;
use crate::advisor::statistics_advice::statistics_advice;
use crate::advisor::time_model::TimeModel;
use crate::advisor::usual::assume_values;
use crate::advisor::write_cost::{WriteCost, write_cost};
use crate::model::gap::{Gap, Part};
use crate::model::snapshot::Snapshot;
use crate::pg::connect::Connection;
use crate::query::n_plus_one::Loops;
use crate::query::sent::{SentStatements, with_sent_values};
use crate::query::workload::{Reason, Workload, WorkloadOptions, with_plans, workload};

use crate::report::{
    PlannerSummary, Report, SCHEMA_VERSION, SkippedGroup, Summary, TargetSummary, Tool,
};

/// `--planner`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlannerChoice {
    /// A clone if this machine has a server of the same major version, else HypoPG where it is installed on the target, else
    /// arithmetic.
    #[default]
    Auto,
    /// A local server with the schema and the statistics of the target, and none of its rows: the real planner.
    Clone,
    /// HypoPG on the target: the real planner.
    Hypopg,
    /// Arithmetic over the statistics: no planner is asked.
    Estimate,
}

/// What to advise on.
#[derive(Debug, Clone, Default)]
pub(crate) struct AdviceOptions {
    pub(crate) budget_bytes: Option<f64>,
    /// Most new indexes, of all and on one table.
    pub(crate) max_indexes: Option<usize>,
    pub(crate) max_indexes_per_table: Option<usize>,
    /// Most columns of one index; 0 = the default.
    pub(crate) max_columns: usize,
    pub(crate) planner: PlannerChoice,
    /// Whether the best set at several budgets is wanted as well.
    pub(crate) frontier: bool,
    /// When to stop asking.
    pub(crate) deadline: Deadline,
    pub(crate) workload: WorkloadOptions,
    /// Whether to say why candidates were not chosen.
    pub(crate) explain_rejections: bool,
    /// Statements of a file, by position, that were not understood, with what was found in them: errors, unless the server
    /// can plan them.
    pub(crate) doubts: BTreeMap<usize, String>,
    /// Logs that show with which values statements are sent.
    pub(crate) logs: Option<Arc<Loops>>,
    /// Where the snapshot came from, if from a file.
    pub(crate) snapshot_file: Option<String>,
    /// Whether nothing is written while it goes on.
    pub(crate) quiet: bool,
}

impl AdviceOptions {
    fn candidates(&self) -> CandidateOptions {
        let default = if self.budget_bytes.is_some() || self.frontier {
            CandidateOptions::within_budget()
        } else {
            CandidateOptions::default()
        };
        match self.max_columns {
            0 => default,
            max_columns => CandidateOptions {
                max_columns,
                ..default
            },
        }
    }

    /// With the limits on the number of indexes.
    fn limited(&self, options: SearchOptions) -> SearchOptions {
        SearchOptions {
            max_indexes: self.max_indexes,
            max_indexes_per_table: self.max_indexes_per_table,
            ..options
        }
    }
}

/// Share of the time after which no more is asked for the choice: choosing takes time too, and so does the look at what may
/// be dropped.
pub(super) const ASKING: f64 = 0.8;

/// Statement figures gathered over less than this say nothing about a day.
const SHORTEST_WINDOW_S: f64 = 3600.0;

/// Advises.
pub(crate) async fn advice(
    snapshot: &Snapshot,
    connection: Option<&Connection>,
    options: &AdviceOptions,
) -> Result<Report, Failure> {
    let mut asking = Asking::new(snapshot, connection, options.planner, options.deadline);
    asking.quiet = options.quiet;
    let (mut workload, unread) = read(snapshot, &mut asking, options).await?;
    if let Some(loops) = &options.logs {
        with_sent_values(&mut workload, snapshot, &SentStatements::new(loops));
    }
    assume_values(&mut workload, snapshot);
    let candidates = candidates(&workload, snapshot, &options.candidates());
    let indexes = candidates.indexes.iter();
    let write_costs: Vec<WriteCost> = indexes
        .map(|i| write_cost(i, snapshot, &workload))
        .collect();
    let timed = workload.coverage.timed;
    let prices = prices(&write_costs, timed, snapshot);
    let loads = workload.queries.iter().map(|q| q.load(timed));
    let load: Vec<f64> = loads.collect();
    let search_options = options.limited(match options.budget_bytes {
        Some(budget) => SearchOptions::within(budget),
        None if timed => SearchOptions::unlimited(),
        None => SearchOptions::picked(),
    });

    let mut planner = Planner::new(&workload, &candidates, asking).await?;
    let model = TimeModel::new(snapshot);
    let learnt = learn(&model, &workload, snapshot, &mut planner).await?;
    let model = fitted(model, &learnt);
    let is_late = || options.deadline.is_past();
    let ground = Ground {
        snapshot,
        workload: &workload,
        candidates: &candidates,
        load: &load,
        timed,
        prices: &prices,
        write_costs: &write_costs,
        model: &model,
        is_late: &is_late,
        source: planner.source(),
    };
    let chosen = choose(
        &ground,
        &mut planner,
        &learnt.costs,
        &search_options,
        options,
    );
    let chosen = Box::pin(chosen).await?;
    let Chosen {
        spared,
        search,
        choice,
        mut report,
        mut cut_short,
    } = chosen;
    let decision = ground.decision(&search);
    prioritize(&mut report.recommendations, counted(&decision), snapshot);
    cut_short |= check_generic(
        &decision,
        &choice,
        &mut planner,
        options.deadline,
        &mut report.recommendations,
    )
    .await?
        || options.deadline.is_past();
    if options.frontier {
        let within =
            |budget| ground.search(options.limited(SearchOptions::within(budget)), &spared);
        let (steps, late) = frontier(&decision, within, &mut planner, options.deadline).await?;
        report.summary.frontier = steps;
        cut_short |= late;
    }
    let trial = Trial::new(&decision, &choice, &prices, &search_options);
    report.unhelped = trial.unhelped();
    report.rejections = options.explain_rejections.then(|| trial.rejections());
    report.planner = (planner.asked() > 0).then(|| PlannerSummary {
        source: planner.source(),
        why: planner.why().to_owned(),
        probes: planner.asked(),
        calibration: learnt.calibration,
    });
    report.gaps.extend(unread);
    report.gaps.extend(planner.gaps());
    report.gaps.extend(search_gaps(&choice, cut_short));
    planner.stop().await;
    Ok(report)
}

/// The workload, statements that only a planner can read included, and the gap that those leave about which none was asked.
async fn read(
    snapshot: &Snapshot,
    asking: &mut Asking<'_>,
    options: &AdviceOptions,
) -> Result<(Workload, Option<Gap>), Failure> {
    let workload = workload(snapshot, &options.workload);
    let unread = workload.unread.len();
    let plans = asking.plans(&workload.unread).await?;
    let gap = (plans.len() < unread).then(|| {
        let what = "no planner was asked about statements whose SQL is not understood";
        Gap::new(Part::Workload, what)
            .effect("their plans would show what they need of indexes")
            .count(unread - plans.len())
            .close("--planner clone")
    });
    let workload = if plans.is_empty() {
        workload
    } else {
        with_plans(workload, &plans, snapshot, &options.workload)
    };
    for skipped in &workload.skipped {
        let Some(doubt) = options.doubts.get(&skipped.statement) else {
            continue;
        };
        match &skipped.reason {
            Reason::Unplanned { refused, .. } if asking.misspelt.contains(&skipped.statement) => {
                return Err(not_sql(format!("{doubt}; the planner: {refused}")));
            }
            Reason::Unparsed(_) => return Err(not_sql(doubt.clone())),
            _ => {}
        }
    }
    Ok((workload, gap))
}

/// Write price of each candidate over the time in which the load was counted; without times there is no common unit.
fn prices(write_costs: &[WriteCost], timed: bool, snapshot: &Snapshot) -> Vec<f64> {
    let days = window_days(snapshot, timed);
    let price = |w: &WriteCost| w.ms_per_day.unwrap_or(0.0) * days;
    write_costs.iter().map(price).collect()
}

/// The report of a decision, but for who was asked.
pub(super) fn report(
    decision: &Decision<'_>,
    choice: &Choice,
    search_options: &SearchOptions,
    options: &AdviceOptions,
) -> Report {
    let (snapshot, workload) = (decision.snapshot, decision.workload);
    let mut names = Names::new(snapshot);
    let mut recommendations = recommend(decision, choice, &mut names);
    let chosen: Vec<_> = (choice.indexes.iter())
        .map(|&i| &decision.candidates.indexes[i].definition)
        .collect();
    let mut by_catalog = catalog_advice(snapshot, workload, &chosen, &mut names);
    let beyond_limits = keep_to_limits(&mut by_catalog, &chosen, search_options, snapshot);
    recommendations.extend(by_catalog);
    recommendations.extend(analyze_advice(snapshot, workload));
    recommendations.extend(statistics_advice(snapshot, workload));
    recommendations.extend(settings_advice(snapshot));
    prioritize(&mut recommendations, counted(decision), snapshot);
    let summary = Summary {
        beyond_limits,
        ..summary(decision, &recommendations, choice, search_options)
    };
    Report {
        schema_version: SCHEMA_VERSION,
        tool: Tool {
            name: "pgperf".into(),
            version: env!("CARGO_PKG_VERSION").into(),
        },
        target: TargetSummary {
            database: snapshot.server.database.clone(),
            server_version: snapshot.server.version.clone(),
            taken_at: snapshot.taken_at,
            snapshot: options.snapshot_file.clone(),
            statements_window_s: window(snapshot),
        },
        planner: None,
        coverage: workload.coverage.clone(),
        skipped: skipped(workload, snapshot),
        gaps: snapshot.gaps.clone(),
        summary,
        unhelped: Vec::new(),
        rejections: None,
        recommendations,
    }
}

/// What the search could not look at.
fn search_gaps(choice: &Choice, hurried: bool) -> Vec<Gap> {
    let mut gaps = Vec::new();
    if hurried {
        let what = "the time limit ended the search before every question was asked";
        gaps.push(
            Gap::new(Part::Planner, what)
                .effect("a better set of indexes may exist")
                .close("--deadline SECONDS"),
        );
    }
    if let Some(example) = choice.failed.values().next() {
        let what = format!("the planner could not plan some statements, e.g.: {example}");
        gaps.push(
            Gap::new(Part::Planner, what)
                .effect("they had no part in the choice")
                .count(choice.failed.len()),
        );
    }
    gaps
}

/// Answers the search's questions until it has none, or the deadline has passed: then true.
pub(super) async fn ask<'a>(
    search: &mut Search<'_>,
    planner: &mut Planner<'a>,
    candidates: &'a Candidates,
    deadline: Deadline,
) -> Result<bool, Failure> {
    let mut progress = Progress::new(planner.quiet);
    let mut hurried = false;
    while let Some(probes) = search.probes() {
        for probe in probes {
            if deadline.is_past() {
                hurried = true;
                break;
            }
            let indexes: Vec<_> = probe
                .configuration
                .iter()
                .map(|&i| &candidates.indexes[i])
                .collect();
            let answer = planner.cost(probe.query, &indexes, &[]).await?;
            search.observe(&probe, answer.as_ref().map_err(Clone::clone));
            progress.step();
        }
        if hurried {
            search.hurry();
        }
    }
    Ok(hurried)
}

/// Over which times figures were counted.
fn counted(decision: &Decision<'_>) -> Counted {
    let seconds = decision.snapshot.stats_age();
    Counted {
        statement_days: decision.days,
        table_days: seconds
            .filter(|s| *s >= SHORTEST_WINDOW_S)
            .map(|s| s / 86_400.0),
    }
}

/// A counter on stderr when that is a terminal.
struct Progress {
    shown: bool,
    steps: usize,
}

impl Progress {
    fn new(quiet: bool) -> Self {
        Self {
            shown: !quiet && std::io::stderr().is_terminal(),
            steps: 0,
        }
    }

    fn step(&mut self) {
        self.steps += 1;
        if self.shown && self.steps.is_multiple_of(50) {
            eprint!("\rasking the planner: {} questions", self.steps);
            let _ = std::io::stderr().flush();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown && self.steps >= 50 {
            eprint!("\r\x1b[K");
        }
    }
}

/// Days over which the statement figures were gathered, if that is long enough to speak of days.
pub(super) fn days(snapshot: &Snapshot) -> Option<f64> {
    let seconds = window(snapshot).filter(|s| *s >= SHORTEST_WINDOW_S)?;
    Some(seconds / 86_400.0)
}

/// Seconds over which the statement figures were gathered, if the server says so.
pub(super) fn window(snapshot: &Snapshot) -> Option<f64> {
    let since = snapshot.server.statements_reset?;
    Some((snapshot.taken_at - since).max(0.0))
}

fn skipped(workload: &Workload, snapshot: &Snapshot) -> Vec<SkippedGroup> {
    let mut groups: BTreeMap<String, SkippedGroup> = BTreeMap::new();
    for skipped in &workload.skipped {
        let statement = &snapshot.statements[skipped.statement];
        let reason = skipped.reason.describe();
        let group = groups
            .entry(reason.clone())
            .or_insert_with(|| SkippedGroup {
                reason,
                statements: 0,
                total_ms: None,
                harmless: skipped.reason.is_harmless(),
                example: statement.query.clone(),
            });
        group.statements += 1;
        if let Some(ms) = statement.total_exec_time {
            group.total_ms = Some(group.total_ms.unwrap_or(0.0) + ms);
        }
    }
    let mut groups: Vec<SkippedGroup> = groups.into_values().collect();
    groups.sort_by(|a, b| {
        a.harmless
            .cmp(&b.harmless)
            .then(b.statements.cmp(&a.statements))
            .then(a.reason.cmp(&b.reason))
    });
    groups
}

fn summary(
    decision: &Decision<'_>,
    recommendations: &[Recommendation],
    choice: &Choice,
    options: &SearchOptions,
) -> Summary {
    let chosen = choice.indexes.as_slice();
    let mut all = chosen.to_vec();
    all.sort_unstable();
    let mut summary = Summary {
        budget_bytes: options.budget_bytes,
        max_indexes: options.max_indexes,
        max_indexes_per_table: options.max_indexes_per_table,
        candidates: decision.candidates.indexes.len(),
        gap: choice.gap,
        ..Summary::default()
    };
    for (q, query) in decision.workload.queries.iter().enumerate() {
        let Some(before) = decision.cost(q, &[]) else {
            continue;
        };
        summary.cost_before += query.calls * before;
        summary.cost_after += query.calls * decision.cost(q, &all).unwrap_or(before);
    }
    let saved: Vec<f64> = recommendations
        .iter()
        .filter_map(|r| r.benefit.ms_per_day_saved)
        .collect();
    summary.ms_per_day_saved = (!saved.is_empty()).then(|| saved.iter().sum());
    summary.size_bytes = chosen
        .iter()
        .map(|&i| decision.candidates.indexes[i].size_bytes())
        .fold(0.0, |sum, size| sum + size); // `sum` of nothing is -0
    summary
}
