//! `plan → shape` tables; the plans are what PostgreSQL 15 and 18 print.

use proptest::prelude::*;

use crate::query::analyse::analyse;
use crate::query::workload::Reason;

use crate::model::plan::Plan;
use crate::model::snapshot::Snapshot;
use crate::query::catalog::Catalog;
use crate::query::from_plan::condition::conjuncts;
use crate::query::from_plan::shape_of;
use crate::query::parse::Prepared;
use crate::query::testing::catalog;

fn shop() -> Snapshot {
    catalog(
        "create table users (id bigint primary key, email varchar(80), name text, active boolean, age int, created_at timestamptz, data jsonb, tags text[]); -- rows=100000
         create table orders (id bigint primary key, user_id bigint not null references users, status text, total numeric(10,2), created_at timestamptz, note text); -- rows=1000000
         create table categories (id int primary key, parent_id int, name text); -- rows=20000
         create table events (id int, blog_id int, at timestamptz) partition by hash (blog_id);
         create table events_0 partition of events for values with (modulus 2, remainder 0); -- rows=50000
         create table events_1 partition of events for values with (modulus 2, remainder 1); -- rows=50000",
    )
}

#[test]
fn conditions_fall_apart_at_and() {
    for (text, parts) in [
        ("(a = 1)", vec!["a = 1"]),
        ("((a = 1) AND (b = 2))", vec!["a = 1", "b = 2"]),
        (
            "((a = 1) AND ((b = 2) AND (c = 3)))",
            vec!["a = 1", "b = 2", "c = 3"],
        ),
        (
            "((a = 1) OR ((b = 2) AND (c = 3)))",
            vec!["( a = 1 ) OR ( ( b = 2 ) AND ( c = 3 ) )"],
        ),
        (
            "((CASE WHEN (a AND b) THEN c AND d ELSE e END) AND (f = ' and '::text))",
            vec![
                "CASE WHEN ( a AND b ) THEN c AND d ELSE e END",
                "f = ' and ' :: text",
            ],
        ),
        (
            "((o.total > (InitPlan 1).col1) AND (o.id = $0))",
            vec!["o . total > $1", "o . id = $0"],
        ),
        (
            "((NOT (hashed SubPlan 2)) AND ((SubPlan 1) > 5) AND (x.y = 1))",
            vec!["\"e\" . y = 1"],
        ),
        ("(NOT (ANY ((u.email)::text = (SubPlan 2).col1)))", vec![]),
        // Nothing that could end the place where it is put.
        ("a = 1) or (true", vec![]),
        ("a = 1; select 2", vec![]),
        ("a = 'x", vec![]),
        ("", vec![]),
        ("()", vec![]),
    ] {
        assert_eq!(conjuncts(text, Some(("x", "e"))), parts, "{text}");
    }
}

/// What both servers print for statements that the parser refuses, slimmed to what is read of it; and the Shape.
const PLANS: &str = include_str!("tests/plans.txt");

fn shape(sql: &str, plan: &Plan, snapshot: &Snapshot) -> String {
    let prepared = Prepared::new(sql).unwrap();
    match shape_of(plan, &prepared, &Catalog::new(snapshot)) {
        Ok((kind, shape)) => {
            assert!(shape.blocks.iter().all(|block| block.inexact), "{sql}");
            format!("{kind:?} {shape}")
        }
        Err(reason) => format!("{reason:?}"),
    }
}

fn plan(json: &str) -> Plan {
    Plan::from_explain_json(&format!("[{{\"Plan\": {json}}}]")).unwrap()
}

