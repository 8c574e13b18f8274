//! What the planner says of candidates, and without existing indexes, in a clone: the same as when really built and dropped.

use pgperf::advisor::size::heights;
use pgperf::model::index::{IndexDefinition, IndexKey, KeyOf};
use pgperf::model::plan::Plan;
use pgperf::model::snapshot::Snapshot;
use pgperf::model::whatif::Hypothetical;
use pgperf::pg::clone::StatisticsClone;

use super::{explain, explain_within, explainable, source};
use crate::live::support::{installation, on_each_version, snapshot};

/// `method (key, …) [include (…)] [where …]` on `"Sales".table`.
fn definition(
    snapshot: &Snapshot,
    table: &str,
    method: &str,
    keys: &[KeyOf],
    predicate: Option<&str>,
) -> IndexDefinition {
    let table = snapshot.tables.iter().find(|t| t.name == table).unwrap();
    let key = |of: &KeyOf| {
        let mut key = IndexKey::column("");
        key.of = of.clone();
        key
    };
    IndexDefinition {
        table_oid: table.oid,
        table: table.qualified(),
        method: method.into(),
        keys: keys.iter().map(key).collect(),
        include: vec![],
        predicate: predicate.map(str::to_owned),
        unique: false,
    }
}

/// Candidates of every access method cost in the clone what they cost when they are there. How large they would be is the size
/// model's business; here they get their real size.
#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_of_any_kind_costs_what_it_costs_when_built() {
    on_each_version(async |major| {
        let (conninfo, client) = source(major).await;
        for index in ["tags", "doc", "words", "Name_idx1", "key", "at", "period"] {
            let sql = format!(r"do $$ declare i regclass; begin for i in select indexrelid from pg_index x join pg_class c on c.oid = x.indexrelid
                where c.relname ~ '^(customers|orders)_{index}' loop execute 'drop index ' || i; end loop; end $$");
            client.batch_execute(&sql).await.unwrap();
        }
        let snapshot = snapshot(&conninfo).await;
        let mut clone = StatisticsClone::hydrate(&snapshot, &heights(&snapshot), &installation(major), None)
            .await
            .unwrap();
        let column = |name: &str| KeyOf::Column(name.into());
        let version = snapshot.server.version_num;
        for (table, method, key, predicate, text) in [
            ("customers", "btree", column("country"), None, r#"select count(*) from "Sales".customers where country = 'DE'"#),
            ("customers", "btree", KeyOf::Expression("lower(note)".into()), None, r#"select * from "Sales".customers where lower(note) = 'note 5'"#),
            ("customers", "gin", column("tags"), None, r#"select * from "Sales".customers where tags @> array['t3', 'u2']"#),
            ("customers", "gin", column("words"), None, r#"select * from "Sales".customers where words @@ to_tsquery('simple', 'w7')"#),
            ("customers", "hash", column("key"), None, r#"select * from "Sales".customers where key = '00000000-0000-0000-0000-000000000000'"#),
            ("orders", "brin", column("at"), None, r#"select * from "Sales".orders where at < '2023-01-02'"#),
            ("orders", "gist", column("period"), None, r#"select * from "Sales".orders where period @> timestamptz '2023-05-01'"#),
            ("orders", "btree", column("total"), Some("state = 'paid'"), r#"select * from "Sales".orders where state = 'paid' and total = 17"#),
            ("logs", "btree", column("line"), None, r#"select * from "Sales".logs where line = 'line 7'"#),
        ] {
            if major < 17 && text.contains("period") {
                continue;
            }
            let definition = definition(&snapshot, table, method, std::slice::from_ref(&key), predicate);
            let without = explain(&client, version, text).await;
            client.batch_execute(&format!("create index built on {} {definition}", definition.table)).await.unwrap();
            // Whoever indexes an expression analyzes it afterwards; the whole of this table is sampled.
            if matches!(key, KeyOf::Expression(_)) {
                client.batch_execute(r#"analyze "Sales".customers"#).await.unwrap();
            }
            let built = explain(&client, version, text).await;
            let size = "with recursive f as (select 'built'::regclass::oid as o union all select inhrelid from pg_inherits join f on inhparent = o)
                select sum(pg_relation_size(o) / 8192)::float8 from f";
            let size = size.replace("'built'", r#"'"Sales".built'"#);
            let pages: f64 = client.query_one(&size, &[]).await.unwrap().get(0);
            client.batch_execute(r#"drop index "Sales".built"#).await.unwrap();
            assert!(built.total_cost < without.total_cost, "{major}: {definition} serves {text}");
            let index = Hypothetical { definition, pages, tree_height: 1.0 };
            let absent = clone.cost(&explainable(text), &[]).await.unwrap();
            assert!((absent.total / without.total_cost - 1.0).abs() < 0.01, "{major}: {text} without");
            let asked = clone.cost(&explainable(text), &[&index]).await.unwrap();
            assert_eq!(asked.used, [0], "{major}: {text}: {}", asked.plan.outline());
            let ratio = asked.total / built.total_cost;
            assert!((0.95..1.05).contains(&ratio), "{major}: {text}: {} instead of {}", asked.total, built.total_cost);
        }
        clone.stop().await;
    })
    .await;
}

/// What a statement costs without an index is what it costs on the source when the index is dropped.
#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_index_is_as_good_as_dropped() {
    on_each_version(async |major| {
        let (conninfo, client) = source(major).await;
        let snapshot = snapshot(&conninfo).await;
        let mut clone =
            StatisticsClone::hydrate(&snapshot, &heights(&snapshot), &installation(major), None)
                .await
                .unwrap();
        let version = snapshot.server.version_num;
        for (index, text) in [
            (
                "orders_customer_id_at_idx",
                r#"select * from "Sales".orders where customer_id = 17 order by at desc limit 5"#,
            ),
            (
                "customers_tags_idx",
                r#"select * from "Sales".customers where tags @> array['t3']"#,
            ),
            (
                "logs_kind_idx",
                r#"select count(*) from "Sales".logs where kind = 3 and line < 'line 5'"#,
            ),
            (
                "customers_note_country_idx",
                r#"select * from "Sales".customers where note = 'note 4'"#,
            ),
        ] {
            let hidden = snapshot.indexes.iter().find(|i| i.name == index).unwrap();
            let with = clone.cost(&explainable(text), &[]).await.unwrap();
            client
                .batch_execute(&format!("begin; drop index {}", hidden.qualified()))
                .await
                .unwrap();
            let dropped = explain_within(&client, version, text).await;
            client
                .batch_execute("rollback; deallocate all")
                .await
                .unwrap();
            let without = clone
                .cost_without(&explainable(text), &[], &[hidden])
                .await
                .unwrap();
            assert!(with.total < without.total, "{major}: {index} serves {text}");
            assert_eq!(without.plan.outline(), dropped.outline(), "{major}: {text}");
            let ratio = without.total / dropped.total_cost;
            assert!(
                (0.99..1.01).contains(&ratio),
                "{major}: {text}: {} instead of {}",
                without.total,
                dropped.total_cost
            );
            // It is there again.
            let again = clone.cost(&explainable(text), &[]).await.unwrap();
            assert_eq!(again, with, "{major}: {text}");
        }
        clone.stop().await;
    })
    .await;
}

/// Expressions, and a value of each.
const EXPRESSIONS: &[(&str, &str, &str)] = &[
    ("customers", r#"lower("Name")"#, "'name 77'"),
    ("customers", r#"substr("Name", 1, 6)"#, "'Name 7'"),
    ("customers", "(doc ->> 'k'::text)", "'7'"),
    ("customers", "(born % 7)", "3"),
    ("customers", "coalesce(parent, 0)", "0"),
    (
        "orders",
        "date_trunc('day', at at time zone 'UTC')",
        "'2023-05-01'",
    ),
    (
        "orders",
        "date_trunc('month', at at time zone 'UTC')",
        "'2023-05-01'",
    ),
    ("orders", "(total % 10)", "3"),
    ("orders", r#""Sales".net(total)"#, "17"),
    ("orders", "(customer_id / 100)", "17"),
];

/// Statistics of an expression are estimated from those of its column, for candidates and for what the role may not see: within
/// a factor of two of what ANALYZE finds out.
#[tokio::test(flavor = "multi_thread")]
async fn an_expression_gets_statistics_from_its_column() {
    on_each_version(async |major| {
        let (conninfo, client) = source(major).await;
        for index in [
            r#""Sales".customers_lower_idx"#,
            r#""Sales".orders_net_idx"#,
        ] {
            client
                .batch_execute(&format!("drop index {index}"))
                .await
                .unwrap();
        }
        // A hundred bounds are so small a sample that one in some hundred of them is off by more than a factor of two.
        let larger =
            r#"alter table "Sales".orders alter total set statistics 1000; analyze "Sales".orders"#;
        client.batch_execute(larger).await.unwrap();
        let bare = snapshot(&conninfo).await;
        let mut clone =
            StatisticsClone::hydrate(&bare, &heights(&bare), &installation(major), None)
                .await
                .unwrap();
        for (number, (table, expression, _)) in EXPRESSIONS.iter().enumerate() {
            let sql = format!(r#"create index made_{number} on "Sales".{table} (({expression}))"#);
            client.batch_execute(&sql).await.unwrap();
        }
        client
            .batch_execute(r#"analyze "Sales".customers, "Sales".orders"#)
            .await
            .unwrap();
        // As a role sees it that does not own the tables.
        let mut hidden = snapshot(&conninfo).await;
        let definitions = &mut hidden.definitions;
        assert!(
            definitions.expression_stats.len() >= EXPRESSIONS.len(),
            "{major}"
        );
        definitions.expression_stats.clear();
        for index in &mut hidden.indexes {
            index.stats_hidden =
                index.definition.key_columns().count() < index.definition.keys.len();
        }
        let mut other =
            StatisticsClone::hydrate(&hidden, &heights(&hidden), &installation(major), None)
                .await
                .unwrap();
        assert_eq!(other.gaps(), [], "{major}");
        let version = bare.server.version_num;
        let mut wrong = Vec::new();
        for (table, expression, value) in EXPRESSIONS {
            let text = format!(r#"select * from "Sales".{table} where {expression} = {value}"#);
            let real = scanned_rows(&explain(&client, version, &text).await);
            let keys = [KeyOf::Expression(format!("({expression})"))];
            let definition = definition(&bare, table, "btree", &keys, None);
            let index = Hypothetical {
                definition,
                pages: 500.0,
                tree_height: 1.0,
            };
            let candidate = clone.cost(&explainable(&text), &[&index]).await.unwrap();
            let existing = other.cost(&explainable(&text), &[]).await.unwrap();
            for (how, plan) in [("candidate", candidate.plan), ("hidden", existing.plan)] {
                let factor = scanned_rows(&plan) / real;
                if !(0.5..=2.0).contains(&factor) {
                    wrong.push(format!(
                        "{how} {expression}: {} rows instead of {real}",
                        scanned_rows(&plan)
                    ));
                }
            }
        }
        assert_eq!(wrong, Vec::<String>::new(), "{major}");
        // Two columns: nobody knows which values meet.
        let keys = [KeyOf::Expression("(total + customer_id)".into())];
        let definition = definition(&bare, "orders", "btree", &keys, None);
        let index = Hypothetical {
            definition,
            pages: 500.0,
            tree_height: 1.0,
        };
        clone
            .cost(
                &explainable(r#"select * from "Sales".orders where total + customer_id = 3"#),
                &[&index],
            )
            .await
            .unwrap();
        assert_eq!(
            clone.gaps()[0].what,
            "nothing tells how often the values of expressions occur, e.g. (total + customer_id)"
        );
        clone.stop().await;
        other.stop().await;
    })
    .await;
}

/// Rows that the planner expects of the one table, whatever it does with it.
fn scanned_rows(plan: &Plan) -> f64 {
    let mut rows = 0.0;
    plan.visit(&mut |node| {
        if node.relation_name.is_some() {
            // A parallel scan counts those of one process.
            rows = if plan.node_type == "Gather" {
                plan.plan_rows
            } else {
                node.plan_rows
            };
        }
    });
    rows
}
