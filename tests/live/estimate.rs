//! The arithmetic planner and the size model against real servers: the same statements, with and without the same indexes.

use pgperf::advisor::estimate::Question;
use pgperf::advisor::size::hypothetical;
use pgperf::model::index::{IndexDefinition, IndexKey};
use pgperf::model::plan::Plan;
use pgperf::model::snapshot::Snapshot;
use pgperf::model::whatif::Hypothetical;
use pgperf::query::analyse::analyse;
use pgperf::query::catalog::Catalog;
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::live::support::{self, snapshot};

/// `orders(status, created_at desc) include (total) where …`
fn index(text: &str, snapshot: &Snapshot) -> Hypothetical {
    let (table, rest) = text.split_once('(').unwrap();
    let (keys, rest) = rest.split_once(')').unwrap();
    let include = rest
        .trim()
        .strip_prefix("include (")
        .and_then(|r| r.split_once(')'));
    let predicate = rest.split_once(" where ").map(|(_, p)| p.trim().to_owned());
    let table = snapshot.tables.iter().find(|t| t.name == table).unwrap();
    let key = |text: &str| {
        let mut words = text.split_whitespace();
        let mut key = IndexKey::column(words.next().unwrap());
        for word in words {
            match word {
                "desc" => (key.descending, key.nulls_first) = (true, true),
                opclass => key.opclass = Some(opclass.to_owned()),
            }
        }
        key
    };
    let definition = IndexDefinition {
        table_oid: table.oid,
        table: table.qualified(),
        method: "btree".into(),
        keys: keys.split(',').map(key).collect(),
        include: include
            .map(|(c, _)| c.split(", ").map(Into::into).collect())
            .unwrap_or_default(),
        predicate,
        unique: false,
    };
    hypothetical(&definition, table)
}

async fn rows(client: &Client, sql: &str) -> Vec<Vec<String>> {
    let messages = client.simple_query(sql).await.unwrap();
    let row = |message: SimpleQueryMessage| match message {
        SimpleQueryMessage::Row(row) => Some(
            (0..row.len())
                .map(|i| row.get(i).unwrap_or_default().to_owned())
                .collect(),
        ),
        _ => None,
    };
    messages.into_iter().filter_map(row).collect()
}

const KINDS: &str = "
create extension pageinspect;
create table s (i int, u bigint, tl text, th text, tw varchar(80), n numeric, n2 numeric(10,2), ts timestamptz, d date, uu uuid,
  a int, b int, nul int, nult text, bp char(10), bo bool, f float8, sk int);
select setseed(0.42);
insert into s select g % 1000, g, 'status' || g % 7, md5(g::text), 'user' || (random() * 1e6)::int || '@example.com',
  (random() * 1e6)::numeric(12,4), (g % 2000)::numeric / 100, timestamptz '2024-01-01' + g * interval '1 second',
  date '2020-01-01' + g % 1500, md5(g::text)::uuid, (random() * 1000)::int, (random() * 100)::int,
  case when g % 3 > 0 then (random() * 20000)::int end, case when g % 10 = 0 then 'x' || g end, 'c' || g % 300, g % 2 = 0, random(),
  (power(random(), 3) * 10000)::int
from generate_series(1, 100000) g;
vacuum analyze s;";

/// Index shapes: each type, with many and few distinct values, several columns, NULLs, INCLUDE, a predicate.
const SHAPES: &[&str] = &[
    "s(i)",
    "s(u)",
    "s(tl)",
    "s(th)",
    "s(tw)",
    "s(n)",
    "s(n2)",
    "s(ts)",
    "s(d)",
    "s(uu)",
    "s(a,b)",
    "s(nul)",
    "s(nult)",
    "s(bp)",
    "s(bo)",
    "s(f)",
    "s(sk)",
    "s(tl,ts)",
    "s(a,tw)",
    "s(bo,i,nul)",
    "s(a) include (b)",
    "s(th desc)",
    "s(i) where tl = 'status3'",
    "s(u) where nul is null",
    "s(u) where u < 300",
];

