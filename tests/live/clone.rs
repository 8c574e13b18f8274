//! A statistics clone plans as its source does, and leaves nothing behind.

mod candidates;
mod program;

use pgperf::advisor::size::heights;
use pgperf::model::plan::Plan;
use pgperf::pg::clone::StatisticsClone;
use pgperf::pg::explain::Explainable;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::support::{client, database, installation, on_each_version, snapshot, vacuum_analyze};

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
