//! How urgent each recommendation is: what it saves, how often that is felt, and what is broken now. P0 is for what hurts
//! badly at this moment, P3 for tidying up.
//!
//! Impact is the share of the analysed load and the time a day; whichever says more counts, because a tenth of an idle
//! server's load is little and an hour a day of a busy one is much. What happens only now and then is one step less urgent.

use std::fmt;

use serde::Serialize;

use crate::advisor::recommendation::{Action, Recommendation};
use crate::advisor::time_model::MS_PER_UNIT;
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Bytes, Count, Millis, Percent};

/// Urgency; the smaller the sooner.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Priority {
    /// Now: something is broken, or most of the load is waste.
    P0,
    /// Next: a large part of the load.
    P1,
    /// Soon: noticeable.
    P2,
    /// When there is time.
    #[default]
    P3,
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// P0: so much of the load, that is most of what the server does, …
const MOST: f64 = 0.5;
/// P1: so much of the load: more than times differ from one day to the next.
const MUCH: f64 = 0.1;
/// P2: so much of the load: what a careful administrator would still build an index for.
const SOME: f64 = 0.01;
/// … and so much time a day, ms: an hour, that is 4 % of a processor all day long. Half of the load of an idle server is no
/// emergency. Alone it is P1.
const MUCH_MS: f64 = 3_600_000.0;
/// P2: a minute a day, ms.
const SOME_MS: f64 = 60_000.0;
/// Fewer executions a day than one an hour: a nightly report, which nobody waits for. One step less urgent.
const RARE: f64 = 24.0;
/// Room on disk that is worth a step by itself, bytes: a backup and a restore get minutes shorter.
const MUCH_ROOM: f64 = 1024.0 * 1024.0 * 1024.0;

/// Over which times the figures were counted; `None` = unknown, or too short to speak of days.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Counted {
    /// Days over which statements were counted.
    pub statement_days: Option<f64>,
    /// Days over which the counters of tables and indexes ran.
    pub table_days: Option<f64>,
}

/// Gives each recommendation its priority with the reason, and puts them into their order. Indexes that the search chose stay in
/// its order, because each benefit counts on top of those before it.
pub fn prioritize(
    recommendations: &mut Vec<Recommendation>,
    counted: Counted,
    snapshot: &Snapshot,
) {
    for recommendation in recommendations.iter_mut() {
        let (priority, reason) = judged(recommendation, counted, snapshot);
        recommendation.priority = priority;
        recommendation.priority_reason = reason;
    }
    first_things_first(recommendations);
    let mut least = Priority::P0;
    let mut keyed: Vec<(Priority, Recommendation)> = (recommendations.drain(..))
        .map(|r| {
            if is_chosen(&r) {
                least = least.max(r.priority);
                (least, r)
            } else {
                (r.priority, r)
            }
        })
        .collect();
    keyed.sort_by_key(|(key, _)| *key);
    recommendations.extend(keyed.into_iter().map(|(_, r)| r));
    for (position, recommendation) in recommendations.iter_mut().enumerate() {
        recommendation.rank = position + 1;
    }
}

/// Why what the planner has to know is as urgent as an index.
const FOUNDATION: &str = "; the indexes advised for its table rest on it";

/// What the planner has to know comes before the indexes that rest on it, and is as urgent as they are.
fn first_things_first(recommendations: &mut [Recommendation]) {
    recommendations.sort_by_key(|r| r.action.is_on_index());
    let chosen = recommendations.iter().filter(|r| is_chosen(r));
    let urgent: Vec<(u32, Priority)> = chosen
        .map(|r| (r.definition.table_oid, r.priority))
        .collect();
    for first in recommendations
        .iter_mut()
        .filter(|r| !r.action.is_on_index())
    {
        let table = first.definition.table_oid;
        let indexes = urgent.iter().filter(|(oid, _)| *oid == table);
        if let Some(priority) = indexes.map(|(_, p)| *p).min()
            && priority <= first.priority
        {
            first.priority = priority;
            if !first.priority_reason.ends_with(FOUNDATION) {
                first.priority_reason.push_str(FOUNDATION);
            }
        }
    }
}

/// Whether the search chose it, for statements.
fn is_chosen(recommendation: &Recommendation) -> bool {
    matches!(recommendation.action, Action::Create | Action::Replace)
        && !recommendation.statements.is_empty()
}

