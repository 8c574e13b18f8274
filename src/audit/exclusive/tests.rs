//! Plans in, own times out: "name own", a line each.

use std::fmt::Write as _;

use super::*;

/// A plan as text with `time` given as the total of each node; what each took by itself.
fn own(plan: &str) -> String {
    let explained = Explained::read(plan).unwrap();
    let split = exclusive(&explained).time;
    let mut told = String::new();
    for (node, own) in explained.nodes.iter().zip(&split.own) {
        let _ = writeln!(told, "{} {own:.1}", node.name());
    }
    if split.outside > 0.0 {
        let _ = writeln!(told, "outside {:.1}", split.outside);
    }
    let all: f64 = split.own.iter().sum::<f64>() - split.outside;
    assert!((all - split.inclusive[0]).abs() < 0.01, "{told}");
    told
}

#[test]
fn loops_are_multiplied_and_what_is_below_is_taken_away() {
    let told = own(
        "Nested Loop  (cost=0..9 rows=1 width=4) (actual time=0.1..10.0 rows=5 loops=1)
           ->  Seq Scan on a  (cost=0..1 rows=1 width=4) (actual time=0.1..2.0 rows=5 loops=1)
           ->  Index Scan using i on b  (cost=0..1 rows=1 width=4) (actual time=0.1..1.2 rows=1 loops=5)
                 SubPlan 1
                   ->  Result  (cost=0..1 rows=1 width=4) (actual time=0.1..0.4 rows=1 loops=5)
           ->  Seq Scan on c  (cost=0..1 rows=1 width=4) (never executed)",
    );
    assert_eq!(
        told,
        "Nested Loop 2.0\nSeq Scan on a 2.0\nIndex Scan using i on b 4.0\nResult 2.0\nSeq Scan on c 0.0\n"
    );
}

#[test]
fn processes_run_at_once() {
    // Three processes took 30 ms each; the workers' own figures say that one of them took longer.
    let plan = |workers: &str| {
        format!(
            "Gather  (cost=0..9 rows=1 width=4) (actual time=1.0..42.0 rows=9 loops=1)
               Workers Planned: 2
               Workers Launched: 2
               ->  Parallel Seq Scan on a  (cost=0..1 rows=1 width=4) (actual time=0.1..30.0 rows=3 loops=3)
{workers}"
        )
    };
    assert_eq!(own(&plan("")), "Gather 12.0\nParallel Seq Scan on a 30.0\n");
    let workers = "                     Worker 0:  actual time=0.1..40.0 rows=3 loops=1
                     Worker 1:  actual time=0.1..30.0 rows=3 loops=1";
    assert_eq!(
        own(&plan(workers)),
        "Gather 2.0\nParallel Seq Scan on a 40.0\n"
    );
}

#[test]
fn who_waits_for_a_value_is_not_where_it_is_printed() {
    for (name, value) in [
        ("InitPlan 1 (returns $0)", "$0"),
        ("InitPlan 1", "(InitPlan 1).col1"),
    ] {
        let told = own(&format!(
            "Aggregate  (cost=0..9 rows=1 width=4) (actual time=1.0..10.0 rows=1 loops=1)
               {name}
                 ->  Result  (cost=0..1 rows=1 width=4) (actual time=0.1..4.0 rows=1 loops=1)
               ->  Seq Scan on a  (cost=0..1 rows=1 width=4) (actual time=0.1..9.0 rows=3 loops=1)
                     Filter: (x > {value})"
        ));
        assert_eq!(
            told, "Aggregate 1.0\nResult 4.0\nSeq Scan on a 5.0\n",
            "{name}"
        );
    }
}

#[test]
fn the_scans_of_a_cte_wait_for_it_in_proportion() {
    let told = own(
        "Hash Join  (cost=0..9 rows=1 width=4) (actual time=1.0..20.0 rows=1 loops=1)
           CTE c
             ->  Seq Scan on a  (cost=0..1 rows=1 width=4) (actual time=0.1..9.0 rows=3 loops=1)
           ->  CTE Scan on c  (cost=0..1 rows=1 width=4) (actual time=0.1..12.0 rows=3 loops=1)
           ->  CTE Scan on c c2  (cost=0..1 rows=1 width=4) (actual time=0.1..6.0 rows=3 loops=1)",
    );
    assert_eq!(
        told,
        "Hash Join 2.0\nSeq Scan on a 9.0\nCTE Scan on c 6.0\nCTE Scan on c c2 3.0\n"
    );
    let unread = own(
        "Result  (cost=0..9 rows=1 width=4) (actual time=0.0..0.1 rows=1 loops=1)
           CTE gone
             ->  Delete on a  (cost=0..1 rows=1 width=4) (actual time=0.1..9.0 rows=3 loops=1)",
    );
    assert_eq!(unread, "Result 0.1\nDelete on a 9.0\noutside 9.0\n");
}

#[test]
fn branches_that_ran_at_once_share_what_passed() {
    let told = own(
        "Parallel Append  (cost=0..9 rows=1 width=4) (actual time=1.0..30.0 rows=9 loops=1)
           ->  Seq Scan on a  (cost=0..1 rows=1 width=4) (actual time=0.1..30.0 rows=3 loops=1)
           ->  Seq Scan on b  (cost=0..1 rows=1 width=4) (actual time=0.1..15.0 rows=3 loops=1)",
    );
    assert_eq!(
        told,
        "Parallel Append 0.0\nSeq Scan on a 20.0\nSeq Scan on b 10.0\n"
    );
}
