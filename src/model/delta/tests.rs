//! The delta engine against a simulated server: resets, evictions, crashes.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;

use super::*;
use crate::model::sample::StatementCounters;

fn counted(calls: f64, time: f64) -> Counted<StatementCounters> {
    Counted::one(StatementCounters {
        calls,
        total_exec_time: time,
        ..StatementCounters::default()
    })
}

fn since(calls: f64, time: f64, since: f64) -> Counted<StatementCounters> {
    Counted {
        since: Some(since),
        ..counted(calls, time)
    }
}

/// Calls of key 1 and how they were had, after two samples.
fn told(
    before: Option<Counted<StatementCounters>>,
    now: Counted<StatementCounters>,
    all_reset: bool,
) -> (f64, Origin) {
    let mut track = Track::default();
    track.advance(10.0, before.map(|counted| (1, counted)), false);
    track.advance(12.0, [(1, now)], all_reset);
    let delta = track.interval.get(&1).copied().unwrap_or_default();
    (delta.counted.calls, delta.origin)
}

#[test]
fn each_way_of_counting() {
    for (case, before, now, all_reset, expected) in [
        (
            "a difference",
            Some(counted(5.0, 50.0)),
            counted(8.0, 60.0),
            false,
            (3.0, Origin::Exact),
        ),
        (
            "a new entry",
            None,
            counted(8.0, 60.0),
            false,
            (8.0, Origin::Exact),
        ),
        (
            "an idle one",
            Some(counted(5.0, 50.0)),
            counted(5.0, 50.0),
            false,
            (0.0, Origin::Exact),
        ),
        (
            "calls went back",
            Some(counted(5.0, 50.0)),
            counted(2.0, 60.0),
            false,
            (2.0, Origin::AtLeast),
        ),
        (
            "only the time went back",
            Some(counted(5.0, 50.0)),
            counted(7.0, 6.0),
            false,
            (7.0, Origin::AtLeast),
        ),
        (
            "made again, known by its time",
            Some(since(5.0, 5.0, 1.0)),
            since(9.0, 9.0, 11.0),
            false,
            (9.0, Origin::Exact),
        ),
        (
            "as old as before",
            Some(since(5.0, 5.0, 1.0)),
            since(9.0, 9.0, 1.0),
            false,
            (4.0, Origin::Exact),
        ),
        (
            "all were reset",
            Some(counted(5.0, 50.0)),
            counted(8.0, 60.0),
            true,
            (8.0, Origin::Exact),
        ),
    ] {
        assert_eq!(told(before, now, all_reset), expected, "{case}");
    }
}

#[test]
fn a_sum_that_lost_a_part_tells_nothing() {
    let sum = |calls| Counted {
        is_sum: true,
        ..counted(calls, calls)
    };
    assert_eq!(
        told(Some(sum(50.0)), sum(20.0), false),
        (0.0, Origin::Unknown)
    );
    assert_eq!(
        told(Some(sum(50.0)), sum(70.0), false),
        (20.0, Origin::Exact)
    );
}

#[test]
fn the_first_sample_and_one_too_close_tell_no_rate() {
    let mut track = Track::default();
    track.advance(10.0, [(1, counted(5.0, 5.0))], false);
    assert!(!track.has_interval() && track.interval.is_empty());
    track.advance(10.01, [(1, counted(9.0, 9.0))], false);
    assert!(!track.has_interval());
    // A clock that was set back is no time that passed.
    track.advance(9.0, [(1, counted(9.0, 9.0))], false);
    assert!(!track.has_interval());
    track.advance(12.0, [(1, counted(9.0, 9.0))], false);
    assert_eq!(
        (track.seconds, track.interval[&1].counted.calls),
        (2.0, 4.0)
    );
    track.rebase();
    track.advance(13.0, [(1, counted(10.0, 10.0))], false);
    assert_eq!(
        (track.age(), track.since_start[&1].counted.calls),
        (1.0, 1.0)
    );
}

/// What happens on the server between two samples.
#[derive(Debug, Clone)]
enum Event {
    Call(u8),
    Evict(u8),
    ResetOne(u8),
    ResetAll,
    Crash,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        20 => (0..6u8).prop_map(Event::Call),
        2 => (0..6u8).prop_map(Event::Evict),
        1 => (0..6u8).prop_map(Event::ResetOne),
        1 => Just(Event::ResetAll),
        1 => Just(Event::Crash),
    ]
}

/// A server as simple as can be: entries with calls and time, and what was really executed.
#[derive(Default)]
struct Server {
    clock: f64,
    /// Calls, time, since when.
    entries: BTreeMap<u8, (f64, f64, f64)>,
    reset: f64,
    executed: HashMap<u8, f64>,
    /// Executed, and gone before a sample could show it.
    lost: HashMap<u8, f64>,
    /// Executed since the last sample, and still to be seen.
    unseen: HashMap<u8, f64>,
}

impl Server {
    fn happen(&mut self, event: &Event) {
        self.clock += 0.25;
        match event {
            Event::Call(key) => {
                let entry = self.entries.entry(*key).or_insert((0.0, 0.0, self.clock));
                entry.0 += 1.0;
                entry.1 += f64::from(*key) + 0.5;
                *self.executed.entry(*key).or_default() += 1.0;
                *self.unseen.entry(*key).or_default() += 1.0;
            }
            Event::Evict(key) | Event::ResetOne(key) => self.forget(*key),
            Event::ResetAll | Event::Crash => {
                for key in 0..6 {
                    self.forget(key);
                }
                self.reset = self.clock;
            }
        }
    }

    fn forget(&mut self, key: u8) {
        self.entries.remove(&key);
        let unseen = self.unseen.remove(&key).unwrap_or_default();
        *self.lost.entry(key).or_default() += unseen;
    }

    fn sample(&mut self, with_since: bool) -> Vec<(u8, Counted<StatementCounters>)> {
        self.unseen.clear();
        let entries = self.entries.iter();
        let sampled = entries.map(|(key, (calls, time, made))| {
            let since = with_since.then_some(*made);
            (
                *key,
                Counted {
                    since,
                    ..counted(*calls, *time)
                },
            )
        });
        sampled.collect()
    }
}

proptest! {
    #[test]
    fn nothing_is_negative_counted_twice_or_missed(
        ticks in prop::collection::vec(prop::collection::vec(event(), 0..12), 1..12),
        with_since in any::<bool>(),
        knows_resets in any::<bool>(),
    ) {
        let mut server = Server::default();
        let mut track = Track::default();
        let first = server.sample(with_since);
        track.advance(server.clock, first, false);
        let mut reset = server.reset;
        for events in &ticks {
            for event in events {
                server.happen(event);
            }
            server.clock += 1.0;
            let all_reset = knows_resets && server.reset > reset;
            reset = server.reset;
            let sample = server.sample(with_since);
            track.advance(server.clock, sample, all_reset);
            for (key, delta) in &track.interval {
                prop_assert!(delta.counted.values().iter().all(|v| *v >= 0.0), "{key}: {delta:?}");
            }
        }
        for (key, executed) in &server.executed {
            let seen = track.since_start.get(key).map_or(0.0, |d| d.counted.calls);
            prop_assert!(seen <= *executed, "{key}: {seen} of {executed}");
            if with_since {
                let lost = server.lost.get(key).copied().unwrap_or_default();
                let missed = executed - lost - seen;
                prop_assert!(missed.abs() < 0.5, "{key}: {missed} missed");
            }
        }
    }
}
