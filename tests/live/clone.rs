//! A statistics clone plans as its source does, and leaves nothing behind.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pgperf::advisor::size::heights;
use pgperf::model::index::{IndexDefinition, IndexKey, KeyOf};
use pgperf::model::plan::Plan;
use pgperf::model::snapshot::Snapshot;
use pgperf::model::whatif::Hypothetical;
use pgperf::pg::clone::StatisticsClone;
use pgperf::pg::explain::Explainable;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::binary::pgperf;
use super::local::Parent;
use super::support::{
    client, database, installation, on_each_version, server, snapshot, vacuum_analyze,
};

/// One of everything that a schema can have.
const SCHEMA: &str = r#"
create schema "Sales"; create extension pg_trgm; create extension btree_gist;
create type "Sales".state as enum ('new', 'paid', 'sent');
create domain "Sales".year as int check (value > 1900);
create type "Sales".span as range (subtype = float8);
create type "Sales".place as (street text, nr int);
create function "Sales".net(numeric) returns numeric language sql immutable parallel safe as 'select $1 / 1.2';
create function "Sales".later(timestamptz) returns timestamptz language plpgsql stable as 'begin return $1 + interval ''1 day''; end';
create aggregate "Sales".all_of(text) (sfunc = textcat, stype = text, initcond = '');
create function "Sales".same(text, text) returns bool language sql immutable as 'select lower($1) = lower($2)';
create operator "Sales".=== (function = "Sales".same, leftarg = text, rightarg = text, commutator = operator("Sales".===), restrict = eqsel, join = eqjoinsel);
create collation "Sales"."any case" (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
create table "Sales".customers (id int primary key, "Name" text not null, email varchar(80) unique, country char(2), tags text[], born "Sales".year,
    home "Sales".place, doc jsonb, words tsvector, seen inet, key uuid, note text collate "C", parent int references "Sales".customers,
    login text collate "Sales"."any case" unique, number int unique deferrable);
create table "Sales".orders (id bigint generated always as identity primary key, customer_id int not null references "Sales".customers, state "Sales".state not null,
    total numeric(12,2) not null, gross numeric generated always as (total * 1.2) stored, at timestamptz not null, period tstzrange, length "Sales".span, active bool)
    with (fillfactor = 80);
create table "Sales".logs (at timestamptz not null, kind int not null, line text, primary key (at, kind)) partition by range (at);
create table "Sales".logs_1 partition of "Sales".logs for values from ('2024-01-01') to ('2024-07-01');
create table "Sales".logs_2 partition of "Sales".logs for values from ('2024-07-01') to ('2025-01-01');
create table "Sales".logs_0 partition of "Sales".logs default;
create index on "Sales".logs (kind);
create table "Sales".base (id int, a int); create table "Sales".derived (b int) inherits ("Sales".base);
insert into "Sales".customers select n, 'Name ' || n % 9000, 'c' || n || '@example.org', (array['DE', 'FR', 'US'])[1 + (n * n) % 3], array['t' || n % 50, 'u' || n % 7],
    1950 + n % 60, row('street ' || n, n)::"Sales".place, jsonb_build_object('k', n % 100, 'v', 'x' || n), to_tsvector('simple', 'w' || n % 300 || ' v' || n % 11),
    ('10.0.' || n % 256 || '.1')::inet, md5(n::text)::uuid, 'note ' || n % 1000, nullif(n / 10, 0),
    'Login ' || n, n from generate_series(1, 20000) n;
insert into "Sales".orders (customer_id, state, total, at, period, length, active)
    select 1 + n * 7 % 20000, (array['new', 'paid', 'paid', 'sent', 'sent', 'sent'])[1 + n % 6]::"Sales".state, n % 10000, timestamptz '2023-01-01' + n * interval '3 minutes',
    tstzrange(timestamptz '2023-01-01' + n * interval '3 minutes', timestamptz '2023-01-01' + n * interval '4 minutes'), "Sales".span(n % 100, n % 100 + 5), n % 500 = 0
    from generate_series(1, 200000) n;
insert into "Sales".logs select timestamptz '2023-12-01' + n * interval '6 minutes', n % 40, 'line ' || n from generate_series(1, 100000) n;
insert into "Sales".base select n, n % 10 from generate_series(1, 10000) n; insert into "Sales".derived select n, n % 10, n from generate_series(1, 30000) n;
create index on "Sales".customers using gin (tags); create index on "Sales".customers using gin (doc jsonb_path_ops); create index on "Sales".customers using gin (words);
create index on "Sales".customers using gin ("Name" gin_trgm_ops); create index on "Sales".customers (lower("Name")); create index on "Sales".customers ("Name" text_pattern_ops);
create index on "Sales".customers using hash (key); create index on "Sales".customers (note) include (country);
create index on "Sales".orders (customer_id, at desc); create index on "Sales".orders (total) where state = 'new'; create index on "Sales".orders using brin (at) with (pages_per_range = 32);
create index on "Sales".orders using gist (period); create index on "Sales".orders ("Sales".net(total)); create index on "Sales".orders (customer_id) where active;
alter table "Sales".orders add constraint fair check (total >= 0);
create statistics "Sales".combined (mcv) on state, active from "Sales".orders;
create statistics "Sales".together (dependencies, ndistinct) on country, born from "Sales".customers;
create view "Sales".open_orders as select o.*, c."Name" from "Sales".orders o join "Sales".customers c on c.id = o.customer_id where o.state = 'new';
create view "Sales".totals as select "Name", sum(total) as total from "Sales".open_orders group by 1;
create materialized view "Sales".daily as select date_trunc('day', at) as day, sum(total) as total from "Sales".orders group by 1; create unique index on "Sales".daily (day);
"#;

/// Statements whose plans need one of those each. Their constants do not lie at an end of a histogram: there the source looks
/// for the true end in an index, and the clone's are empty.
const STATEMENTS: &[&str] = &[
    r#"select * from "Sales".customers where id = 5"#,
    r#"select * from "Sales".customers where email = 'c7@example.org'"#,
    r#"select * from "Sales".customers where country = 'DE' and "Name" like 'Name 77%'"#,
    r#"select * from "Sales".customers where lower("Name") = 'name 5'"#,
    r#"select * from "Sales".customers where "Name" ilike '%ame 123%'"#,
    r#"select * from "Sales".customers where tags @> array['t3']"#,
    r#"select * from "Sales".customers where doc @> '{"k": 7}'"#,
    r#"select * from "Sales".customers where words @@ to_tsquery('simple', 'w7 & v3')"#,
    r#"select * from "Sales".customers where key = '00000000-0000-0000-0000-000000000000'"#,
    r#"select * from "Sales".customers where born > 2000 and seen < '10.0.3.0'"#,
    r#"select note, country from "Sales".customers where note between 'note 4' and 'note 44'"#,
    r#"select * from "Sales".customers where login = 'LOGIN 77'"#,
    r#"select * from "Sales".customers where "Name" operator("Sales".===) 'NAME 77'"#,
    r#"select o.id from "Sales".orders o left join "Sales".customers c on c.number = o.customer_id"#,
    r#"select o.id from "Sales".orders o left join "Sales".customers c on c.id = o.customer_id"#,
    r#"select country, born, count(*) from "Sales".customers group by 1, 2"#,
    r#"select * from "Sales".orders where customer_id = 17 order by at desc limit 5"#,
    r#"select * from "Sales".orders where customer_id = $1 and at > $2"#,
    r#"select * from "Sales".orders where state = 'new' and total = 70"#,
    r#"select * from "Sales".orders where at between '2023-05-01' and '2023-05-02'"#,
    r#"select * from "Sales".orders where period && tstzrange('2023-05-01', '2023-05-01 01:00Z')"#,
    r#"select * from "Sales".orders where length << "Sales".span(3, 4)"#,
    r#"select * from "Sales".orders where "Sales".net(total) = 17"#,
    r#"select * from "Sales".orders where active and customer_id < 1000"#,
    r#"select * from "Sales".orders where state = 'sent' and active"#,
    r#"select * from "Sales".orders where state = 'new' and not active"#,
    r#"select gross from "Sales".orders where gross > 11000 and total < 0"#,
    r#"select * from "Sales".orders where at > "Sales".later('2024-01-20')"#,
    r#"select * from "Sales".logs where at >= '2024-08-01' and at < '2024-08-02'"#,
    r#"select count(*) from "Sales".logs where kind = 3"#,
    r#"select line from "Sales".logs where at = $1 and kind = $2"#,
    r#"select * from "Sales".base where id = 77"#,
    r#"select * from "Sales".open_orders where total = 70"#,
    r#"select * from "Sales".totals order by total desc limit 3"#,
    r#"select * from "Sales".daily where day = '2023-05-01'"#,
    r#"select c."Name", count(*) from "Sales".customers c join "Sales".orders o on o.customer_id = c.id where c.country = 'FR' group by c.id"#,
    r#"select "Sales".all_of("Name") from "Sales".customers where id < 100"#,
    r#"update "Sales".orders set state = 'sent' where id = 7"#,
];

fn explainable(text: &str) -> Explainable<'_> {
    let parameters = text.matches('$').count();
    Explainable {
        text,
        parameters,
        search_path: &[],
    }
}

