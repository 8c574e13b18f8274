//! Plans in, the nodes out where estimates begin to be wrong.

use super::*;

/// The names of the nodes.
fn first(plan: &str) -> String {
    let explained = Explained::read(plan).unwrap();
    let view = View::new(&explained, None);
    let found = first_off(&view).into_iter();
    let names: Vec<String> = found
        .map(|(at, off)| format!("{} {:.0}", view.name(at), off.factor))
        .collect();
    names.join(", ")
}

#[test]
fn the_lowest_node_is_told() {
    let plan = "\
Hash Join  (cost=0..9 rows=10 width=4) (actual time=0.1..10.0 rows=50000 loops=1)
  Hash Cond: (a.x = b.x)
  ->  Seq Scan on a  (cost=0..1 rows=10 width=4) (actual time=0.1..2.0 rows=50000 loops=1)
  ->  Hash  (cost=0..1 rows=5 width=4) (actual time=0.1..1.2 rows=5 loops=1)
        ->  Seq Scan on b  (cost=0..1 rows=5 width=4) (actual time=0.1..1.2 rows=5 loops=1)";
    assert_eq!(first(plan), "Seq Scan on a 5000");
    assert_eq!(
        first(&plan.replace("a  (cost=0..1 rows=10 ", "a  (cost=0..1 rows=40000 ")),
        "Hash Join 5000"
    );
    assert_eq!(first(&plan.replace("rows=50000", "rows=90")), "");
}

#[test]
fn what_was_stopped_is_not_off() {
    for (name, plan, expected) in [
        (
            "below Limit",
            "Limit  (cost=0..9 rows=5 width=4) (actual time=0.1..1.0 rows=5 loops=1)
               ->  Seq Scan on a  (cost=0..1 rows=60000 width=4) (actual time=0.1..1.0 rows=5 loops=1)",
            "",
        ),
        (
            "below Limit, but more than expected",
            "Limit  (cost=0..9 rows=5 width=4) (actual time=0.1..1.0 rows=5 loops=1)
               ->  Aggregate  (cost=0..1 rows=5 width=4) (actual time=0.1..1.0 rows=5 loops=1)
                     ->  Seq Scan on a  (cost=0..1 rows=5 width=4) (actual time=0.1..1.0 rows=6000 loops=1)",
            "Seq Scan on a 1200",
        ),
        (
            "below Limit, but read whole by a Sort",
            "Limit  (cost=0..9 rows=5 width=4) (actual time=0.1..1.0 rows=5 loops=1)
               ->  Sort  (cost=0..1 rows=60000 width=4) (actual time=0.1..1.0 rows=5 loops=1)
                     Sort Key: a.x
                     ->  Seq Scan on a  (cost=0..1 rows=60000 width=4) (actual time=0.1..1.0 rows=5 loops=1)",
            "Seq Scan on a 12000",
        ),
        (
            "one match is enough",
            "Nested Loop Semi Join  (cost=0..9 rows=50 width=4) (actual time=0.1..1.0 rows=50 loops=1)
               Output: a.x
               ->  Seq Scan on a  (cost=0..1 rows=50 width=4) (actual time=0.1..1.0 rows=50 loops=1)
               ->  Index Scan using i on b  (cost=0..1 rows=9000 width=4) (actual time=0.1..1.0 rows=1 loops=50)",
            "",
        ),
        (
            "all matches, known by VERBOSE",
            "Nested Loop  (cost=0..9 rows=50 width=4) (actual time=0.1..1.0 rows=50 loops=1)
               Output: a.x
               ->  Seq Scan on a  (cost=0..1 rows=50 width=4) (actual time=0.1..1.0 rows=50 loops=1)
               ->  Index Scan using i on b  (cost=0..1 rows=9000 width=4) (actual time=0.1..1.0 rows=1 loops=50)",
            "Index Scan using i on b 9000",
        ),
        (
            "perhaps one match",
            "Nested Loop  (cost=0..9 rows=50 width=4) (actual time=0.1..1.0 rows=50 loops=1)
               ->  Seq Scan on a  (cost=0..1 rows=50 width=4) (actual time=0.1..1.0 rows=50 loops=1)
               ->  Index Scan using i on b  (cost=0..1 rows=9000 width=4) (actual time=0.1..1.0 rows=1 loops=50)",
            "",
        ),
        (
            "read again by a merge join",
            "Merge Join  (cost=0..9 rows=90000 width=4) (actual time=0.1..1.0 rows=90000 loops=1)
               Merge Cond: (a.x = b.x)
               ->  Index Scan using i on a  (cost=0..1 rows=50 width=4) (actual time=0.1..1.0 rows=50 loops=1)
               ->  Materialize  (cost=0..1 rows=50 width=4) (actual time=0.1..1.0 rows=90000 loops=1)
                     ->  Index Scan using i on b  (cost=0..1 rows=50 width=4) (actual time=0.1..1.0 rows=50 loops=1)",
            "",
        ),
        (
            "nothing to look up",
            "Hash Join  (cost=0..9 rows=5 width=4) (actual time=0.1..1.0 rows=0 loops=1)
               Hash Cond: (a.x = b.x)
               ->  Seq Scan on a  (cost=0..1 rows=60000 width=4) (actual time=0.1..1.0 rows=1 loops=1)
               ->  Hash  (cost=0..1 rows=5 width=4) (actual time=0.1..1.2 rows=0 loops=1)
                     ->  Seq Scan on b  (cost=0..1 rows=5 width=4) (actual time=0.1..1.2 rows=0 loops=1)",
            "",
        ),
        (
            "of each process",
            "Gather  (cost=0..9 rows=60000 width=4) (actual time=0.1..1.0 rows=60000 loops=1)
               Workers Planned: 2
               Workers Launched: 2
               ->  Parallel Seq Scan on a  (cost=0..1 rows=25000 width=4) (actual time=0.1..1.0 rows=20000 loops=3)",
            "",
        ),
        (
            "never executed",
            "Append  (cost=0..9 rows=5 width=4) (actual time=0.1..1.0 rows=5 loops=1)
               ->  Seq Scan on a  (cost=0..1 rows=5 width=4) (actual time=0.1..1.0 rows=5 loops=1)
               ->  Seq Scan on b  (cost=0..1 rows=60000 width=4) (never executed)",
            "",
        ),
        (
            "rounded to nothing, and as many as expected",
            "Nested Loop  (cost=0..9 rows=500 width=4) (actual time=0.1..1.0 rows=500 loops=1)
               Output: a.x
               ->  Seq Scan on a  (cost=0..1 rows=5000 width=4) (actual time=0.1..1.0 rows=5000 loops=1)
               ->  Index Scan using i on b  (cost=0..1 rows=1 width=4) (actual time=0.1..1.0 rows=0 loops=5000)",
            "",
        ),
    ] {
        assert_eq!(first(plan), expected, "{name}");
    }
}
