//! Workloads from rows of `pg_stat_statements`.

use crate::model::plan::Plan;
use crate::model::server::Setting;
use crate::model::snapshot::Snapshot;
use crate::model::statement::Source;
use crate::query::testing::{catalog, with_statements};
use crate::query::workload::{Reason, WorkloadOptions, with_plans, workload};

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

/// What PostgreSQL reads and the parser (sqlparser 0.63) does not, one of a kind. When one is understood, so much the better:
/// it goes.
const REFUSED: &[&str] = &[
    "select * from rows from (generate_series(1, 2)) with ordinality as t (a, n) join users on id = a",
    "with recursive t as (select id from categories where id = 1 union all select c.id from categories c join t on c.parent_id = t.id) search depth first by id set o select * from t order by o",
    "with recursive t as (select id from categories where id = 1 union all select c.id from categories c join t on c.parent_id = t.id) cycle id set is_cycle using path select * from t",
    "select * from orders o, json_table(o.note::jsonb, '$[*]' columns (a int path '$.a' default 0 on empty)) j where o.user_id = 5",
    "select json_value(data, '$.a' returning int default 0 on empty) from users where email = 'a'",
    "select json_objectagg(id : email with unique keys) from users where email = 'a'",
    "select json_array(select id from orders where user_id = 5) from users where email = 'a'",
    "select xmlelement(name foo, xmlattributes(email as e), name) from users where email = 'a'",
    "select xmlserialize(content name::xml as text) from users where email = 'a'",
    "select * from orders o, xmltable(xmlnamespaces('x' as y), '/a' passing by ref o.note::xml columns id int path '@id') x where o.user_id = 5",
    "select id from users where name is document and email = 'a'",
    "select trim(both from name) from users where email = 'a'",
    r#"select substring(name similar 'a#"b#"c' escape '#') from users where email = 'a'"#,
    "select created_at at local from orders where user_id = 5",
    "select collation for (name) from users where email = 'a'",
    "select id from users where email = U&'d!0061t!+000061' uescape '!'",
    "select id from users where email = any (values ('a'), ('b'))",
    "select * from (users u join orders o on o.user_id = u.id) as j where j.email = 'a'",
    "select * from users * where email = 'a'",
    "select (users).* from users where email = 'a'",
    "select * from json_to_record('{}') as (a int, b text), users where email = 'a'",
    "select concat(variadic array['a', name]) from users where email = 'a'",
    "select sum(total) over (order by created_at range between interval '1 day' preceding and current row) from orders where user_id = 5",
    "select status, count(*) from orders where user_id = 5 group by all rollup (status)",
    "select id from users where email = 'a' order by id fetch first (1 + 1) rows only",
    "select !! 'a & b'::tsquery from users where email = 'a'",
    "insert into orders (id) table users",
    "update users set tags[1] = 'x' where email = 'a'",
    "update users set name = 'x' where email = 'a' returning old.name, new.name",
    "merge into users u using orders o on o.user_id = u.id when not matched by target then insert default values",
    "delete from only users * where email = 'a'",
];

fn users() -> Snapshot {
    catalog(
        "create table users (id bigint primary key, email text, name text, age int, data jsonb, tags text[]); -- rows=100000
         create table orders (id bigint primary key, user_id bigint, status text, total numeric, created_at timestamptz, note text); -- rows=1000000
         create table categories (id int primary key, parent_id int);",
    )
}

#[test]
fn what_is_not_understood_is_worth_a_plan() {
    let rows: Vec<_> = REFUSED.iter().map(|sql| (*sql, 1, 1.0)).collect();
    let w = workload(
        &with_statements(users(), &rows),
        &WorkloadOptions::default(),
    );
    let mut unread: Vec<&str> = w.unread.iter().map(|q| q.text.as_str()).collect();
    unread.sort_unstable();
    let mut refused = REFUSED.to_vec();
    refused.sort_unstable();
    assert_eq!(unread, refused);
    assert_eq!((w.queries.len(), w.skipped.len()), (0, REFUSED.len()));
    assert!(
        w.skipped
            .iter()
            .all(|s| matches!(s.reason, Reason::Unparsed(_)))
    );
}

