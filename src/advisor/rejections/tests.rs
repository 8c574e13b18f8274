//! Candidates and a planner that is a table in, reasons out.

use super::*;
use crate::advisor::candidates::Candidates;
use crate::advisor::search::Search;
use crate::advisor::time_model::TimeModel;
use crate::advisor::write_cost::WriteCost;
use crate::model::index::{IndexDefinition, IndexKey};
use crate::model::plan::Plan;
use crate::model::whatif::{Cost, Hypothetical, Source};
use crate::query::testing::{catalog, with_statements};
use crate::query::workload::{WorkloadOptions, workload};

const TABLE: &str = "
    create table t (a int, b int, c int); -- rows=100000 pages=1000
    create index t_c on t (c);
";

/// Statements that take 1,000 ms each, most expensive first.
const STATEMENTS: [&str; 2] = [
    "SELECT b FROM t WHERE a = $1",
    "SELECT a FROM t WHERE b = $1",
];

/// Plans of one statement: the candidates that each uses, and its cost.
type Plans<'a> = &'a [(&'a [usize], f64)];

/// What the search says of candidates given by their columns and pages.
struct World<'a> {
    candidates: &'a [(&'a str, f64)],
    plans: &'a [Plans<'a>],
    prices: &'a [f64],
    options: SearchOptions,
    guessed: bool,
    /// Whether plans with a candidate handle so many rows that they take longer, whatever they cost.
    slow: bool,
    /// After how many answers time is up.
    answers: usize,
}

/// What is said of each rejected candidate, and of each statement without advice.
#[derive(Debug, PartialEq)]
struct Told {
    rejections: Vec<String>,
    unhelped: Vec<String>,
}

impl World<'_> {
    fn told(&self) -> Vec<String> {
        self.all_told().rejections
    }

    fn unhelped(&self) -> Vec<String> {
        self.all_told().unhelped
    }

    fn all_told(&self) -> Told {
        let rows: Vec<(&str, i64, f64)> = (STATEMENTS.iter().zip(self.plans))
            .zip([1001.0, 1000.0])
            .map(|((sql, _), ms)| (*sql, 10, ms))
            .collect();
        let snapshot = with_statements(catalog(TABLE), &rows);
        let workload = workload(&snapshot, &WorkloadOptions::default());
        let candidates = self.candidates(&snapshot);
        let load: Vec<f64> = workload.queries.iter().filter_map(|q| q.total_ms).collect();
        let options = self.options;
        let model = TimeModel::new(&snapshot);
        let mut search = Search::new(&candidates, &load, true, self.prices, options);
        if self.slow {
            search = search.by_time(&model);
        }
        let mut left = self.answers;
        while let Some(probes) = search.probes() {
            for probe in probes {
                if left == 0 {
                    search.hurry();
                    break;
                }
                left -= 1;
                let plans = self.plans[probe.query].iter();
                let offered = |used: &[usize]| used.iter().all(|u| probe.configuration.contains(u));
                let (used, total) = plans
                    .filter(|(used, _)| offered(used))
                    .min_by(|a, b| a.1.total_cmp(&b.1))
                    .unwrap();
                let place = |u: &usize| probe.configuration.iter().position(|c| c == u);
                let cost = Cost {
                    total: *total,
                    used: used.iter().filter_map(place).collect(),
                    plan: Plan {
                        plan_rows: if used.is_empty() { 1e5 } else { 1e6 },
                        ..Plan::default()
                    },
                    ..Cost::default()
                };
                search.observe(&probe, Ok(&cost));
            }
        }
        let choice = search.choice();
        let decision = Decision {
            snapshot: &snapshot,
            workload: &workload,
            candidates: &candidates,
            search: &search,
            write_costs: &vec![WriteCost::default(); self.candidates.len()],
            source: Source::Clone,
            days: None,
        };
        let trial = Trial::new(&decision, &choice, self.prices, &self.options);
        Told {
            rejections: (trial.rejections().iter())
                .map(|r| format!("{} {}: {}", r.table, r.index, r.reason))
                .collect(),
            unhelped: (trial.unhelped().iter())
                .map(|u| format!("{}: {}", u.query, u.reason))
                .collect(),
        }
    }

    fn candidates(&self, snapshot: &crate::model::snapshot::Snapshot) -> Candidates {
        let table = &snapshot.tables[0];
        let all = 0..self.candidates.len();
        let index = |(keys, pages): &(&str, f64)| Hypothetical {
            definition: IndexDefinition {
                table_oid: table.oid,
                table: table.qualified(),
                method: "btree".into(),
                keys: keys.split(' ').map(IndexKey::column).collect(),
                include: vec![],
                predicate: None,
                unique: false,
            },
            pages: *pages,
            tree_height: 1.0,
        };
        Candidates {
            indexes: self.candidates.iter().map(index).collect(),
            of_query: vec![all.clone().collect(); self.plans.len()],
            declined: vec![None; self.plans.len()],
            guessed: vec![self.guessed; self.plans.len()],
            skewed: vec![false; self.plans.len()],
            borne_out: vec![BTreeSet::new(); self.plans.len()],
            widens: vec![false; all.len()],
            only_covers: vec![false; all.len()],
            unproven: vec![false; all.len()],
        }
    }
}

