//! Figures in, urgency out.

use super::*;
use crate::advisor::recommendation::{Benefit, Confidence, Helped};
use crate::model::ident::QualifiedName;
use crate::query::testing::catalog;

const TABLE: &str = "
    create table t (a int, b int); -- rows=1000
    create index t_a on t (a);
    create index broken on t (b); -- invalid
    create unique index guard on t (b); -- invalid
";

fn recommendation(snapshot: &Snapshot, action: Action, index: &str) -> Recommendation {
    let mut indexes = snapshot.indexes.iter();
    let definition = &indexes.find(|i| i.name == index).unwrap().definition;
    Recommendation {
        replaced: vec![],
        action,
        index: QualifiedName::new("public", index),
        definition: definition.clone(),
        changes: Vec::new(),
        undo: Vec::new(),
        size_bytes: 8192.0,
        benefit: Benefit::default(),
        statements: Vec::new(),
        misjudged: Vec::new(),
        confidence: Confidence::High,
        confidence_reason: String::new(),
        rank: 0,
        priority: Priority::default(),
        priority_reason: String::new(),
        effort: String::new(),
        risk: String::new(),
        reason: String::new(),
    }
}

fn statement(calls: f64) -> Helped {
    Helped {
        position: 0,
        queryids: Vec::new(),
        fingerprint: String::new(),
        query: String::new(),
        line: None,
        calls,
        mean_ms: None,
        cost_before: 10.0,
        cost_after: 1.0,
        plan_before: String::new(),
        plan_after: String::new(),
        assumed: Vec::new(),
        generic: None,
        unread: None,
    }
}

const TEN_DAYS: Counted = Counted {
    statement_days: Some(10.0),
    table_days: Some(10.0),
};

/// An index that the search chose: share of the load, ms a day, executions in ten days.
fn chosen(snapshot: &Snapshot, share: f64, ms: Option<f64>, calls: f64) -> Recommendation {
    let mut chosen = recommendation(snapshot, Action::Create, "t_a");
    chosen.index = QualifiedName::new("public", "new");
    chosen.benefit.load_share_saved = share;
    chosen.benefit.ms_per_day_saved = ms;
    chosen.statements = vec![statement(calls)];
    chosen
}

fn told(snapshot: &Snapshot, recommendation: &Recommendation) -> String {
    let (priority, reason) = judged(recommendation, TEN_DAYS, snapshot);
    format!("{priority}: {reason}")
}

#[test]
fn what_is_saved_and_how_often() {
    let snapshot = catalog(TABLE);
    let hour = 3_600_000.0;
    for (share, ms, calls, expected) in [
        (
            0.6,
            Some(2.0 * hour),
            1e6,
            "P0: saves 60.0 % of the analysed load, 2.0 h a day; 100,000 executions a day",
        ),
        // Most of what an idle server does.
        (
            0.6,
            Some(1000.0),
            1e6,
            "P1: saves 60.0 % of the analysed load, 1.0 s a day; 100,000 executions a day",
        ),
        // A nightly report.
        (
            0.6,
            Some(2.0 * hour),
            10.0,
            "P1: saves 60.0 % of the analysed load, 2.0 h a day; only about one execution a day",
        ),
        (
            0.001,
            Some(2.0 * hour),
            1e6,
            "P1: saves 0.1 % of the analysed load, 2.0 h a day; 100,000 executions a day",
        ),
        (
            0.02,
            Some(10.0),
            1e6,
            "P2: saves 2.0 % of the analysed load, 10 ms a day; 100,000 executions a day",
        ),
        (
            0.002,
            Some(10.0),
            1e6,
            "P3: saves 0.2 % of the analysed load, 10 ms a day; 100,000 executions a day",
        ),
        // Nobody timed it: never an emergency.
        (
            0.9,
            None,
            1e6,
            "P1: saves 90.0 % of the analysed load; how much time a day is not known; 100,000 executions a day",
        ),
    ] {
        let chosen = chosen(&snapshot, share, ms, calls);
        assert_eq!(told(&snapshot, &chosen), expected);
    }
    let unknown = judged(
        &chosen(&snapshot, 0.6, None, 3.0),
        Counted::default(),
        &snapshot,
    );
    assert_eq!(
        unknown.1,
        "saves 60.0 % of the analysed load; how much time a day is not known"
    );
}

