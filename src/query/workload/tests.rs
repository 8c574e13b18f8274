//! Workloads from rows of `pg_stat_statements`.

use crate::model::snapshot::Snapshot;
use crate::model::statement::Source;
use crate::query::testing::{catalog, with_statements};
use crate::query::workload::{WorkloadOptions, workload};

fn shop() -> Snapshot {
    catalog(
        "create table t (id int primary key, a int, b text); -- rows=1000
         create table \"We\"\"ird; drop table x\" (\"größe\" int, \"Id\" int);
         create table app.t (id int, only_here int);
         create foreign table f (a int) server s;",
    )
}

/// One line a query or a skipped statement.
fn lines(snapshot: &Snapshot, options: &WorkloadOptions) -> Vec<String> {
    let w = workload(snapshot, options);
    let queries = w.queries.iter().map(|q| {
        format!(
            "{:?} calls={} ms={:?} rows={} ${}: {}",
            q.members,
            q.calls,
            q.total_ms.unwrap_or(-1.0),
            q.rows_per_call,
            q.parameters,
            q.text
        )
    });
    let skipped = w
        .skipped
        .iter()
        .map(|s| format!("{}: {}", s.statement, s.reason.describe()));
    let c = &w.coverage;
    let coverage = format!(
        "{}/{} {:.3} of {}",
        c.analysed,
        c.statements,
        c.share(),
        c.total
    );
    queries.chain(skipped).chain([coverage]).collect()
}

#[test]
fn rows_of_one_statement_are_put_together_and_the_dear_come_first() {
    let s = with_statements(
        shop(),
        &[
            ("select * from t where a = $1", 10, 5.0),
            ("SELECT *\nFROM t WHERE a = $1;", 5, 7.0),
            ("select b from t where id in ($1, $2)", 1, 100.0),
            ("select b from t where id in ($1 /*, ... */)", 3, 50.0),
            ("select a from f", 1, 9.0),
            ("select * from gone where a = $1", 1, 38.0),
        ],
    );
    assert_eq!(
        lines(&s, &WorkloadOptions::default()),
        [
            "[2, 3] calls=4 ms=150.0 rows=1 $2: select b from t where id in ($1, $2)",
            "[0, 1] calls=15 ms=12.0 rows=1 $1: SELECT *\nFROM t WHERE a = $1",
            "4: only foreign tables",
            "5: table gone not found",
            "4/6 0.775 of 209",
        ]
    );
}

#[test]
fn each_row_left_out_says_why() {
    let mut s = with_statements(
        shop(),
        &[
            ("COMMIT", 1, 1.0),
            ("/* pgperf */ select * from t", 1, 1.0),
            ("select 1", 1, 1.0),
            ("select * from pg_class", 1, 1.0),
            ("insert into t values ($1)", 1, 1.0),
            (
                "SELECT $2 FROM ONLY \"public\".\"t\" x WHERE \"id\" OPERATOR(pg_catalog.=) $1 FOR KEY SHARE OF x",
                1,
                1.0,
            ),
            ("select * from t where a = $1", 1, 1.0),
            ("select * from t where a = $1", 1, 1.0),
            ("select * from t where a = $1", 1, 1.0),
            ("select * frm t where (", 1, 1.0),
            ("explain select * from t", 1, 1.0),
            ("select * from t where a = 5 /* cut", 1, 1.0),
        ],
    );
    s.statements[6].dbid = 77;
    s.statements[7].toplevel = false;
    s.statements[8].query = None;
    s.statements[11].source = Source::PgStatActivity;
    let long = format!("select * from t where b = '{}'", "x".repeat(992));
    s.statements[11].query = Some(long);
    assert_eq!(
        lines(&s, &WorkloadOptions::default()),
        [
            "0: utility statement",
            "1: pgperf's own",
            "2: reads no user table",
            "3: reads no user table",
            "4: only inserts",
            "5: foreign-key check",
            "6: of another database",
            "7: inside a function",
            "8: text not visible",
            "9: not understood: Expected: end of statement, found: t near \"t where (\"",
            "10: utility statement",
            "11: text cut off",
            "0/4 0.000 of 4",
        ]
    );
}

#[test]
fn cuts_are_counted_as_missed() {
    let s = with_statements(
        shop(),
        &[
            ("select a from t where a = $1", 100, 90.0),
            ("select b from t where a = $1", 1, 9.0),
            ("select id from t where a = $1", 50, 1.0),
        ],
    );
    let last = |options: WorkloadOptions| lines(&s, &options).pop().unwrap();
    let all = WorkloadOptions::default();
    assert_eq!(last(all.clone()), "3/3 1.000 of 100");
    assert_eq!(
        last(WorkloadOptions {
            top: Some(1),
            ..all.clone()
        }),
        "1/3 0.900 of 100"
    );
    assert_eq!(
        last(WorkloadOptions {
            min_calls: 2.0,
            ..all.clone()
        }),
        "2/3 0.910 of 100"
    );
    assert_eq!(
        last(WorkloadOptions {
            min_total_ms: 5.0,
            ..all.clone()
        }),
        "2/3 0.990 of 100"
    );
    assert_eq!(
        last(WorkloadOptions {
            share: Some(0.95),
            ..all
        }),
        "2/3 0.990 of 100"
    );
}

#[test]
fn a_role_has_its_own_search_path() {
    let mut s = with_statements(
        shop(),
        &[
            ("select id from t where only_here = $1", 1, 2.0),
            ("select id from t where only_here = $1", 1, 1.0),
        ],
    );
    s.statements[0].userid = 99;
    (s.server.role_search_paths).insert(99, vec!["$user".into(), "app".into(), "public".into()]);
    let w = workload(&s, &WorkloadOptions::default());
    assert_eq!(w.queries.len(), 1);
    assert_eq!(w.queries[0].search_path, ["app", "public"]);
    assert_eq!(
        w.skipped[0].reason.describe(),
        "not understood: column only_here not found"
    );
}

#[test]
fn names_that_need_quotes_resolve() {
    let s = with_statements(
        shop(),
        &[(
            "select größe from \"We\"\"ird; drop table x\" where \"Id\" = 1 and GRÖSSE > 5",
            1,
            1.0,
        )],
    );
    assert_eq!(
        lines(&s, &WorkloadOptions::default())[0],
        "0: not understood: column grÖsse not found"
    );
    let s = with_statements(
        shop(),
        &[(
            "select größe from \"We\"\"ird; drop table x\" where \"Id\" = 1 and Größe > 5",
            1,
            1.0,
        )],
    );
    let w = workload(&s, &WorkloadOptions::default());
    assert_eq!(
        w.queries[0].shape.to_string(),
        "We\"ird; drop table x: Id = 1, größe > 5; reads Id, größe"
    );
}
