//! The exact choice against trying everything, and against problems of known structure.

use proptest::prelude::*;

use super::{Limits, Table, Way};

fn way(used: &[usize], cost: f64) -> Way {
    Way::by_cost(used.to_vec(), cost)
}

/// The least objective of all sets that fit.
fn by_trying(table: &Table) -> f64 {
    let n = table.sizes.len();
    let sets = (0..1_u32 << n)
        .map(|bits| -> Vec<usize> { (0..n).filter(|i| bits >> i & 1 == 1).collect() });
    let fits = |set: &Vec<usize>| {
        set.iter().map(|&i| table.sizes[i]).sum::<f64>() <= table.budget && table.limits.hold(set)
    };
    sets.filter(fits)
        .map(|set| table.cost(&set))
        .fold(f64::INFINITY, f64::min)
}

#[test]
fn two_that_only_help_together_are_found() {
    let table = Table {
        sizes: vec![10.0, 10.0, 15.0],
        prices: vec![0.0; 3],
        queries: vec![vec![way(&[], 100.0), way(&[0, 1], 10.0), way(&[2], 60.0)]],
        budget: 20.0,
        limits: Limits::default(),
    };
    let solution = table.solve(&[], 20_000);
    assert_eq!(solution.indexes, [0, 1]);
    assert!(solution.gap() < 1e-4, "{solution:?}");
}

#[test]
fn whoever_is_late_keeps_what_there_is() {
    let table = Table {
        sizes: vec![10.0, 10.0, 15.0],
        prices: vec![0.0; 3],
        queries: vec![vec![way(&[], 100.0), way(&[0, 1], 10.0), way(&[2], 60.0)]],
        budget: 20.0,
        limits: Limits::default(),
    };
    let late = table.solve_until(&[2], 20_000, &|| true);
    assert_eq!((late.indexes.as_slice(), late.work), (&[2][..], 0));
    assert!(
        (late.gap() - 1.0).abs() < 1e-9,
        "nothing is proven: {late:?}"
    );
    // At any moment it ends with a choice that fits and is no worse, and with a bound.
    for moment in 0..50 {
        let asked = std::cell::Cell::new(0);
        let is_late = || asked.replace(asked.get() + 1) >= moment;
        let solution = table.solve_until(&[2], 20_000, &is_late);
        assert!(
            solution.cost <= 60.0 && solution.bound <= solution.cost,
            "{moment}: {solution:?}"
        );
        assert!(
            [&[2][..], &[0, 1]].contains(&solution.indexes.as_slice()),
            "{moment}: {solution:?}"
        );
    }
    assert_eq!(table.solve_until(&[2], 20_000, &|| false).indexes, [0, 1]);
}

#[test]
fn a_price_above_the_gain_buys_nothing() {
    let table = Table {
        sizes: vec![1.0],
        prices: vec![50.0],
        queries: vec![vec![way(&[], 100.0), way(&[0], 60.0)]],
        budget: 10.0,
        limits: Limits::default(),
    };
    assert_eq!(table.solve(&[], 20_000).indexes, Vec::<usize>::new());
    // Dropping one that exists is the same question with it in the beginning.
    assert_eq!(table.solve(&[0], 20_000).indexes, Vec::<usize>::new());
}

#[test]
fn greedy_by_gain_and_by_size_are_both_wrong_here() {
    // The largest gain fills the room; the densest leaves it empty.
    let table = Table {
        sizes: vec![100.0, 50.0, 50.0, 1.0],
        prices: vec![0.0; 4],
        queries: vec![
            vec![way(&[], 1000.0), way(&[0], 900.0)],
            vec![way(&[], 1000.0), way(&[1], 920.0)],
            vec![way(&[], 1000.0), way(&[2], 920.0)],
            vec![way(&[], 1000.0), way(&[3], 995.0)],
        ],
        budget: 100.0,
        limits: Limits::default(),
    };
    let solution = table.solve(&[], 20_000);
    assert_eq!(solution.indexes, [1, 2]);
    assert!(solution.gap() < 1e-4, "{solution:?}");
}

#[test]
fn a_number_of_indexes_is_a_limit_beside_the_budget() {
    // One serves both queries fairly, two serve one each well; a large one serves both best.
    let table = |budget: f64, most: usize| {
        let mut limits = Limits::default();
        limits.add(0..4, most);
        let queries = vec![
            vec![
                way(&[], 100.0),
                way(&[0], 10.0),
                way(&[2], 30.0),
                way(&[3], 5.0),
            ],
            vec![
                way(&[], 100.0),
                way(&[1], 10.0),
                way(&[2], 30.0),
                way(&[3], 5.0),
            ],
        ];
        Table {
            sizes: vec![10.0, 10.0, 10.0, 50.0],
            prices: vec![0.0; 4],
            queries,
            budget,
            limits,
        }
    };
    for (budget, most, expected) in [
        (20.0, 4, &[0, 1][..]),
        (20.0, 1, &[2]),
        (f64::INFINITY, 1, &[3]),
        (f64::INFINITY, 0, &[]),
        (9.0, 4, &[]),
    ] {
        let solution = table(budget, most).solve(&[], 20_000);
        assert_eq!(solution.indexes, expected, "{budget} bytes, {most}");
        assert!(solution.gap() < 1e-4, "{solution:?}");
    }
}

