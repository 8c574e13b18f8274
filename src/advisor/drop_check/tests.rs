//! Plans in, verdicts out.

use super::*;
use crate::advisor::candidates::Candidates;
use crate::advisor::catalog_advice::superfluous;
use crate::advisor::search::{Search, SearchOptions};
use crate::query::testing::{catalog, with_statements};
use crate::query::workload::{WorkloadOptions, workload};

/// An index scan, or the scan of a bitmap below its heap.
fn plan(table: &str, index: &str, bitmap: bool) -> Plan {
    let text = if bitmap {
        format!(
            r#"{{"Node Type": "Bitmap Heap Scan", "Relation Name": "{table}", "Plans": [{{"Node Type": "BitmapAnd", "Plans": [
                {{"Node Type": "Bitmap Index Scan", "Index Name": "{index}"}}]}}]}}"#
        )
    } else {
        format!(
            r#"{{"Node Type": "Index Scan", "Relation Name": "{table}", "Index Name": "{index}"}}"#
        )
    };
    Plan::from_explain_json(&format!(r#"[{{"Plan": {text}}}]"#)).unwrap()
}

#[test]
fn an_index_is_told_by_its_name_and_its_table() {
    let mut snapshot = catalog(
        "create table t (a int);
         create index by_a on t (a);
         create table s.u (a int);
         create index by_a on s.u (a);
         create table parts (a int) partition by hash (a);
         create index parts_a on parts (a);
         create table parts_0 partition of parts for values with (modulus 1, remainder 0);
         create index parts_0_a_idx on parts_0 (a);",
    );
    let named = |snapshot: &Snapshot, table: &str, name: &str| {
        let mut all = snapshot.indexes.iter();
        let found = all.position(|i| i.name == name && i.definition.table.name == table);
        found.unwrap()
    };
    let parent = named(&snapshot, "parts", "parts_a");
    let child = named(&snapshot, "parts_0", "parts_0_a_idx");
    snapshot.indexes[child].parent_oid = Some(snapshot.indexes[parent].oid);
    let own = &snapshot.indexes[named(&snapshot, "t", "by_a")];
    for bitmap in [false, true] {
        let reads = |index, table, name| {
            let cost = Cost {
                plan: plan(table, name, bitmap),
                ..Cost::default()
            };
            Named::new(&[index], &snapshot).are_read_by(&cost)
        };
        assert!(reads(own, "t", "by_a"));
        assert!(!reads(own, "u", "by_a"), "that is another one of the name");
        assert!(!reads(own, "t", "by_b"));
        // Of a partitioned index it is the parts that a plan reads.
        assert!(reads(&snapshot.indexes[parent], "parts_0", "parts_0_a_idx"));
        assert!(!reads(own, "parts_0", "parts_0_a_idx"));
    }
}

/// What is said of the risk of dropping `t_a_2`, the twin of `t_a`; `None` = the advice is taken back. Each statement costs 10
/// with it.
fn risk(without: &[Result<f64, &str>]) -> Option<String> {
    let statements = [
        "SELECT b FROM t WHERE a = $1",
        "SELECT count(*) FROM t WHERE a = $1",
    ];
    let rows: Vec<_> = statements.iter().map(|sql| (*sql, 1, 1000.0)).collect();
    let snapshot = with_statements(
        catalog(
            "create table t (a int, b int); -- rows=100000 pages=1000
             create index t_a on t (a); -- pages=300
             create index t_a_2 on t (a); -- pages=300",
        ),
        &rows,
    );
    let workload = workload(&snapshot, &WorkloadOptions::default());
    let candidates = Candidates::default();
    let search = Search::new(&candidates, &[], true, &[], SearchOptions::unlimited());
    let decision = Decision {
        snapshot: &snapshot,
        workload: &workload,
        candidates: &candidates,
        search: &search,
        write_costs: &[],
        source: Source::Clone,
        days: None,
    };
    let mut recommendations = superfluous(&snapshot);
    let [drop] = recommendations.as_slice() else {
        panic!("{recommendations:?}");
    };
    let cost = |total| Cost {
        total,
        used: vec![],
        plan: plan("t", &drop.index.name, false),
        ..Cost::default()
    };
    let answer = |without: &Result<f64, &str>| match without {
        Ok(without) => Ok(Compared {
            with: cost(10.0),
            without: cost(*without),
        }),
        Err(why) => Err((*why).to_owned()),
    };
    let compared = (0..).zip(without.iter().map(answer)).collect();
    judge(&decision, &mut recommendations, &compared);
    recommendations.pop().map(|r| r.risk)
}

#[test]
fn what_could_not_be_asked_is_said() {
    let analysed = "of 2 analysed statements on public.t";
    assert_eq!(
        risk(&[Ok(10.0), Ok(10.0)]).unwrap(),
        format!("none seen: {analysed} 2 can use it, at the same cost without it")
    );
    assert_eq!(
        risk(&[Ok(10.0), Err("no such type")]).unwrap(),
        "none seen: of 1 analysed statements on public.t 1 can use it, at the same cost without it; not checked for 1 statement: \
         no such type"
    );
    let unchecked = risk(&[Err("too late"), Err("too late")]).unwrap();
    assert!(
        unchecked.ends_with("; not checked for 2 statements: too late"),
        "{unchecked}"
    );
    // What is known is enough.
    assert_eq!(risk(&[Ok(100.0), Err("too late")]), None);
}