#[test]
fn what_the_catalog_alone_tells() {
    let snapshot = catalog(TABLE);
    let of = |action, index| recommendation(&snapshot, action, index);
    let dropped = |ms: Option<f64>, size_bytes: f64| {
        let mut dropped = of(Action::Drop, "t_a");
        dropped.benefit.write_ms_per_day = ms;
        dropped.size_bytes = size_bytes;
        dropped
    };
    let mut spared = of(Action::Create, "t_a");
    spared.index.name = "new".into();
    spared.benefit.cost_before = 1e9;
    for (recommendation, expected) in [
        (
            of(Action::Reindex, "guard"),
            "P0: an invalid unique index guards nothing that was there before it",
        ),
        (
            of(Action::Reindex, "broken"),
            "P1: somebody wanted this index, and no query has it",
        ),
        (
            of(Action::Drop, "broken"),
            "P2: every write pays for it, and no query can use it",
        ),
        (
            dropped(Some(-120_000.0), 8192.0),
            "P2: its writes take 2.0 min a day; it takes 8.0 kB",
        ),
        (
            dropped(Some(-1.0), 8192.0),
            "P3: its writes take 1.00 ms a day; it takes 8.0 kB",
        ),
        (
            dropped(Some(0.0), 2.0 * MUCH_ROOM),
            "P2: no writes were seen that would touch it, and it takes 2.0 GB",
        ),
        (
            dropped(None, 8192.0),
            "P3: what its writes cost is not known; it takes 8.0 kB",
        ),
        (spared, "P2: spares about 4.2 min a day by planner cost"),
    ] {
        assert_eq!(told(&snapshot, &recommendation), expected);
    }
}

/// The benefit of each chosen index counts on top of those before it; what is broken goes before all of them.
#[test]
fn the_order_is_that_of_urgency_but_keeps_the_search() {
    let snapshot = catalog(TABLE);
    let named = |mut r: Recommendation, name: &str| {
        r.index.name = name.into();
        r
    };
    let mut all = vec![
        named(chosen(&snapshot, 0.005, Some(1.0), 1e6), "first"),
        named(chosen(&snapshot, 0.05, Some(1.0), 1e6), "second"),
        recommendation(&snapshot, Action::Reindex, "broken"),
        recommendation(&snapshot, Action::Reindex, "guard"),
    ];
    prioritize(&mut all, TEN_DAYS, &snapshot);
    let order: Vec<String> = (all.iter())
        .map(|r| format!("{} {} {}", r.rank, r.priority, r.index.name))
        .collect();
    assert_eq!(
        order,
        ["1 P0 guard", "2 P1 broken", "3 P3 first", "4 P2 second"]
    );
}

/// However often they are put into order.
#[test]
fn what_indexes_rest_on_comes_first() {
    let snapshot = catalog(TABLE);
    let mut all = vec![
        chosen(&snapshot, 0.3, None, 1e6),
        Recommendation::on_table(Action::Analyze, &snapshot.tables[0]),
        recommendation(&snapshot, Action::Reindex, "guard"),
    ];
    for _ in 0..2 {
        prioritize(&mut all, TEN_DAYS, &snapshot);
        let order: Vec<String> = (all.iter())
            .map(|r| format!("{} {:?}", r.priority, r.action))
            .collect();
        assert_eq!(order, ["P0 Reindex", "P1 Analyze", "P1 Create"]);
        assert_eq!(
            all[1].priority_reason,
            "costs of the statements on it are guesses until then; the indexes advised for its table rest on it"
        );
    }
}