#[test]
fn a_limit_on_one_table_leaves_the_others_alone() {
    let query = |index| vec![way(&[], 100.0), way(&[index], 10.0)];
    let mut table = Table {
        sizes: vec![1.0; 3],
        prices: vec![3.0, 2.0, 1.0],
        queries: vec![query(0), query(1), query(2)],
        budget: f64::INFINITY,
        limits: Limits::default(),
    };
    assert_eq!(table.solve(&[], 20_000).indexes, [0, 1, 2]);
    table.limits.add([0, 1], 1);
    assert_eq!(table.solve(&[], 20_000).indexes, [1, 2]);
    // A beginning that breaks the limit is not kept.
    assert_eq!(table.solve(&[0, 1, 2], 20_000).indexes, [1, 2]);
}

#[test]
fn an_index_that_misleads_the_planner_is_left_out() {
    // With 1 the second query goes a way that ranks first and costs five times as much; the gain of the first is smaller.
    let misled = |cost: f64| Table {
        sizes: vec![1.0, 1.0],
        prices: vec![0.0; 2],
        queries: vec![
            vec![way(&[], 100.0), way(&[0], 60.0), way(&[1], 50.0)],
            vec![
                way(&[], 20.0),
                Way {
                    rank: 19.0,
                    ..way(&[1], cost)
                },
            ],
        ],
        budget: 10.0,
        limits: Limits::default(),
    };
    assert_eq!(misled(100.0).solve(&[], 20_000).indexes, [0]);
    assert_eq!(misled(f64::INFINITY).solve(&[], 20_000).indexes, [0]);
    assert_eq!(misled(25.0).solve(&[], 20_000).indexes, [1]);
}

/// By what factor the planner is wrong about a way: often not at all, sometimes it must not be gone.
fn opinions() -> impl Strategy<Value = f64> {
    prop_oneof![4 => Just(1.0), 3 => 0.3..4.0_f64, 1 => Just(f64::INFINITY)]
}

prop_compose! {
    fn tables()(n in 1_usize..8)(
        sizes in prop::collection::vec(1.0..50.0_f64, n),
        prices in prop::collection::vec(prop_oneof![Just(0.0), 0.0..20.0_f64], n),
        queries in prop::collection::vec(
            (50.0..200.0_f64, prop::collection::vec((prop::collection::btree_set(0..n, 1..3.min(n + 1)), 0.05..1.1_f64, opinions()), 0..6)),
            1..6,
        ),
        budget in prop_oneof![3 => 0.0..150.0_f64, 1 => Just(f64::INFINITY)],
        limits in prop::collection::vec((prop_oneof![Just(n), 1..=n], 0..3_usize), 0..3),
    ) -> Table {
        let ways = |(base, others): (f64, Vec<(std::collections::BTreeSet<usize>, f64, f64)>)| {
            let others = others.into_iter().map(|(used, share, opinion)| Way {
                used: used.into_iter().collect(),
                rank: share * base,
                cost: opinion * share * base,
            });
            std::iter::once(way(&[], base)).chain(others).collect()
        };
        // Of all, or of the last few.
        let mut allowed = Limits::default();
        let n = sizes.len();
        for (members, most) in limits {
            allowed.add(n - members..n, most);
        }
        Table { sizes, prices, queries: queries.into_iter().map(ways).collect(), budget, limits: allowed }
    }
}

proptest! {
    /// With enough work the choice is the best there is; with little the bound holds all the same.
    #[test]
    fn the_best_is_found_and_the_bound_holds(table in tables(), little in 0_usize..30) {
        let best = by_trying(&table);
        let solution = table.solve(&[], 100_000);
        prop_assert!((solution.cost - best).abs() <= 1e-4 * best, "{} instead of {best}: {solution:?}", solution.cost);
        prop_assert!((table.cost(&solution.indexes) - solution.cost).abs() < 1e-9);
        let size: f64 = solution.indexes.iter().map(|&i| table.sizes[i]).sum();
        prop_assert!(size <= table.budget);
        prop_assert!(table.limits.hold(&solution.indexes));
        let early = table.solve(&[], little);
        prop_assert!(early.bound <= best * (1.0 + 1e-9), "{early:?} bounds {best}");
        prop_assert!(early.cost >= best * (1.0 - 1e-9));
    }
}