/// Pages within a fifth, and the exact height, of what CREATE INDEX makes of every shape.
#[tokio::test(flavor = "multi_thread")]
async fn sizes_are_those_of_built_indexes() {
    let conninfo = support::database(15).await;
    let client = support::client(&conninfo).await;
    client
        .batch_execute("set client_min_messages = warning")
        .await
        .unwrap();
    for statement in KINDS.split_inclusive(";\n").chain(["vacuum analyze s"]) {
        client.batch_execute(statement).await.unwrap();
    }
    let snapshot = snapshot(&conninfo).await;
    let mut wrong = Vec::new();
    for shape in SHAPES {
        let index = index(shape, &snapshot);
        let ddl = format!("create index built on s {}", index.definition);
        client.batch_execute(&ddl).await.unwrap();
        let real = rows(
            &client,
            "select pg_relation_size('built') / 8192, level from bt_metap('built')",
        )
        .await;
        client.batch_execute("drop index built").await.unwrap();
        let (pages, height): (f64, f64) =
            (real[0][0].parse().unwrap(), real[0][1].parse().unwrap());
        if !(0.8..=1.2).contains(&(index.pages / pages)) || (index.tree_height - height).abs() > 0.1
        {
            wrong.push(format!(
                "{shape}: {} pages for {pages}, height {} for {height}",
                index.pages, index.tree_height
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A table with something for each access method: words as in a text (their frequencies follow Zipf's law), documents, ranges.
const MANY_KINDS: &str = r"
create extension pg_trgm; create extension btree_gin;
create function zipf(n int) returns int language sql volatile as 'select least(n, floor(exp(random() * ln(n + 1.0)))::int)';
create function word(i int) returns text language sql immutable as $$
  select string_agg(substr('bcdfghklmnprstvz', 1 + (i / (16 ^ k)::int) % 16, 1) || substr('aeiou', 1 + (i / (5 ^ k)::int) % 5, 1), '') from generate_series(0, 1 + i % 3) k $$;
select setseed(0.7);
create table m as select g as id, array(select 't' || zipf(80) from generate_series(1, 1 + g % 4)) as tags, array(select zipf(3000) from generate_series(1, 5 + 0 * g)) as topics,
  array(select (random() * 1e6)::int from generate_series(1, 3 + 0 * g)) as friends, jsonb_build_object('k', g % 100, 'v', 'x' || g) as doc,
  jsonb_build_object('color', (array['red', 'green', 'blue'])[1 + g % 3], 'price', (random() * 1000)::int, 'brand', word(zipf(500)),
    'attributes', jsonb_build_array(word(zipf(2000)), word(zipf(2000)))) as product,
  to_tsvector('simple', (select string_agg(word(zipf(20000)), ' ') from generate_series(1, 15 + 0 * g))) as words,
  word(zipf(20000)) || ' ' || word((random() * 20000)::int) as name, 'user' || g || '@example' || g % 20 || '.com' as email,
  tsrange('2023-01-01'::timestamp + g * interval '3 min', '2023-01-01'::timestamp + g * interval '3 min' + random() * interval '2 days') as during, int4range(g % 700, g % 700 + 10) as span,
  point(random() * 1000, random() * 1000) as spot, md5(g::text)::uuid as key, g % 500 as grp, '2023-01-01'::timestamptz + g * interval '3 min' as at
from generate_series(1, 100000) g;
analyze m;";

const METHODS: &[(&str, &str, &str)] = &[
    ("gin", "tags", ""),
    ("gin", "topics", ""),
    ("gin", "friends", ""),
    ("gin", "doc", ""),
    ("gin", "doc", "jsonb_path_ops"),
    ("gin", "product", ""),
    ("gin", "product", "jsonb_path_ops"),
    ("gin", "words", ""),
    ("gin", "name", "gin_trgm_ops"),
    ("gin", "email", "gin_trgm_ops"),
    ("gin", "grp", ""),
    ("gist", "during", ""),
    ("gist", "span", ""),
    ("gist", "spot", ""),
    ("gist", "words", ""),
    ("gist", "name", "gist_trgm_ops"),
    ("spgist", "spot", ""),
    ("hash", "key", ""),
    ("hash", "grp", ""),
    ("hash", "name", ""),
    ("brin", "at", ""),
    ("brin", "id", ""),
];

/// The other access methods: what their pages hold hangs on values that statistics only sample, so within a factor of 1.6.
#[tokio::test(flavor = "multi_thread")]
async fn sizes_of_other_access_methods_are_near_those_built() {
    let conninfo = support::database(15).await;
    let client = support::client(&conninfo).await;
    client.batch_execute(MANY_KINDS).await.unwrap();
    let snapshot = snapshot(&conninfo).await;
    let table = snapshot.tables.iter().find(|t| t.name == "m").unwrap();
    let mut wrong = Vec::new();
    for (method, column, opclass) in METHODS {
        let mut key = IndexKey::column(*column);
        key.opclass = (!opclass.is_empty()).then(|| (*opclass).to_owned());
        let definition = IndexDefinition {
            table_oid: table.oid,
            table: table.qualified(),
            method: (*method).to_owned(),
            keys: vec![key],
            include: vec![],
            predicate: None,
            unique: false,
        };
        let ddl = format!("create index built on m {definition}");
        client.batch_execute(&ddl).await.unwrap();
        let real = rows(&client, "select pg_relation_size('built') / 8192").await;
        client.batch_execute("drop index built").await.unwrap();
        let real: f64 = real[0][0].parse().unwrap();
        let expected = hypothetical(&definition, table).pages;
        if !(1.0 / 1.6..=1.6).contains(&(expected / real)) {
            wrong.push(format!("{definition}: {expected} pages for {real}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

const SHOP: &str = "
create table categories (id int primary key, name text not null);
create table customers (id int primary key, email text not null, country char(2) not null, city text, created_at timestamptz not null,
  deleted_at timestamptz, vip boolean not null);
create table products (id int primary key, category_id int not null references categories, sku text not null, price numeric(10,2) not null);
create table orders (id bigint primary key, customer_id int not null references customers, status text not null,
  total numeric(12,2) not null, created_at timestamptz not null, updated_at timestamptz, note text);
create table order_items (order_id bigint not null references orders, line int not null, product_id int not null references products,
  quantity int not null, primary key (order_id, line));
create table events (id bigint primary key, kind text not null, customer_id int, session uuid not null, at timestamptz not null);
select setseed(0.1);
insert into categories select g, 'Category ' || g from generate_series(1, 200) g;
insert into customers select g, 'user' || g || '@example' || g % 50 || '.com', (array['DE','US','FR','GB','AT','CH'])[1 + floor(6 * power(random(), 2))::int],
  'City' || (random() * 200)::int, timestamptz '2020-01-01' + random() * interval '1500 days',
  case when random() < 0.02 then timestamptz '2024-01-01' end, random() < 0.05 from generate_series(1, 10000) g;
insert into products select g, 1 + g * 7 % 200, 'SKU-' || lpad(g::text, 6, '0'), (random() * 500)::numeric(10,2) from generate_series(1, 4000) g;
insert into orders select g, 1 + floor(10000 * power(random(), 1.5))::int,
  (array['paid','paid','paid','paid','paid','paid','paid','shipped','shipped','open','cancelled','new'])[1 + floor(12 * random())::int],
  (random() * 1000)::numeric(12,2), timestamptz '2022-01-01' + g * interval '15 minutes' + random() * interval '1 hour', null,
  case when random() < 0.1 then md5(g::text) end from generate_series(1, 60000) g;
insert into order_items select 1 + (g - 1) / 3, 1 + (g - 1) % 3, 1 + floor(4000 * power(random(), 2))::int, 1 + (random() * 5)::int from generate_series(1, 180000) g;
insert into events select g, case when random() < 0.95 then 'view' when random() < 0.9 then 'click' else 'buy' end,
  case when random() < 0.5 then 1 + (random() * 9999)::int end, md5(g::text)::uuid, timestamptz '2024-01-01' + g * interval '10 seconds'
  from generate_series(1, 100000) g;";

const INDEXES: &[&str] = &[
    "orders(customer_id)",
    "orders(status)",
    "orders(created_at)",
    "orders(status,created_at desc)",
    "orders(total)",
    "order_items(product_id)",
    "customers(email text_pattern_ops)",
    "customers(country,city)",
    "customers(deleted_at)",
    "customers(created_at)",
    "products(category_id)",
    "products(sku)",
    "products(price)",
    "events(kind,at)",
    "events(customer_id)",
    "events(session)",
    "orders(total) where status = 'open'",
];

const STATEMENTS: &[&str] = &[
    "select * from orders where customer_id = 42",
    "select * from orders where customer_id = $1",
    "select * from orders where customer_id = 42 and status = 'open'",
    "select * from orders where status = 'cancelled'",
    "select * from orders where status in ('open', 'new')",
    "select * from orders where status = 'paid'",
    "select * from orders where status = $1 order by created_at desc limit 20",
    "select * from orders where created_at >= '2022-08-01' and created_at < '2022-08-08'",
    "select * from orders where created_at between $1 and $2",
    "select count(*) from orders where created_at > '2023-01-01'",
    "select * from orders order by created_at desc limit 20",
    "select * from orders where customer_id = 42 order by created_at desc limit 10",
    "select * from orders where status = 'open' and total > 990 order by created_at desc limit 10",
    "select * from orders where total > 995",
    "select max(created_at) from orders",
    "select status, count(*) from orders group by status",
    "select customer_id, sum(total) from orders where created_at > '2023-09-01' group by customer_id",
    "select distinct status from orders",
    "select * from orders where customer_id = 42 or total > 999",
    "select * from orders where customer_id in ($1, $2, $3)",
    "select * from customers where email = 'user77@example27.com'",
    "select * from customers where email like 'user77%'",
    "select * from customers where country = 'DE' and city = 'City77'",
    "select * from customers where deleted_at is not null",
    "select * from customers where deleted_at is null order by created_at desc limit 50",
    "select * from customers where lower(email) = 'x'",
    "select * from products where price between 100 and 105",
    "select * from products where sku like 'SKU-0001%'",
    "select * from order_items where product_id = 3900",
    "select * from order_items where order_id = 5",
    "select * from events where kind = 'buy' and at > '2024-01-10'",
    "select * from events where kind = 'view' order by at desc limit 100",
    "select * from events where session = '80000000-0000-0000-0000-000000000000'",
    "select count(*) from events where customer_id is null",
    "select o.* from orders o join customers c on c.id = o.customer_id where c.email = 'user77@example27.com'",
    "select * from orders o join customers c on c.id = o.customer_id where o.created_at > '2023-09-01'",
    "select * from orders o join order_items i on i.order_id = o.id where o.customer_id = 42",
    "select i.* from order_items i join products p on p.id = i.product_id where p.sku = 'SKU-000077'",
    "select * from customers c join orders o on o.customer_id = c.id join order_items i on i.order_id = o.id join products p on p.id = i.product_id where c.email = 'user77@example27.com'",
    "select p.category_id, sum(i.quantity) from order_items i join products p on p.id = i.product_id group by p.category_id",
    "select * from customers c left join orders o on o.customer_id = c.id where c.country = 'CH' and c.city = 'City77'",
    "select * from orders o join customers c on c.id = o.customer_id order by o.created_at desc limit 20",
    "select * from customers c where exists (select 1 from orders o where o.customer_id = c.id and o.status = 'new') and c.country = 'AT'",
    "select * from customers c where not exists (select 1 from orders o where o.customer_id = c.id)",
    "select * from orders where customer_id in (select id from customers where email like 'user777%')",
    "select c.*, (select max(o.created_at) from orders o where o.customer_id = c.id) from customers c where c.email = 'user77@example27.com'",
    "select * from customers c join (select customer_id, count(*) n from orders group by customer_id) x on x.customer_id = c.id where c.country = 'CH'",
    "select * from orders where status = 'open' and total > 700",
    "update orders set status = 'x' where customer_id = 42",
    "delete from events where kind = 'buy'",
];

/// Costs within a quarter for nearly all, and the same indexes in more than nine of ten, on every version.
#[tokio::test(flavor = "multi_thread")]
async fn costs_and_choices_are_the_planners() {
    support::on_each_version(compare).await;
}

async fn compare(major: u32) {
    let conninfo = support::database(major).await;
    let client = support::client(&conninfo).await;
    client.batch_execute(SHOP).await.unwrap();
    support::vacuum_analyze(&client).await;
    client
        .batch_execute("set jit = off; set max_parallel_workers_per_gather = 0; set plan_cache_mode = force_generic_plan")
        .await
        .unwrap();
    let snapshot = snapshot(&conninfo).await;
    let indexes: Vec<Hypothetical> = INDEXES.iter().map(|i| index(i, &snapshot)).collect();
    let offered: Vec<&Hypothetical> = indexes.iter().collect();
    let before = explained(&client).await;
    for (number, index) in indexes.iter().enumerate() {
        let ddl = format!(
            "create index i{number} on {} {}",
            index.definition.table, index.definition
        );
        client.batch_execute(&ddl).await.unwrap();
    }
    let after = explained(&client).await;
    let (mut ratios, mut odd, mut same) = (Vec::new(), Vec::new(), 0);
    for ((sql, before), after) in STATEMENTS.iter().zip(&before).zip(&after) {
        let analysed = analyse(sql, &Catalog::new(&snapshot), &["public".into()]).unwrap();
        let question = Question::new(&analysed.shape, analysed.kind, 10.0, &snapshot);
        for (real, offered) in [(before, &offered[..0]), (after, &offered[..])] {
            let guess = question.cost(offered);
            let ratio = guess.total / real.total_cost;
            ratios.push(ratio);
            let mut used: Vec<String> = guess.used.iter().map(|u| format!("i{u}")).collect();
            used.sort();
            let mut really = Vec::new();
            real.visit(&mut |p| {
                really.extend(p.index_name.iter().filter(|n| n.starts_with('i')).cloned());
            });
            really.sort();
            really.dedup();
            // Plans that cost the same are equally right.
            if used == really || (ratio - 1.0).abs() < 0.01 {
                same += 1;
            }
            if used != really || !(0.8..=1.25).contains(&ratio) {
                odd.push(format!(
                    "{ratio:.2} {sql}\n  {:.1} {}\n  {:.1} {}",
                    real.total_cost,
                    real.outline(),
                    guess.total,
                    guess.plan.outline()
                ));
            }
        }
    }
    let close = ratios.iter().filter(|r| (0.8..=1.25).contains(*r)).count();
    ratios.sort_by(f64::total_cmp);
    let median = ratios[ratios.len() / 2];
    let all = ratios.len();
    let report = odd.join("\n");
    assert!(
        (0.95..=1.05).contains(&median),
        "{major}: median {median}\n{report}"
    );
    assert!(
        close * 20 >= all * 19,
        "{major}: {close} of {all} within a quarter\n{report}"
    );
    assert!(
        same * 20 >= all * 19,
        "{major}: {same} of {all} with the same indexes\n{report}"
    );
}

/// The plan of every statement; a generic one where there are parameters.
async fn explained(client: &Client) -> Vec<Plan> {
    let mut plans = Vec::new();
    for sql in STATEMENTS {
        let parameters = sql.matches('$').count();
        let explain = if parameters == 0 {
            format!("explain (format json) {sql}")
        } else {
            client
                .batch_execute(&format!("prepare p as {sql}"))
                .await
                .unwrap();
            let nulls = vec!["null"; parameters].join(", ");
            format!("explain (format json) execute p({nulls})")
        };
        let text: Vec<String> = rows(client, &explain).await.into_iter().flatten().collect();
        if parameters > 0 {
            client.batch_execute("deallocate p").await.unwrap();
        }
        plans.push(Plan::from_explain_json(&text.join("\n")).unwrap());
    }
    plans
}