#[test]
fn plans_show_what_their_statements_ask_for() {
    let shop = shop();
    let mut wrong = Vec::new();
    for case in PLANS.trim_end().split("\n\n") {
        let [head, json, expected @ ..] = &case.lines().collect::<Vec<_>>()[..] else {
            panic!("a head, a plan and a shape: {case}");
        };
        let (_, sql) = head.split_once(": ").unwrap();
        let parsed = analyse(sql, &Catalog::new(&shop), &shop.server.search_path);
        assert!(matches!(parsed, Err(Reason::Unparsed(_))), "{sql} is read");
        let got = shape(sql, &plan(json), &shop);
        if got != expected.join("\n") {
            wrong.push(format!("{head}\n{got}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// A scan of `users` with that condition.
fn filtered(filter: &str) -> Plan {
    Plan {
        node_type: "Seq Scan".into(),
        schema: Some("public".into()),
        relation_name: Some("users".into()),
        alias: Some("u".into()),
        filter: Some(filter.into()),
        ..Plan::default()
    }
}

#[test]
fn conditions_that_cannot_be_read_cost_only_themselves() {
    let shop = shop();
    for (filter, expected) in [
        (
            "((u.name = 'x'::text) AND (u.note IS DOCUMENT))",
            "name = x",
        ),
        (
            "((u.name IS JSON OBJECT WITH UNIQUE KEYS OF SOME) AND (u.age = 5))",
            "age = 5",
        ),
        (
            "((u.gone = 1) AND (u.age = 5) AND (other.name = 'x'::text))",
            "age = 5",
        ),
        (
            "((u.age = (SubPlan 1)) AND (u.id = (InitPlan 2).col1))",
            "id = ?",
        ),
        (
            "((u.age = (hashed SubPlan 1).col1) AND (u.age + 1 = 2))",
            "age + 1 = 2",
        ),
        ("(u.age = 5", ""),
        ("u.age = 5) OR (true", ""),
        ("", ""),
    ] {
        let got = shape("select 1", &filtered(filter), &shop);
        assert_eq!(got, format!("Select u: {expected}; reads *"), "{filter}");
    }
}

#[test]
fn a_table_that_is_not_there_is_said() {
    let mut plan = filtered("(u.age = 5)");
    plan.relation_name = Some("gone".into());
    assert_eq!(
        shape("select 1", &plan, &shop()),
        "UnknownTable(\"public.gone\")"
    );
}

/// Which columns an UPDATE sets is not in its plan, so the text is asked; where it does not tell, every column may be.
#[test]
fn what_is_written_is_in_the_text() {
    let shop = shop();
    let update = Plan {
        node_type: "ModifyTable".into(),
        operation: Some("Update".into()),
        plans: vec![filtered("(u.age = 5)")],
        filter: None,
        ..filtered("")
    };
    for (sql, written) in [
        (
            "update users set tags[age] = name, data.email = id where active = true",
            "data, tags",
        ),
        (
            "update users set (name, \"age\") = (select id, email), active = (id = 5) from x where tags = 1",
            "active, age, name",
        ),
        (
            "update users set nothing = 1",
            "active, age, created_at, data, email, id, name, tags",
        ),
    ] {
        let got = shape(sql, &update, &shop);
        assert_eq!(
            got,
            format!("Update u: age = 5; reads *\nwrites {written}"),
            "{sql}"
        );
    }
}

fn trees() -> impl Strategy<Value = Plan> {
    let text = || {
        prop::sample::select(vec![
            "(u.age = 5)",
            "((u.name = 'x'::text) AND (o.user_id = u.id))",
            "(e_1.id > $1)",
            "(",
            ")",
            "a = 1)",
            "'",
            "/*",
            "--",
            ";",
            "(SubPlan 1)",
            "(t.x = 1)",
            "(InitPlan 1).col1",
            "(InitPlan",
            "CASE",
            "END AND",
            "AND",
            "u.created_at DESC NULLS LAST",
            "\"",
            "$$",
            "",
            "日本",
        ])
    };
    let texts = move || prop::option::of(text()).prop_map(|t| t.map(str::to_owned));
    let names = |names: &'static [&'static str]| {
        prop::option::of(prop::sample::select(names)).prop_map(|n| n.map(str::to_owned))
    };
    let node = (
        prop::sample::select(vec![
            "Seq Scan",
            "Limit",
            "Sort",
            "Aggregate",
            "WindowAgg",
            "Nested Loop",
            "Hash Join",
            "Merge Join",
            "Append",
            "Merge Append",
            "SetOp",
            "Recursive Union",
            "Subquery Scan",
            "CTE Scan",
            "Gather Merge",
            "ModifyTable",
            "Result",
            "Memoize",
            "",
        ]),
        names(&["InitPlan", "SubPlan", "Outer", "Member"]),
        names(&["users", "orders", "events_0", "events_1", "gone"]),
        names(&["u", "o", "e_1", "e_2", "t", "_1", "We\"ird"]),
        names(&[
            "Left",
            "Right",
            "Full",
            "Semi",
            "Anti",
            "Right Semi",
            "Right Anti",
        ]),
        (texts(), texts(), texts(), texts()),
        prop::collection::vec(text().prop_map(str::to_owned), 0..2),
        names(&["Update", "Merge", "Insert"]),
    );
    let node = node.prop_map(
        |(kind, relationship, table, alias, join, texts, keys, operation)| Plan {
            node_type: kind.into(),
            parent_relationship: relationship,
            schema: table.is_some().then(|| "public".into()),
            relation_name: table,
            alias,
            join_type: join,
            filter: texts.0,
            index_cond: texts.1,
            hash_cond: texts.2,
            merge_cond: texts.3,
            sort_key: keys.clone(),
            group_key: keys,
            operation,
            ..Plan::default()
        },
    );
    let leaf = node.clone();
    leaf.prop_recursive(6, 24, 3, move |inner| {
        (node.clone(), prop::collection::vec(inner, 0..4))
            .prop_map(|(node, plans)| Plan { plans, ..node })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever a plan looks like, there is a Shape or a reason, and no condition on a column that its table lacks.
    #[test]
    fn no_plan_is_too_strange(plan in trees()) {
        let shop = shop();
        let catalog = Catalog::new(&shop);
        let prepared = Prepared::new("update x set name = 1 where $1").unwrap();
        if let Ok((_, shape)) = shape_of(&plan, &prepared, &catalog) {
            for relation in &shape.relations {
                let table = shop.table(relation.table_oid).unwrap();
                for predicate in &relation.predicates {
                    prop_assert!(table.column(&predicate.column).is_some());
                }
            }
        }
    }
}
