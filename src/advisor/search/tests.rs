//! The search against planners that are tables.

use super::*;
use crate::model::ident::QualifiedName;
use crate::model::index::{IndexDefinition, IndexKey};
use crate::model::plan::Plan;
use crate::model::whatif::Hypothetical;

/// Candidates on one table, named by letter, with their sizes in bytes; every query may use all of them.
fn fixture(sizes: &[(&str, f64)], queries: usize) -> Candidates {
    let indexes = sizes.iter().map(|(name, bytes)| Hypothetical {
        definition: IndexDefinition {
            table_oid: 1,
            table: QualifiedName::new("public", "t"),
            method: "btree".into(),
            keys: vec![IndexKey::column(*name)],
            include: vec![],
            predicate: None,
            unique: false,
        },
        pages: bytes / 8192.0,
        tree_height: 1.0,
    });
    Candidates {
        indexes: indexes.collect(),
        of_query: vec![(0..sizes.len()).collect(); queries],
        declined: vec![None; queries],
        guessed: vec![false; queries],
        widens: vec![false; sizes.len()],
        unproven: vec![false; sizes.len()],
    }
}

/// A planner by table: of the listed sets that are offered the cheapest is used.
fn choose(candidates: &Candidates, costs: &[&[(&str, f64)]], budget: Option<f64>) -> String {
    let name = |i: usize| {
        candidates.indexes[i].definition.keys[0]
            .column_name()
            .unwrap()
            .to_owned()
    };
    let load = vec![1.0; costs.len()];
    let price = vec![0.0; candidates.indexes.len()];
    let options = budget.map_or_else(SearchOptions::unlimited, SearchOptions::within);
    let mut search = Search::new(candidates, &load, false, &price, options);
    while let Some(probes) = search.probes() {
        for probe in probes {
            let offered: Vec<String> = probe.configuration.iter().map(|&i| name(i)).collect();
            let (set, total) = costs[probe.query]
                .iter()
                .filter(|(set, _)| set.chars().all(|c| offered.contains(&c.to_string())))
                .min_by(|a, b| a.1.total_cmp(&b.1))
                .unwrap();
            let used = (0..offered.len())
                .filter(|&p| set.contains(&offered[p]))
                .collect();
            search.observe(
                &probe,
                Ok(&Cost {
                    total: *total,
                    used,
                    plan: Plan::default(),
                }),
            );
        }
    }
    let mut names: Vec<String> = search.choice().indexes.iter().map(|&i| name(i)).collect();
    names.sort();
    names.concat()
}

/// The scenarios of the open index-selection study's tests of Extend, with the optimal answers (its Extend answers A to
/// scenario 2 under budget 3 although B alone is cheaper).
#[test]
fn scenarios_of_the_literature() {
    let costs: &[(&str, f64)] = &[
        ("", 100.0),
        ("A", 90.0),
        ("B", 80.0),
        ("C", 70.0),
        ("AB", 70.0),
        ("BC", 50.0),
        ("AC", 60.0),
        ("ABC", 40.0),
    ];
    let equal = fixture(&[("A", 8192.0), ("B", 8192.0), ("C", 8192.0)], 1);
    for (budget, expected) in [(1.0, "C"), (2.0, "BC"), (3.0, "ABC")] {
        assert_eq!(
            choose(&equal, &[costs], Some(budget * 8192.0)),
            expected,
            "equal sizes, budget {budget}"
        );
    }
    let sized = fixture(
        &[("A", 8192.0), ("B", 3.0 * 8192.0), ("C", 5.0 * 8192.0)],
        1,
    );
    for (budget, expected) in [(1.0, "A"), (3.0, "B"), (9.0, "ABC")] {
        assert_eq!(
            choose(&sized, &[costs], Some(budget * 8192.0)),
            expected,
            "sizes 1 3 5, budget {budget}"
        );
    }
}

#[test]
fn two_that_help_only_together_are_found() {
    let candidates = fixture(&[("A", 8192.0), ("B", 8192.0)], 1);
    assert_eq!(
        choose(&candidates, &[&[("", 100.0), ("AB", 20.0)]], None),
        "AB"
    );
}

#[test]
fn one_shared_index_beats_two_private_ones_under_a_budget() {
    let candidates = fixture(&[("A", 8192.0), ("B", 8192.0), ("S", 8192.0)], 2);
    let costs: [&[(&str, f64)]; 2] = [
        &[("", 100.0), ("A", 10.0), ("S", 30.0)],
        &[("", 100.0), ("B", 10.0), ("S", 30.0)],
    ];
    assert_eq!(choose(&candidates, &costs, Some(8192.0)), "S");
    assert_eq!(choose(&candidates, &costs, Some(2.0 * 8192.0)), "AB");
}

#[test]
fn nothing_is_chosen_for_a_gain_that_is_noise() {
    let candidates = fixture(&[("A", 8192.0)], 1);
    assert_eq!(
        choose(&candidates, &[&[("", 100.0), ("A", 99.0)]], None),
        ""
    );
}