fn told(candidates: &[(&str, f64)], plans: &[Plans<'_>]) -> Vec<String> {
    let world = World {
        candidates,
        plans,
        prices: &vec![0.0; candidates.len()],
        options: SearchOptions::unlimited(),
        guessed: false,
        slow: false,
        answers: usize::MAX,
    };
    world.told()
}

#[test]
fn each_has_its_reason() {
    // `a` is taken, and `a b` serves the same statement no better; `b` is in no plan; `c` is the beginning of what exists.
    assert_eq!(
        told(
            &[("a", 10.0), ("a b", 20.0), ("b", 10.0), ("c", 10.0)],
            &[&[(&[], 100.0), (&[0], 10.0), (&[1], 10.5), (&[3], 50.0)]]
        ),
        [
            "public.t (c): already there as the beginning of public.t_c",
            "public.t (b): no plan uses it",
            "public.t (a, b): the chosen public.t (a) serves the same statements",
        ]
    );
    assert_eq!(
        told(&[("a", 10.0)], &[&[(&[], 100.0), (&[0], 95.0)]]),
        [
            "public.t (a): saves 50 ms (5.0 % of the load) net, of 100 ms (10.0 % of the load) that it must (10.0 % of the load it \
             helps, 0.1 % of all)"
        ]
    );
    assert_eq!(
        told(&[("a", 10.0)], &[&[(&[], 100.0), (&[0], 99.0)]]),
        ["public.t (a): saves less than 2.0 % of any statement"]
    );
}

#[test]
fn writes_guesses_and_budgets() {
    let plans: &[Plans<'_>] = &[&[(&[], 100.0), (&[0], 60.0)]];
    let world = |prices, options, guessed| World {
        candidates: &[("a", 1000.0)],
        plans,
        prices,
        options,
        guessed,
        slow: false,
        answers: usize::MAX,
    };
    let unlimited = SearchOptions::unlimited;
    assert_eq!(
        world(&[500.0], unlimited(), false).told(),
        [
            "public.t (a): writes pay 500 ms (50.0 % of the load) for it, and it saves 400 ms (40.0 % of the load)"
        ]
    );
    assert_eq!(
        world(&[0.0], unlimited(), true).told(),
        [
            "public.t (a): saves 40.0 % of a statement whose rows are guessed; less than 50.0 % of such a one does not count"
        ]
    );
    assert_eq!(
        world(&[0.0], SearchOptions::within(1_000_000.0), false).told(),
        ["public.t (a): its 7.8 MB do not fit the budget of 977 kB"]
    );
    assert_eq!(world(&[0.0], unlimited(), false).told(), [""; 0]);
}

#[test]
fn a_budget_that_another_one_has_taken() {
    let world = World {
        candidates: &[("a", 100.0), ("b", 100.0)],
        plans: &[&[(&[], 100.0), (&[0], 10.0)], &[(&[], 100.0), (&[1], 30.0)]],
        prices: &[0.0, 0.0],
        options: SearchOptions::within(900_000.0),
        guessed: false,
        slow: false,
        answers: usize::MAX,
    };
    assert_eq!(
        world.told(),
        [
            "public.t (b): its 800 kB do not fit the budget of 879 kB beside 800 kB of what was chosen"
        ]
    );
    assert_eq!(
        world.unhelped(),
        [
            "SELECT a FROM t WHERE b = $1: public.t (b) would save 70.0 % of it, but its 800 kB do not fit the budget of 879 kB \
             beside 800 kB of what was chosen"
        ]
    );
}

#[test]
fn a_limit_that_another_one_has_reached() {
    let world = |max_indexes, max_indexes_per_table| World {
        candidates: &[("a", 100.0), ("b", 100.0)],
        plans: &[&[(&[], 100.0), (&[0], 10.0)], &[(&[], 100.0), (&[1], 30.0)]],
        prices: &[0.0, 0.0],
        options: SearchOptions {
            max_indexes,
            max_indexes_per_table,
            ..SearchOptions::unlimited()
        },
        guessed: false,
        slow: false,
        answers: usize::MAX,
    };
    assert_eq!(
        world(Some(1), None).told(),
        ["public.t (b): only 1 new index is wanted, and others save more"]
    );
    assert_eq!(
        world(None, Some(1)).told(),
        ["public.t (b): only 1 new index on one table is wanted, and others save more"]
    );
    assert_eq!(world(Some(2), Some(2)).told(), [""; 0]);
}

/// The planner would take it by its cost, and be wrong.
#[test]
fn a_statement_that_gets_slower() {
    let world = |slow| World {
        candidates: &[("a", 10.0)],
        plans: &[&[(&[], 100.0), (&[0], 50.0)]],
        prices: &[0.0],
        options: SearchOptions::unlimited(),
        guessed: false,
        slow,
        answers: usize::MAX,
    };
    assert_eq!(
        world(true).told(),
        ["public.t (a): makes a statement at least 562.7 % slower: SELECT b FROM t WHERE a = $1"]
    );
    assert_eq!(
        world(true).unhelped(),
        [
            "SELECT b FROM t WHERE a = $1: public.t (a), 80 kB, would lower its planner cost, but makes a statement at least \
             562.7 % slower: SELECT b FROM t WHERE a = $1"
        ]
    );
    let helped = world(false).all_told();
    assert_eq!((helped.rejections, helped.unhelped), (vec![], vec![]));
}

/// What does not fit even an empty budget is not asked about: nobody knows whether it would help.
#[test]
fn what_is_larger_than_the_whole_budget() {
    let plans: &[Plans<'_>] = &[&[(&[], 100.0), (&[0], 60.0)]];
    let world = |candidates| World {
        candidates,
        plans,
        prices: &[0.0, 0.0],
        options: SearchOptions::within(1_000_000.0),
        guessed: false,
        slow: false,
        answers: usize::MAX,
    };
    assert_eq!(
        world(&[("a", 1000.0), ("b", 2000.0)]).unhelped(),
        [
            "SELECT b FROM t WHERE a = $1: all indexes that could help it are larger than the budget of 977 kB; the smallest of \
             them, public.t (a), takes 7.8 MB"
        ]
    );
    assert_eq!(
        world(&[("a", 1000.0), ("b", 10.0)]).unhelped(),
        [
            "SELECT b FROM t WHERE a = $1: no index within the budget helps it, and nobody asked about those that are larger than \
             the budget of 977 kB; the smallest of them, public.t (a), takes 7.8 MB"
        ]
    );
}

/// Two that help only together, and have no room together beside a third one.
#[test]
fn another_set_was_better() {
    let plans: &[Plans<'_>] = &[
        &[(&[], 100.0), (&[0], 10.0)],
        &[(&[], 100.0), (&[1, 2], 20.0)],
    ];
    let world = World {
        candidates: &[("a", 200.0), ("b", 90.0), ("b c", 150.0)],
        plans,
        prices: &[0.0; 3],
        options: SearchOptions::within(300.0 * 8192.0),
        guessed: false,
        slow: false,
        answers: usize::MAX,
    };
    let told = world.all_told();
    assert_eq!(
        told.rejections,
        [
            "public.t (b, c): its 1.2 MB do not fit the budget of 2.3 MB beside 1.6 MB of what was chosen",
            "public.t (b): another set was better by the plans that were asked for",
        ]
    );
    assert_eq!(
        told.unhelped,
        [
            "SELECT a FROM t WHERE b = $1: public.t (b) and public.t (b, c) together would save 80.0 % of it, but their 1.9 MB do \
             not fit the budget of 2.3 MB beside 1.6 MB of what was chosen"
        ]
    );
}

/// Time is up after each statement was costed as it is.
#[test]
fn nobody_was_asked() {
    let world = |answers| World {
        candidates: &[("a", 10.0)],
        plans: &[&[(&[], 100.0), (&[0], 10.0)]],
        prices: &[0.0],
        options: SearchOptions::unlimited(),
        guessed: false,
        slow: false,
        answers,
    };
    let told = world(1).all_told();
    assert_eq!(
        told.rejections,
        [
            "public.t (a): not asked about: no statement that could use it was costed, or time was up"
        ]
    );
    assert_eq!(
        told.unhelped,
        ["SELECT b FROM t WHERE a = $1: the time limit came before the planner was asked about it"]
    );
    let told = world(usize::MAX).all_told();
    assert_eq!((told.rejections, told.unhelped), (vec![], vec![]));
}

/// What writes pay, and what is within the noise, is said to the statement as well.
#[test]
fn a_statement_whose_index_does_not_pay() {
    let unhelped = |cost, price| {
        let plan: Plans<'_> = &[(&[], 100.0), (&[0], cost)];
        let world = World {
            candidates: &[("a", 10.0)],
            plans: &[plan],
            prices: &[price],
            options: SearchOptions::unlimited(),
            guessed: false,
            slow: false,
            answers: usize::MAX,
        };
        world.unhelped()
    };
    assert_eq!(
        unhelped(60.0, 500.0),
        [
            "SELECT b FROM t WHERE a = $1: public.t (a), 80 kB, would save 40.0 % of it, but writes pay 500 ms (50.0 % of the load) \
             for it, and it saves 400 ms (40.0 % of the load)"
        ]
    );
    assert_eq!(
        unhelped(99.0, 0.0),
        ["SELECT b FROM t WHERE a = $1: no index lowers its cost by enough to pay for itself"]
    );
}