async fn explain(client: &Client, version: u32, text: &str) -> Plan {
    client.batch_execute("begin").await.unwrap();
    let plan = explain_within(client, version, text).await;
    client
        .batch_execute("rollback; deallocate all")
        .await
        .unwrap();
    plan
}

/// The plan in the transaction that is open.
async fn explain_within(client: &Client, version: u32, text: &str) -> Plan {
    let statement = explainable(text);
    let sql = format!(
        "{}{}",
        statement.settings(version),
        statement.explain(version)
    );
    let mut lines = String::new();
    for message in client.simple_query(&sql).await.unwrap() {
        if let SimpleQueryMessage::Row(row) = message {
            lines.push_str(row.get(0).unwrap_or_default());
            lines.push('\n');
        }
    }
    Plan::from_explain_json(&lines).unwrap()
}

async fn source(major: u32) -> (String, Client) {
    let conninfo = database(major).await;
    let client = client(&conninfo).await;
    client.batch_execute(SCHEMA).await.unwrap();
    vacuum_analyze(&client).await;
    (conninfo, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_and_costs_are_those_of_the_source() {
    on_each_version(async |major| {
        let (conninfo, client) = source(major).await;
        let snapshot = snapshot(&conninfo).await;
        let mut clone =
            StatisticsClone::hydrate(&snapshot, &heights(&snapshot), &installation(major), None)
                .await
                .unwrap();
        assert_eq!(clone.gaps(), [], "{major}");
        for text in STATEMENTS {
            // pg_stats shows what is known of ranges only from 17 on.
            if major < 17 && (text.contains("period") || text.contains("span(")) {
                continue;
            }
            let real = explain(&client, snapshot.server.version_num, text).await;
            let cost = clone.cost(&explainable(text), &[]).await.unwrap();
            assert_eq!(cost.plan.outline(), real.outline(), "{major}: {text}");
            let (rows, expected) = (cost.plan.plan_rows, real.plan_rows);
            assert!(
                (rows - expected).abs() <= 0.01 * expected,
                "{major}: {text}: {rows} rows instead of {expected}"
            );
            let ratio = cost.total / real.total_cost;
            assert!(
                (0.99..=1.01).contains(&ratio),
                "{major}: {text}: {} instead of {}",
                cost.total,
                real.total_cost
            );
        }
        clone.stop().await;
    })
    .await;
}

/// An extension or a locale that this machine lacks costs the columns that need it, not their tables.
#[tokio::test(flavor = "multi_thread")]
async fn what_this_machine_does_not_know_leaves_the_rest() {
    let conninfo = database(15).await;
    let session = client(&conninfo).await;
    let table = "create table places (id int primary key, name text collate \"C\", spot bytea, kind int);
        insert into places select n, 'n' || n, '\\x00', n % 700 from generate_series(1, 50000) n; create index on places (kind); analyze places";
    session.batch_execute(table).await.unwrap();
    let mut snapshot = snapshot(&conninfo).await;
    let places = snapshot
        .tables
        .iter_mut()
        .find(|t| t.name == "places")
        .unwrap();
    for column in &mut places.columns {
        match column.name.as_str() {
            "name" => column.collation = Some("en_XX.utf8".into()),
            "spot" => column.type_name = "public.geometry(Point,4326)".into(),
            _ => {}
        }
    }
    let mut clone =
        StatisticsClone::hydrate(&snapshot, &heights(&snapshot), &installation(15), None)
            .await
            .unwrap();
    let said: Vec<String> = clone.gaps().iter().map(|g| g.what.clone()).collect();
    assert_eq!(
        said,
        [
            "the clone has no type public.geometry(Point,4326): this machine's PostgreSQL does not know it",
            "the clone has no collation en_XX.utf8: this machine does not know it",
        ]
    );
    let text = "select name from places where kind = 3";
    let real = explain(&session, snapshot.server.version_num, text).await;
    let cost = clone.cost(&explainable(text), &[]).await.unwrap();
    assert_eq!(cost.plan.outline(), real.outline());
    assert!((cost.total / real.total_cost - 1.0).abs() < 0.01);
    clone
        .cost(&explainable("select st_x(spot) from places"), &[])
        .await
        .unwrap_err();
    clone.stop().await;
}

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

/// The second clone of a file is the first one's copy; without it, or with something else in its place, it is made anew.
#[tokio::test(flavor = "multi_thread")]
async fn the_clone_of_a_file_is_kept() {
    let conninfo = database(15).await;
    let session = client(&conninfo).await;
    let table = "create table kept (id int primary key, kind int); insert into kept select n, n % 700 from generate_series(1, 50000) n;
        create index on kept (kind); analyze kept; create view broken as select kind from kept";
    session.batch_execute(table).await.unwrap();
    let mut snapshot = snapshot(&conninfo).await;
    let view = snapshot
        .tables
        .iter_mut()
        .find(|t| t.name == "broken")
        .unwrap();
    view.view_definition = Some("select no_such_column from kept".into());
    let parent = Parent::new("pgperf-cache");
    let cache = parent.path.join("cache");
    let entries = || {
        std::fs::read_dir(&cache)
            .unwrap()
            .map(|e| e.unwrap().path())
            .collect::<Vec<_>>()
    };

    let hydrated = async |snapshot: &Snapshot| {
        let mut clone = StatisticsClone::hydrate(
            snapshot,
            &heights(snapshot),
            &installation(15),
            Some(&cache),
        )
        .await
        .unwrap();
        let inside = client(&clone.conninfo()).await;
        let row = inside
            .query_one("select system_identifier from pg_control_system()", &[])
            .await
            .unwrap();
        let identifier: i64 = row.get(0);
        let cost = clone
            .cost(&explainable("select * from kept where kind = 3"), &[])
            .await
            .unwrap();
        let gaps = clone.gaps().to_vec();
        drop(inside);
        clone.stop().await;
        (identifier, cost, gaps)
    };
    let first = hydrated(&snapshot).await;
    assert_eq!(first.2.len(), 1);
    assert!(first.1.total < 500.0);
    assert_eq!(entries().len(), 1);
    let second = hydrated(&snapshot).await;
    assert_eq!(second, first);

    // Nothing but the owner may look: it holds values of columns.
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o077;
    assert_eq!((mode(&cache), mode(&entries()[0])), (0, 0));

    // What is damaged is made again, and what is another snapshot's is not taken.
    std::fs::remove_file(entries()[0].join("data/global/pg_control")).unwrap();
    let third = hydrated(&snapshot).await;
    assert_ne!(third.0, first.0);
    assert_eq!(third.1, first.1);
    assert_eq!(hydrated(&snapshot).await.0, third.0);
    snapshot
        .tables
        .iter_mut()
        .find(|t| t.name == "kept")
        .unwrap()
        .reltuples *= 10.0;
    let fourth = hydrated(&snapshot).await;
    assert_ne!(fourth.0, third.0);
    assert_ne!(fourth.1, first.1);
    assert_eq!(entries().len(), 2);
}

/// Our statements on this database.
const OURS: &str = "select distinct left(regexp_replace(query, '\\s+', ' ', 'g'), 200) from pg_stat_statements s join pg_database d on d.oid = s.dbid \
        where d.datname = current_database() and query like '%/* pgperf */%' and query not like '%SET pg_stat_statements.track%' order by 1";

#[tokio::test(flavor = "multi_thread")]
async fn the_target_sees_only_the_collection() {
    let major = super::support::hypopg_major();
    let conninfo = database(major).await;
    let session = client(&conninfo).await;
    session
        .batch_execute("create extension pg_stat_statements; create table t as select n as a, n % 1000 as b, 'x' as c from generate_series(1, 200000) n; analyze t; select pg_stat_statements_reset(0, (select oid from pg_database where datname = current_database()), 0); select c from t where b = 5")
        .await
        .unwrap();
    let seen = |sql: &'static str| {
        let session = &session;
        async move {
            let rows = session.query(sql, &[]).await.unwrap();
            rows.iter()
                .map(|r| r.get::<_, String>(0))
                .collect::<Vec<_>>()
        }
    };
    let file = std::env::temp_dir().join(format!("pgperf-seen-{}", std::process::id()));
    let run = pgperf(&["snapshot", &conninfo, "-o", &file.to_string_lossy()], "");
    assert_eq!(run.code, Some(0), "{run:?}");
    std::fs::remove_file(&file).unwrap();
    let collection = seen(OURS).await;
    assert!(collection.len() > 10, "{collection:?}");
    session
        .batch_execute("select pg_stat_statements_reset(0, (select oid from pg_database where datname = current_database()), 0); select c from t where b = 5")
        .await
        .unwrap();
    let run = pgperf(
        &[
            "advise",
            &conninfo,
            "--planner",
            "clone",
            "--format",
            "json",
        ],
        "",
    );
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.json()["planner"]["source"], "clone");
    assert_eq!(run.created(), ["public.t (b)"]);
    assert_eq!(seen(OURS).await, collection);
    // Where a server of the same major version is installed, nobody has to ask for it.
    let run = pgperf(&["advise", &conninfo, "--format", "json"], "");
    assert_eq!(run.json()["planner"]["source"], "clone");
}

