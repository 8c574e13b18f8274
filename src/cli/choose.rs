//! The choice: searched, its drops checked, and made again where an index that was to be replaced turns out to stay.

use std::collections::BTreeSet;

use super::Failure;
use super::advice::{ASKING, AdviceOptions, ask, days, report, window};
use super::drops::check_drops;
use super::planner::Planner;
use crate::advisor::candidates::Candidates;
use crate::advisor::drop_check::going;
use crate::advisor::recommend::Decision;
use crate::advisor::replace::spared;
use crate::advisor::search::{Choice, Probe, Search, SearchOptions, Spared};
use crate::advisor::time_model::TimeModel;
use crate::advisor::write_cost::WriteCost;
use crate::model::snapshot::Snapshot;
use crate::model::whatif::{Cost, Source};
use crate::query::workload::Workload;
use crate::report::Report;

/// What a choice rests on.
pub(super) struct Ground<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) workload: &'a Workload,
    pub(super) candidates: &'a Candidates,
    /// Load of each query, and whether that is a time.
    pub(super) load: &'a [f64],
    pub(super) timed: bool,
    /// What writes pay for each candidate, in the unit of the load.
    pub(super) prices: &'a [f64],
    pub(super) write_costs: &'a [WriteCost],
    pub(super) model: &'a TimeModel<'a>,
    pub(super) is_late: &'a dyn Fn() -> bool,
    /// Who is asked.
    pub(super) source: Source,
}

/// A choice that its drops agree with.
pub(super) struct Chosen<'a> {
    /// What the candidates would replace.
    pub(super) spared: Vec<Vec<Spared>>,
    pub(super) search: Search<'a>,
    pub(super) choice: Choice,
    pub(super) report: Report,
    /// Whether the deadline came before all was asked.
    pub(super) cut_short: bool,
}

impl<'a> Ground<'a> {
    /// What the candidates would replace; `stay` does not go.
    fn spared(&self, stay: &BTreeSet<u32>) -> Vec<Vec<Spared>> {
        // It cannot be asked who would miss an index.
        if self.source == Source::Hypopg {
            return Vec::new();
        }
        let days = window_days(self.snapshot, self.timed);
        let indexes = &self.candidates.indexes;
        spared(indexes, self.snapshot, self.workload, days, stay)
    }

    pub(super) fn search(&self, options: SearchOptions, spared: &[Vec<Spared>]) -> Search<'a> {
        Search::new(self.candidates, self.load, self.timed, self.prices, options)
            .by_time(self.model)
            .until(self.is_late)
            .sparing(spared.to_vec())
    }

    pub(super) fn decision<'d>(&'d self, search: &'d Search<'d>) -> Decision<'d> {
        Decision {
            snapshot: self.snapshot,
            workload: self.workload,
            candidates: self.candidates,
            search,
            write_costs: self.write_costs,
            source: self.source,
            days: days(self.snapshot),
        }
    }
}

/// Chooses; `today` are costs without candidates that are known already.
pub(super) async fn choose<'a>(
    ground: &Ground<'a>,
    planner: &mut Planner<'a>,
    today: &[(usize, Cost)],
    search_options: &SearchOptions,
    options: &AdviceOptions,
) -> Result<Chosen<'a>, Failure> {
    // What was to be replaced and turns out to stay is paid for all the same, and the choice made again.
    let mut stay = BTreeSet::new();
    let mut known = Vec::new();
    let mut last: Option<(Choice, Report, bool)> = None;
    loop {
        let spared = ground.spared(&stay);
        let mut search = ground.search(*search_options, &spared);
        if known.is_empty() {
            for (query, cost) in today {
                search.observe(&Probe::today(*query), Ok(cost));
            }
        } else {
            search = search.knowing(&known);
        }
        let asking = options.deadline.early(ASKING);
        let hurried = ask(&mut search, planner, ground.candidates, asking).await?;
        let choice = search.choice();
        let decision = ground.decision(&search);
        let (report, late) = match last.take() {
            Some((same, report, late)) if same.indexes == choice.indexes => {
                (report, late || hurried)
            }
            _ => {
                let mut report = report(&decision, &choice, search_options, options);
                let late = check_drops(
                    &decision,
                    ground.candidates,
                    &choice,
                    planner,
                    options,
                    &mut report,
                )
                .await?;
                (report, late || hurried)
            }
        };
        let gone = going(&decision, &report.recommendations);
        let hoped = (choice.indexes.iter().filter_map(|&i| spared.get(i))).flatten();
        let before = stay.len();
        stay.extend((hoped.map(|s| s.oid)).filter(|oid| gone.iter().all(|i| i.oid != *oid)));
        if stay.len() == before {
            return Ok(Chosen {
                spared,
                search,
                choice,
                report,
                cut_short: late,
            });
        }
        known = search.all_answers().to_vec();
        last = Some((choice, report, late));
    }
}

/// Days over which the load was counted; 0 without times, which have no unit in common with writes.
pub(super) fn window_days(snapshot: &Snapshot, timed: bool) -> f64 {
    let seconds = window(snapshot).or_else(|| snapshot.stats_age());
    seconds.filter(|_| timed).map_or(0.0, |s| s / 86_400.0)
}
