//! Counters and logs together: what both show is told once, and surer.

use crate::query::n_plus_one::{Kind, NPlusOne, Spared, certainty, sort};

/// The most that is believed of what both show.
const MOST: f64 = 0.99;

/// Cases of both sources, each told once. The figures of a case that both show are those of the logs, which show the loop itself.
#[must_use]
pub fn both(of_logs: Vec<NPlusOne>, of_counters: Vec<NPlusOne>) -> Vec<NPlusOne> {
    let mut all = of_logs;
    for counted in of_counters {
        match all.iter_mut().find(|logged| is_same(logged, &counted)) {
            Some(logged) => join(logged, counted),
            None => all.push(counted),
        }
    }
    sort(&mut all);
    all
}

/// Tells once what is the same text under several `queryid`s: constants of another type make one of their own.
pub(super) fn once(found: Vec<NPlusOne>) -> Vec<NPlusOne> {
    let mut all: Vec<NPlusOne> = Vec::new();
    for other in found {
        let same =
            |one: &&mut NPlusOne| one.kind == other.kind && one.child.text == other.child.text;
        let Some(one) = all.iter_mut().find(same) else {
            all.push(other);
            continue;
        };
        let calls = one.child.calls + other.child.calls;
        let round_trips = one.round_trips + other.round_trips;
        let saved_ms = one.saved_ms + other.saved_ms;
        let spared = Spared {
            calls: one.spared.calls + other.spared.calls,
            time: one.spared.time + other.spared.time,
        };
        // What is said of the one that is repeated more goes for both.
        if other.round_trips > one.round_trips {
            *one = other;
        }
        one.child.calls = calls;
        (one.round_trips, one.saved_ms, one.spared) = (round_trips, saved_ms, spared);
    }
    all
}

/// The same statement in the same kind of loop. What a log shows to be asked again with the same values, counters cannot tell from
/// a loop over rows: the log knows better.
fn is_same(logged: &NPlusOne, counted: &NPlusOne) -> bool {
    let (a, b) = (&logged.child, &counted.child);
    let ids = a.queryid.is_some() && a.queryid == b.queryid;
    let texts = a.fingerprint != 0 && a.fingerprint == b.fingerprint;
    (ids || texts) && (logged.kind == Kind::Again || logged.kind.writes() == counted.kind.writes())
}

fn join(logged: &mut NPlusOne, counted: NPlusOne) {
    logged.origins.extend(counted.origins);
    logged.child.queryid = logged.child.queryid.or(counted.child.queryid);
    if logged.kind == Kind::Again {
        return;
    }
    // Neither knows of the other: both are wrong only if each is.
    logged.score = (1.0 - (1.0 - logged.score) * (1.0 - counted.score)).min(MOST);
    logged.certainty = certainty(logged.score).unwrap_or(logged.certainty);
    let reasons = counted.reasons.into_iter();
    logged
        .reasons
        .extend(reasons.map(|reason| format!("by the counters, {reason}")));
    if logged.parent.is_none() {
        (logged.parent, logged.per_parent) = (counted.parent, counted.per_parent);
        logged.column = counted.column;
    }
    logged.fix.sql = logged.fix.sql.take().or(counted.fix.sql);
    logged.fix.join = logged.fix.join.take().or(counted.fix.join);
}
