//! Plans as text in, their properties out.

use super::*;

/// A node's properties as compact JSON.
fn node(plan: &str, position: usize) -> String {
    let explained = read(plan).unwrap_or_else(|e| panic!("{e}: {plan}"));
    serde_json::to_string(&explained.nodes[position].properties).unwrap()
}

#[test]
fn a_name_is_taken_apart_as_json_does() {
    for (name, expected) in [
        (
            "Parallel Index Only Scan Backward using \"I x\" on public.orders o",
            r#"{"Alias":"o","Index Name":"I x","Node Type":"Index Only Scan","Parallel Aware":true,"Relation Name":"orders","Scan Direction":"Backward","Schema":"public"}"#,
        ),
        (
            "Bitmap Index Scan on i",
            r#"{"Index Name":"i","Node Type":"Bitmap Index Scan"}"#,
        ),
        (
            "Hash Right Anti Join",
            r#"{"Join Type":"Right Anti","Node Type":"Hash Join"}"#,
        ),
        (
            "Nested Loop Left Join",
            r#"{"Join Type":"Left","Node Type":"Nested Loop"}"#,
        ),
        (
            "Merge Join",
            r#"{"Join Type":"Inner","Node Type":"Merge Join"}"#,
        ),
        (
            "Partial HashAggregate",
            r#"{"Node Type":"Aggregate","Partial Mode":"Partial","Strategy":"Hashed"}"#,
        ),
        (
            "HashSetOp Except All",
            r#"{"Command":"Except All","Node Type":"SetOp","Strategy":"Hashed"}"#,
        ),
        (
            "Update on \"We.ird\".\"T\"\"x\"",
            r#"{"Alias":"T\"x","Node Type":"ModifyTable","Operation":"Update","Relation Name":"T\"x","Schema":"We.ird"}"#,
        ),
        (
            "CTE Scan on c x",
            r#"{"Alias":"x","CTE Name":"c","Node Type":"CTE Scan"}"#,
        ),
        ("Some Future Node", r#"{"Node Type":"Some Future Node"}"#),
    ] {
        let line = format!("{name}  (cost=0.00..1.00 rows=1 width=4)");
        let mut explained = read(&line).unwrap();
        for figure in ["Startup Cost", "Total Cost", "Plan Rows", "Plan Width"] {
            assert!(
                explained.nodes[0].properties.remove(figure).is_some(),
                "{name}"
            );
        }
        let properties = serde_json::to_string(&explained.nodes[0].properties).unwrap();
        assert_eq!(properties, expected, "{name}");
    }
}

#[test]
fn figures_of_a_line_get_their_names() {
    for (line, expected) in [
        (
            "Sort Method: external merge  Disk: 2345kB",
            r#""Sort Method":"external merge","Sort Space Type":"Disk","Sort Space Used":2345.0"#,
        ),
        (
            "Buckets: 2048 (originally 1024)  Batches: 4  Memory Usage: 9kB",
            r#""Hash Batches":4.0,"Hash Buckets":2048.0,"Original Hash Batches":4.0,"Original Hash Buckets":1024.0,"Peak Memory Usage":9.0"#,
        ),
        (
            "Planned Partitions: 4  Batches: 5  Memory Usage: 40kB  Disk Usage: 100kB",
            r#""Disk Usage":100.0,"HashAgg Batches":5.0,"Peak Memory Usage":40.0,"Planned Partitions":4.0"#,
        ),
        (
            "Hits: 1  Misses: 2  Evictions: 3  Overflows: 4  Memory Usage: 5kB",
            r#""Cache Evictions":3.0,"Cache Hits":1.0,"Cache Misses":2.0,"Cache Overflows":4.0,"Peak Memory Usage":5.0"#,
        ),
        (
            "Heap Blocks: exact=12 lossy=34",
            r#""Exact Heap Blocks":12.0,"Lossy Heap Blocks":34.0"#,
        ),
        (
            "I/O Timings: shared read=1.5, temp write=2.5",
            r#""Shared I/O Read Time":1.5,"Temp I/O Write Time":2.5"#,
        ),
        (
            "Output: a, f(b, 'x, y'), (c)[1]",
            r#""Output":["a","f(b, 'x, y')","(c)[1]"]"#,
        ),
        (
            "Rows Removed by Filter: 12",
            r#""Rows Removed by Filter":12.0"#,
        ),
        ("Single Copy: true", r#""Single Copy":true"#),
        (
            "Filter: ((a)::text = 'b: c'::text)",
            r#""Filter":"((a)::text = 'b: c'::text)""#,
        ),
    ] {
        let told = node(&format!("Result  (cost=0..0 rows=0 width=0)\n  {line}"), 0);
        for figure in expected.split(",\"") {
            let figure = figure.trim_start_matches('"');
            assert!(told.contains(figure), "{line}: {figure} in {told}");
        }
    }
    let blocks = node(
        "Result  (cost=0..0 rows=0 width=0)\n  Buffers: shared hit=3 read=4, temp written=5",
        0,
    );
    for expected in [
        r#""Shared Hit Blocks":3.0"#,
        r#""Shared Read Blocks":4.0"#,
        r#""Temp Written Blocks":5.0"#,
        r#""Temp Read Blocks":0.0"#,
    ] {
        assert!(blocks.contains(expected), "{blocks}");
    }
}

/// As psql frames it, as a log has it, as a mail wraps it.
#[test]
fn what_is_around_a_plan_is_left_aside() {
    let psql = "                       QUERY PLAN
--------------------------------------------------------
 Limit  (cost=0.00..1.00 rows=1 width=4) (actual time=0.01..0.02 rows=1 loops=1)
   ->  Seq Scan on t  (cost=0.00..9.00 rows=9 width=4) (actual time=0.01..0.01 rows=1 loops=1)
         Filter: (a = 1)
 Planning Time: 0.100 ms
 Execution Time: 0.200 ms
(5 rows)

Time: 1.234 ms
";
    let expected = read(psql).unwrap();
    assert_eq!(expected.nodes.len(), 2);
    assert_eq!(expected.nodes[1].text("Filter"), Some("(a = 1)"));
    assert_eq!(expected.execution_time(), Some(0.2));
    let each = |of: &dyn Fn(&str) -> String| psql.lines().map(of).collect::<Vec<_>>().join("\n");
    let framed = each(&|line| format!("│{line:<90}│"));
    let quoted = each(&|line| format!("\"{}\"", line.trim_end()));
    for form in [framed, quoted] {
        assert_eq!(read(&form).unwrap(), expected, "{form}");
    }
    let log = "2026-01-01 LOG:  duration: 3.1 ms  plan:
\tQuery Text: select *
\tfrom t;
\tLimit  (cost=0.00..1.00 rows=1 width=4) (actual time=0.01..0.02 rows=1 loops=1)
\t  ->  Seq Scan on t  (cost=0.00..9.00 rows=9 width=4) (actual time=0.01..0.01 rows=1 loops=1)
\t        Filter: (a = 1)
";
    let logged = read(log).unwrap();
    assert_eq!(logged.nodes, expected.nodes);
    assert_eq!(logged.properties["Query Text"], "select *\nfrom t;");
    let wrapped = psql
        .replace("Filter: (a = 1)", "Filter: (a =\n 1)")
        .replace("\n 1)", "\n           1)");
    assert_eq!(read(&wrapped).unwrap().nodes, expected.nodes);
}

#[test]
fn what_is_said_of_a_worker_is_not_said_of_the_node() {
    let explained = read(
        "Gather  (cost=0..9 rows=9 width=4) (actual time=1..9 rows=9 loops=1)
  Buffers: shared hit=2086
  ->  Parallel Bitmap Heap Scan on t  (cost=0..9 rows=9 width=4) (actual time=1..8 rows=3 loops=3)
        Heap Blocks: exact=304 lossy=659
        Buffers: shared hit=2086
        Worker 0:  actual time=0.2..7.5 rows=4 loops=1
          Heap Blocks: exact=167 lossy=357
          Buffers: shared hit=544
        Worker 1:  Sort Method: quicksort  Memory: 25kB
        ->  Bitmap Index Scan on t_i  (cost=0..9 rows=9 width=0) (actual time=1..2 rows=9 loops=1)
              Buffers: shared hit=6",
    )
    .unwrap();
    let [_, scan, index] = &explained.nodes[..] else {
        panic!("{:?}", explained.nodes);
    };
    assert_eq!(scan.number("Exact Heap Blocks"), Some(304.0));
    assert_eq!(scan.number("Shared Hit Blocks"), Some(2086.0));
    assert_eq!(scan.text("Sort Method"), None);
    assert_eq!(index.number("Shared Hit Blocks"), Some(6.0));
    let workers: Vec<_> = scan.each("Workers").collect();
    assert_eq!(workers.len(), 2);
    assert_eq!(workers[0].number("Actual Total Time"), Some(7.5));
    assert_eq!(workers[0].number("Lossy Heap Blocks"), Some(357.0));
    assert_eq!(workers[0].number("Shared Hit Blocks"), Some(544.0));
    assert_eq!(workers[1].number("Sort Space Used"), Some(25.0));
    assert_eq!(scan.workers().len(), 1);
}

#[test]
fn what_stands_below_the_tree_belongs_to_the_statement() {
    let explained = read(
        "Insert on public.t  (cost=0..1 rows=0 width=0) (actual time=1..2 rows=0 loops=1)
  ->  Result  (cost=0..1 rows=1 width=4) (actual time=0..1 rows=1 loops=1)
Settings: work_mem = '64MB', search_path = 'a, b'
Planning:
  Buffers: shared hit=3
Planning Time: 1.5 ms
Trigger for constraint t_fkey on t: time=7.5 calls=100
Trigger audit: time=1.5 calls=2
JIT:
  Functions: 3
  Options: Inlining true, Optimization false
  Timing: Generation 1.0 ms, Inlining 2.0 ms, Total 9.0 ms
Execution Time: 20.5 ms",
    )
    .unwrap();
    assert_eq!(explained.nodes.len(), 2);
    assert_eq!(explained.settings()["search_path"], "a, b");
    assert_eq!(explained.planning_time(), Some(1.5));
    assert_eq!(explained.execution_time(), Some(20.5));
    assert_eq!(explained.jit_time(), Some(9.0));
    assert_eq!(explained.properties["Planning"]["Shared Hit Blocks"], 3.0);
    let triggers = explained.triggers();
    let told: Vec<(&str, Option<&str>, f64)> = (triggers.iter())
        .map(|t| (t.name.as_str(), t.constraint.as_deref(), t.time))
        .collect();
    assert_eq!(
        told,
        [("t_fkey", Some("t_fkey"), 7.5), ("audit", None, 1.5)]
    );
}

#[test]
fn what_is_no_plan_is_told() {
    for input in ["", "hello\nworld", "Filter: (a = 1)", "(5 rows)"] {
        assert!(read(input).is_err(), "{input}");
        assert!(!looks_like_text(input), "{input}");
    }
}