/// Not what the server would refuse, run as more than one statement, or run elsewhere; not what is too small.
#[test]
fn what_is_not_worth_a_plan() {
    let dear = "select trim(both from name) from users where email = $1";
    let mut s = with_statements(
        users(),
        &[
            (dear, 5, 100.0),
            (
                "select trim(both from name) from users; drop table users",
                5,
                90.0,
            ),
            (
                "select trim(both from name) from users where email = 'a",
                5,
                80.0,
            ),
            (
                "copy users (id) to program 'x' with (trim both from)",
                5,
                70.0,
            ),
            ("select trim(both from name), 2 from users", 5, 60.0),
            ("select trim(both from name), 3 from users", 5, 50.0),
            (
                "select trim(both from name), 4 from users where id = $1",
                5,
                40.0,
            ),
            ("select id from users where email = $1", 5, 30.0),
            (
                "select trim(both from name), age from users where id = $1",
                1,
                20.0,
            ),
        ],
    );
    s.statements[4].toplevel = false;
    s.statements[5].dbid = 77;
    let asked = |snapshot: &Snapshot, options: &WorkloadOptions| -> Vec<usize> {
        let unread = workload(snapshot, options).unread;
        unread.iter().flat_map(|q| q.members.clone()).collect()
    };
    let all = WorkloadOptions::default();
    assert_eq!(asked(&s, &all), [0, 6, 8]);
    let top = |top| WorkloadOptions {
        top: Some(top),
        ..all.clone()
    };
    assert_eq!(asked(&s, &top(3)), [0, 6]);
    assert_eq!(asked(&s, &top(1)), [0]);
    let often = WorkloadOptions {
        min_calls: 2.0,
        ..all.clone()
    };
    assert_eq!(asked(&s, &often), [0, 6]);
    // A string may end elsewhere than the lexer thinks, and what comes behind it would be run.
    let off = Setting {
        setting: "off".into(),
        unit: None,
        boot_val: None,
        pending_restart: false,
    };
    s.server
        .settings
        .insert("standard_conforming_strings".into(), off);
    assert_eq!(asked(&s, &all), Vec::<usize>::new());
}

#[test]
fn plans_take_the_place_of_texts() {
    let plan = |table: &str, filter: &str| Plan {
        node_type: "Seq Scan".into(),
        schema: Some("public".into()),
        relation_name: Some(table.into()),
        alias: Some("u".into()),
        filter: Some(filter.into()),
        ..Plan::default()
    };
    let s = with_statements(
        users(),
        &[
            (
                "select trim(both from name) from users u where email = $1 limit $2",
                10,
                100.0,
            ),
            (
                "SELECT trim(BOTH FROM name) FROM users u WHERE email = $1 LIMIT $2",
                10,
                10.0,
            ),
            ("select trim(both from x) from gone", 1, 50.0),
            ("select id from users where email = $1", 10, 40.0),
            ("select trim(both from relname) from pg_class", 1, 30.0),
            (
                "select trim(both from name) from users where id = $1",
                1,
                20.0,
            ),
        ],
    );
    let options = WorkloadOptions {
        top: Some(2),
        ..WorkloadOptions::default()
    };
    let w = workload(&s, &options);
    assert_eq!(w.unread[0].members, [0, 1]);
    assert_eq!(
        w.unread[0].usual.text,
        "select trim(both from name) from users u where email = $1 limit 1"
    );
    let asked: Vec<usize> = w.unread.iter().map(|q| q.members[0]).collect();
    assert_eq!(asked, [0, 2], "the others would be below the cut");
    let plans = [
        Ok(plan("users", "(u.email = $1)")),
        Err("relation \"gone\" does not exist".into()),
    ];
    let w = with_plans(w, &plans, &s, &options);
    let shapes: Vec<String> = w
        .queries
        .iter()
        .map(|q| format!("{:?} {}", q.members, q.shape))
        .collect();
    assert_eq!(
        shapes,
        [
            "[0, 1] u: email = ?; reads *",
            "[3] users: email = ?; reads email, id"
        ]
    );
    assert!(
        w.queries[0]
            .unread
            .as_deref()
            .unwrap()
            .contains("near \"name)")
    );
    assert_eq!(w.queries[1].unread, None);
    let reasons: Vec<String> = w.skipped.iter().map(|s| s.reason.describe()).collect();
    let start = "not understood: Expected: ), found: ";
    assert_eq!(
        reasons[0],
        format!(
            "{start}x near \"x) from gone\"; and not planned: relation \"gone\" does not exist"
        )
    );
    assert_eq!(w.skipped.len(), 3);
    assert!(
        reasons[1..]
            .iter()
            .all(|r| r.starts_with(start) && !r.contains("planned"))
    );
    let c = &w.coverage;
    assert_eq!((c.analysed, c.by_plan, c.statements), (3, 2, 6));
    assert!((c.analysed_total - 150.0).abs() < 1e-9 && (c.total - 250.0).abs() < 1e-9);
    assert!(w.unread.is_empty());
}

/// A catalog query in odd SQL is no load that an index could serve, once its plan is seen.
#[test]
fn a_plan_can_show_that_there_is_nothing_to_do() {
    let s = with_statements(
        users(),
        &[("select trim(both from relname) from pg_class", 1, 30.0)],
    );
    let options = WorkloadOptions::default();
    let w = workload(&s, &options);
    assert_eq!((w.coverage.statements, w.coverage.analysed), (1, 0));
    let plan = Plan {
        node_type: "Seq Scan".into(),
        schema: Some("pg_catalog".into()),
        relation_name: Some("pg_class".into()),
        ..Plan::default()
    };
    let w = with_plans(w, &[Ok(plan)], &s, &options);
    assert_eq!(w.skipped[0].reason, Reason::NoTables);
    assert_eq!((w.coverage.statements, w.coverage.analysed), (0, 0));
}