fn judged(
    recommendation: &Recommendation,
    counted: Counted,
    snapshot: &Snapshot,
) -> (Priority, String) {
    let mut indexes = snapshot.indexes_of(recommendation.definition.table_oid);
    let index = indexes.find(|i| i.qualified() == recommendation.index);
    let invalid = index.is_some_and(|i| !i.valid);
    match recommendation.action {
        Action::Reindex if recommendation.definition.unique => (
            Priority::P0,
            "an invalid unique index guards nothing that was there before it".into(),
        ),
        Action::Reindex => (
            Priority::P1,
            "somebody wanted this index, and no query has it".into(),
        ),
        Action::Drop if invalid => (
            Priority::P2,
            "every write pays for it, and no query can use it".into(),
        ),
        Action::Drop => dropped(recommendation),
        Action::Create | Action::Replace if is_chosen(recommendation) => {
            saved(recommendation, counted.statement_days)
        }
        Action::Create if invalid => (
            Priority::P2,
            "somebody wanted this index, and partitions that come get none that is used".into(),
        ),
        Action::Analyze => (
            Priority::P2,
            "costs of the statements on it are guesses until then".into(),
        ),
        Action::Statistics | Action::Set => (
            recommendation.priority,
            recommendation.priority_reason.clone(),
        ),
        Action::Create | Action::Replace => spared(recommendation, counted.table_days),
    }
}

/// An index for statements.
fn saved(recommendation: &Recommendation, days: Option<f64>) -> (Priority, String) {
    let benefit = &recommendation.benefit;
    let share = benefit.load_share_saved;
    let calls: f64 = recommendation.statements.iter().map(|s| s.calls).sum();
    let a_day = days.filter(|d| *d > 0.0).map(|d| calls / d);
    let ms = benefit.ms_per_day_saved;
    let mut priority = by_impact(share, ms.unwrap_or(0.0));
    if priority == Priority::P1 && share >= MOST && ms.is_some_and(|ms| ms >= MUCH_MS) {
        priority = Priority::P0;
    }
    let rare = a_day.is_some_and(|calls| calls < RARE);
    if rare {
        priority = priority.less();
    }
    let share = Percent(share.clamp(0.0, 1.0));
    let saved = match ms {
        Some(ms) => format!("saves {share} of the analysed load, {} a day", Millis(ms)),
        None => format!("saves {share} of the analysed load; how much time a day is not known"),
    };
    let often = match a_day {
        Some(calls) if rare => format!(
            "; only {} a day",
            if calls < 1.5 {
                "about one execution".to_owned()
            } else {
                format!("{} executions", Count(calls))
            }
        ),
        Some(calls) => format!("; {} executions a day", Count(calls)),
        None => String::new(),
    };
    (priority, saved + &often)
}

/// An index that spares work which no statement of the workload shows, as deletes that look for references.
fn spared(recommendation: &Recommendation, days: Option<f64>) -> (Priority, String) {
    let benefit = &recommendation.benefit;
    let ms = (benefit.cost_before - benefit.cost_after).max(0.0) * MS_PER_UNIT;
    match days.filter(|d| *d > 0.0) {
        Some(days) => (
            by_impact(0.0, ms / days),
            format!("spares about {} a day by planner cost", Millis(ms / days)),
        ),
        None => (
            Priority::P3,
            "since when that was counted is not known".into(),
        ),
    }
}

/// An index that goes: what its writes cost, and the room it takes.
fn dropped(recommendation: &Recommendation) -> (Priority, String) {
    let room = recommendation.size_bytes;
    let ms = recommendation.benefit.write_ms_per_day.map(f64::abs);
    let large = room >= MUCH_ROOM;
    let by_writes = by_impact(0.0, ms.unwrap_or(0.0));
    let priority = if large {
        by_writes.min(Priority::P2)
    } else {
        by_writes
    };
    let reason = match ms {
        Some(ms) if ms > 0.0 => format!("its writes take {} a day", Millis(ms)),
        Some(_) => "no writes were seen that would touch it".into(),
        None => "what its writes cost is not known".into(),
    };
    let takes = if large {
        ", and it takes "
    } else {
        "; it takes "
    };
    (priority, format!("{reason}{takes}{}", Bytes(room)))
}

/// By share of the load and time a day, whichever says more.
fn by_impact(share: f64, ms_per_day: f64) -> Priority {
    if share >= MUCH || ms_per_day >= MUCH_MS {
        Priority::P1
    } else if share >= SOME || ms_per_day >= SOME_MS {
        Priority::P2
    } else {
        Priority::P3
    }
}

impl Priority {
    /// One step less urgent.
    fn less(self) -> Self {
        match self {
            Self::P0 => Self::P1,
            Self::P1 => Self::P2,
            Self::P2 | Self::P3 => Self::P3,
        }
    }
}

#[cfg(test)]
mod tests;
