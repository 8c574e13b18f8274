//! Plans in, pages out.

use super::*;
use crate::audit::rules::of_plan;
use crate::model::explained::Explained;

const SCAN: &str = "Aggregate  (cost=0.00..2000.00 rows=1 width=8) (actual time=20.0..20.0 rows=1 loops=1)
  ->  Seq Scan on orders o  (cost=0.00..1900.00 rows=150 width=4) (actual time=0.1..19.0 rows=60 loops=1)
        Filter: (status = 'open'::text)
        Rows Removed by Filter: 59940
Planning Time: 0.200 ms
Execution Time: 20.100 ms";

const INDEX: &str = "Aggregate  (cost=0.00..20.00 rows=1 width=8) (actual time=0.2..0.2 rows=1 loops=1)
  ->  Index Scan using orders_status_idx on orders o  (cost=0.00..19.00 rows=60 width=4) (actual time=0.1..0.1 rows=60 loops=1)
        Index Cond: (status = 'open'::text)
Execution Time: 0.300 ms";

#[test]
fn a_finding_stands_at_its_node() {
    let plan = Explained::read(SCAN).unwrap();
    let view = View::new(&plan, None);
    let findings = of_plan(&view);
    let examined = Examined {
        statement: Some("select count(*)\nfrom orders"),
        source: "read from a file",
        notes: &[],
        view: &view,
        findings: &findings,
        advice: None,
    };
    let expected = "\
statement  select count(*) from orders
plan       read from a file
time       20 ms, 0.20 ms of planning
rows       1

     self share            rows off by  node
  1.00 ms ▎       5%          1         Aggregate
    19 ms ████▊  95%         60    ↓2×    Seq Scan on orders o [a]
                                            filter (status = 'open'::text)
                                            (59,940 rows removed)

Findings

 a  high: A table is read from end to end for few of its rows
    (seq-scan-selective)
    Seq Scan on orders o: 60 of 60,000 rows kept, 94.5 % of the statement;
    filter (status = 'open'::text)
    do: an index on the columns of the filter: equality first, then range or
    order; pgperf advise proposes it
";
    assert_eq!(text(&examined, Style::default()), expected);
    let json: serde_json::Value = serde_json::from_str(&json(&examined)).unwrap();
    assert_eq!(json["findings"][0]["rule"], "seq-scan-selective");
    assert_eq!(json["nodes"][1]["self_ms"], 19.0);
    assert_eq!(
        json["nodes"][1]["properties"]["Filter"],
        "(status = 'open'::text)"
    );
}

#[test]
fn what_changed_between_two_plans_is_told() {
    let [old, new] = [SCAN, INDEX].map(|text| Explained::read(text).unwrap());
    let told = compare(
        &View::new(&old, None),
        &View::new(&new, None),
        Style::default(),
    );
    assert_eq!(
        told,
        "\
time  20 ms → 0.30 ms, 67× less

         old        new  node
     1.00 ms    0.10 ms  Aggregate
-      19 ms               Seq Scan on orders o
+               0.10 ms    Index Scan using orders_status_idx on orders o
"
    );
}

#[test]
fn names_of_a_database_are_harmless() {
    let plan = SCAN.replace("orders o", "\"o\u{1b}[31m\u{202e}\"");
    let plan = Explained::read(&plan).unwrap();
    let view = View::new(&plan, None);
    let findings = of_plan(&view);
    let examined = Examined {
        statement: Some("select \u{7}"),
        source: "",
        notes: &[],
        view: &view,
        findings: &findings,
        advice: None,
    };
    for page in [text(&examined, Style::default()), json(&examined)] {
        let active = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!page.contains(active), "{page:?}");
    }
}