/// Planning runs functions that call themselves immutable; a snapshot may come from anybody.
#[tokio::test(flavor = "multi_thread")]
async fn functions_of_a_snapshot_can_do_nothing_here() {
    let major = super::support::hypopg_major();
    let conninfo = database(major).await;
    let session = client(&conninfo).await;
    let mark = std::env::temp_dir().join(format!("pgperf-evil-{}", std::process::id()));
    let setup = format!(
        "create table t as select n as a from generate_series(1, 100000) n; analyze t;
         create function evil() returns int language plpgsql immutable as $$ begin
            begin reset session authorization; reset role; exception when others then null; end;
            perform lo_export(lo_from_bytea(0, 'x'), '{}'); return 1; end $$",
        mark.display()
    );
    session.batch_execute(&setup).await.unwrap();
    let run = pgperf(
        &[
            "advise",
            &conninfo,
            "--planner",
            "clone",
            "--queries",
            "-",
            "--format",
            "json",
        ],
        "select * from t where a = evil(); select * from t where a = 5; select trim(both from 'x') from t where a = evil();",
    );
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(!mark.exists(), "the function was run with privileges");
    let gaps = run.json()["gaps"].to_string();
    assert!(gaps.contains("permission denied"), "{gaps}");
    // The last one is planned without having been read.
    let skipped = run.json()["coverage"]["skipped"].to_string();
    assert!(
        skipped.contains("and not planned: permission denied"),
        "{skipped}"
    );
    assert_eq!(run.created(), ["public.t (a)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_runs_in_the_clone_and_nothing_is_left() {
    let parent = Parent::new("clone");
    let conninfo = database(super::support::hypopg_major()).await;
    client(&conninfo)
        .await
        .batch_execute("create table t (a int primary key)")
        .await
        .unwrap();
    let run = |args: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_pgperf"))
            .args(args)
            .env("PGPERF_TMPDIR", &parent.path)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    let both = std::thread::scope(|scope| {
        let start = || {
            scope.spawn(|| {
                run(&[
                    "clone",
                    &conninfo,
                    "--",
                    "sh",
                    "-c",
                    "test -S $PGHOST/.s.PGSQL.$PGPORT && echo $PGUSER $PGDATABASE",
                ])
            })
        };
        let (a, b) = (start(), start());
        [a.join().unwrap(), b.join().unwrap()]
    });
    for output in both {
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "pgperf_clone clone\n",
            "{output:?}"
        );
        assert_eq!(output.status.code(), Some(0));
    }
    assert_eq!(
        run(&["clone", &conninfo, "--", "false"]).status.code(),
        Some(5)
    );
    let absent = run(&["clone", &conninfo, "--", "/no/such/program"]);
    assert_eq!(absent.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&absent.stderr).contains("cannot run /no/such/program"));
    assert_eq!(parent.entries(), [""; 0]);
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// kill -9 while the cluster is made, while the server starts, and when everything is ready.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_clone_takes_its_server_along() {
    let conninfo = database(super::support::hypopg_major()).await;
    let setup = "do $$ begin for i in 1..300 loop execute 'create table t' || i || ' (a int primary key, b text)'; end loop; end $$";
    client(&conninfo).await.batch_execute(setup).await.unwrap();
    for moment in ["data/PG_VERSION", "data/postmaster.pid", "ready"] {
        let parent = Parent::new("killed-clone");
        let mut child = Command::new(env!("CARGO_BIN_EXE_pgperf"))
            .args(["clone", &conninfo])
            .env("PGPERF_TMPDIR", &parent.path)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        if moment == "ready" {
            assert!(
                output.any(|line| line.unwrap().contains("psql \"")),
                "it is ready"
            );
        } else {
            wait_until(moment, || {
                let entries = parent.entries();
                entries
                    .iter()
                    .any(|e| parent.path.join(e).join(moment).exists())
            });
        }
        assert_eq!(parent.entries().len(), 1, "{moment}");
        child.kill().unwrap();
        child.wait().unwrap();
        wait_until(moment, || parent.entries().is_empty());
    }
}

/// A file may not grow beyond 4 MB: the server's log of changes does not fit.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_one_clear_line() {
    let parent = Parent::new("full");
    let conninfo = server(super::support::hypopg_major())
        .await
        .conninfo("postgres");
    let command = format!(
        "ulimit -f 8192; exec {} clone \"$0\"",
        env!("CARGO_BIN_EXE_pgperf")
    );
    let output = Command::new("sh")
        .args(["-c", &command, &conninfo])
        .env("PGPERF_TMPDIR", &parent.path)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(
        said.starts_with("pgperf: cannot start PostgreSQL"),
        "{said}"
    );
    assert_eq!(parent.entries(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_to_run_it_says_so_in_one_line() {
    let conninfo = server(super::support::hypopg_major())
        .await
        .conninfo("postgres");
    let output = Command::new(env!("CARGO_BIN_EXE_pgperf"))
        .args(["clone", &conninfo])
        .env("PGPERF_PG_BIN", "/none")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.lines().count(), 2, "{said}");
    assert!(
        said.contains("none was found") && said.contains("PGPERF_PG_BIN"),
        "{said}"
    );
}
