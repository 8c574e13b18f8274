//! `sql → shape` tables.

mod peers;

use std::sync::LazyLock;

use proptest::prelude::*;

use crate::model::snapshot::Snapshot;
use crate::query::analyse::analyse;
use crate::query::catalog::Catalog;
use crate::query::testing::catalog;

static SHOP: LazyLock<Snapshot> = LazyLock::new(|| {
    catalog(
        "create table users (id bigint primary key, email varchar(80), name text, active boolean, age int, created_at timestamptz, data jsonb, tags text[]); -- rows=100000
         create table orders (id bigint primary key, user_id bigint not null references users, status text, total numeric(10,2), created_at timestamptz, note text); -- rows=1000000
         create table items (order_id bigint, product_id bigint, qty int, price numeric, primary key (order_id, product_id)); -- rows=5000000
         create table products (id bigint primary key, name text, category_id int, price numeric, deleted_at timestamp); -- rows=10000
         create table categories (id int primary key, parent_id int, name text); -- rows=100
         create view active_users as select id, email as mail, created_at from users where active;
         create view big_orders as select o.user_id, sum(o.total) as total from orders o group by o.user_id;
         create view nested_users as select mail from active_users where mail is not null;",
    )
});

fn shape(sql: &str) -> String {
    shape_in(&SHOP, sql)
}

fn shape_in(snapshot: &Snapshot, sql: &str) -> String {
    let index = Catalog::new(snapshot);
    match analyse(sql, &index, &snapshot.server.search_path) {
        Ok(analysed) => analysed.shape.to_string(),
        Err(reason) => format!("{reason:?}"),
    }
}

fn check(cases: &[(&str, &str)]) {
    check_in(&SHOP, cases);
}

/// Each case is a statement and the lines of its Shape.
fn check_in(snapshot: &Snapshot, cases: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (sql, expected) in cases {
        let got = shape_in(snapshot, sql);
        if got != *expected {
            wrong.push(format!("{sql}\n--- expected\n{expected}\n--- got\n{got}\n"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_test_of_elements_that_is_no_equality_asks_for_nothing() {
    check(&[(
        "select id from users where not $1 = any(tags) and $2 like any(tags)",
        "users: ; reads id, tags",
    )]);
}

#[test]
fn the_nearest_rows() {
    let places = catalog(
        "create table places (id int primary key, spot point, lon float8, lat float8, name text); -- rows=1000
         create table users (id int primary key, home point); -- rows=1000",
    );
    let nearest = "places: ; reads id, spot\nblock 0: nearest places.spot <-> ?; limit 5";
    check_in(
        &places,
        &[
            (
                "select id from places order by spot <-> $1 limit 5",
                nearest,
            ),
            (
                "select id from places order by point(1, 2) <-> (spot), id limit 5",
                nearest,
            ),
            (
                "select id, spot <-> $1 as far from places order by far limit 5",
                nearest,
            ),
            (
                "select id, (spot <-> $1) from places order by 2 limit 5",
                nearest,
            ),
            (
                "select id from places order by point(lon, lat) <-> $1",
                "places: ; reads id, lat, lon\nblock 0: nearest point(lon, lat) <-> ?",
            ),
            (
                "select n.id from users u cross join lateral (select id from places p order by p.spot <-> u.home limit 2) n",
                "u: ; reads home\np@1: ; reads id, spot\nblock 1 lateral in 0: nearest p.spot <-> ?; limit 2",
            ),
            // pg_trgm's operators for words have a side each.
            (
                "select id from places order by $1 <<-> name limit 5",
                "places: ; reads id, name\nblock 0: nearest places.name <->> ?; limit 5",
            ),
        ],
    );
    let other = "places: ; reads id, spot\nblock 0: order …; limit 5";
    check_in(
        &places,
        &[
            (
                "select id from places order by spot <-> $1 desc limit 5",
                other,
            ),
            (
                "select id from places order by spot <-> $1 nulls first limit 5",
                other,
            ),
            (
                "select id from places order by id, spot <-> $1 limit 5",
                "places: ; reads id, spot\nblock 0: order places.id, …; limit 5",
            ),
            // Both ends change from row to row.
            (
                "select id from places order by spot <-> point(lon, lat) limit 5",
                "places: ; reads id, lat, lon, spot\nblock 0: order …; limit 5",
            ),
            // Which column is the second, nobody has counted.
            (
                "select *, spot <-> $1 from places order by 2 limit 5",
                "places: ; reads *\nblock 0: order places.spot; limit 5",
            ),
        ],
    );
}

#[test]
fn comparisons() {
    check(&[
        (
            "select id from users where id = $1",
            "users: id = ?; reads id",
        ),
        (
            "select * from users where 5 < age and (age <= 10) and age <= 10",
            "users: age > 5, age <= 10; reads *",
        ),
        (
            "select id from users where age between 1 and 10 and not (active)",
            "users: age between 1 10, active = f; reads active, age, id",
        ),
        (
            "select id from users where age in (1, 2, 3) and email is not null",
            "users: age in[3] 1 2 3, email is not null; reads age, email, id",
        ),
        (
            "select id from users where age in ($1 /*, ... */)",
            "users: age in[?] ?; reads age, id",
        ),
        (
            "select id from users where age = any($1) and id = any(array[1,2]) and name = any('{a,b}'::text[])",
            "users: age in[?] ?, id in[2] 1 2, name in[2] a b; reads age, id, name",
        ),
        (
            "select id from users where email = 'a''b' and active = true and age = -5",
            "users: email = a'b, active = t, age = -5; reads active, age, email, id",
        ),
        (
            "select id from users where created_at >= date '2024-01-01' and created_at < now() - interval '1 day'",
            "users: created_at >= 2024-01-01, created_at < ?; reads created_at, id",
        ),
        (
            "select id from users where name like 'ab%' and email like '%x' and name like $1 and email not like 'a%' and name like 'exact'",
            "users: name like-prefix ab%, email like %x, name like ?, email <> ?, name = exact; reads email, id, name",
        ),
        (
            "select id from users where name ilike 'ab%' and name ~ '^x' and starts_with(name, 'a_')",
            "users: name like ab%, name like ^x, name like-prefix a\\_%; reads id, name",
        ),
        (
            "select id from users where lower(email) = $1 and created_at::date = '2024-01-01' and data->>'k' = 'v'",
            "users: lower(email) = ?, created_at::date = 2024-01-01, data ->> 'k' = v; reads created_at, data, email, id",
        ),
        (
            "select id from users where email::text = $1 and id::text = '5' and id = 5.0",
            "users: email = ?, id::text = 5, id::numeric = 5.0; reads email, id",
        ),
        (
            "select id from users where data @> '{\"a\":1}' and tags && $1 and $2 = any(tags) and $1 <@ tags",
            "users: data @> {\"a\":1}, tags && ?, tags = ANY ?, tags @> ?; reads data, id, tags",
        ),
        (
            "select id from users where (age, id) > ($1, $2)",
            "users: age >= ?; reads age, id",
        ),
        (
            "select id from users where (age, id) = (1, 2)",
            "users: age = 1, id = 2; reads age, id",
        ),
        (
            "select id from users where (age, id) in ((1, 2), (3, 4))",
            "users: (age = 1 & id = 2 | age = 3 & id = 4); reads age, id",
        ),
        (
            "select id from users where age is distinct from 1 and id is not distinct from 2",
            "users: age <> 1, id = 2; reads age, id",
        ),
        (
            "select id from users where age = 1 or age = 2 and active",
            "users: (age = 1 | age = 2 & active = t); reads active, age, id",
        ),
        (
            "select id from users where $1 is null or age = $1",
            "users: ; reads age, id",
        ),
        (
            "select id from users where not (age = 1 or id = 2)",
            "users: age <> 1, id <> 2; reads age, id",
        ),
        (
            "select id from users where age + 1 = 5 and age = id",
            "users: age + 1 = 5; reads age, id",
        ),
        (
            "select count(*) from users where active is true and active is not false",
            "users: active = t, active <> f; reads active\nblock 0: aggregates",
        ),
        (
            "select id from users where $1 between age and id",
            "users: age <= ?, id >= ?; reads age, id",
        ),
        ("select id from users u where u.ctid = $1", "u: ; reads *"),
        (
            "select id from users where age = (select max(age) from users)",
            "users: age = ?; reads age, id\nusers@1: ; reads age\nblock 1 scalar in 0: min/max users.age",
        ),
    ]);
}

#[test]
fn joins() {
    check(&[
        (
            "select o.id from orders o join users u on u.id = o.user_id where u.email = $1",
            "o: ; reads id, user_id\nu: email = ?; reads email, id\njoin u.id = o.user_id",
        ),
        (
            "select o.id from orders o, users u where u.id = o.user_id",
            "o: ; reads id, user_id\nu: ; reads id\njoin u.id = o.user_id",
        ),
        (
            "select o.id from users u left join orders o on o.user_id = u.id and o.status = 'x' and u.active",
            "u: ; reads active, id\no: status = x; reads id, status, user_id\nleft join u.id = o.user_id",
        ),
        (
            "select o.id from orders o right join users u on o.user_id = u.id",
            "o: ; reads id, user_id\nu: ; reads id\nleft join u.id = o.user_id",
        ),
        (
            "select 1 from users u left join orders o on o.user_id = u.id where o.status = 'x'",
            "u: ; reads id\no: status = x; reads status, user_id\njoin u.id = o.user_id",
        ),
        (
            "select 1 from users u left join orders o on o.user_id = u.id where o.id is null",
            "u: ; reads id\no: ; reads id, user_id\nanti join u.id = o.user_id",
        ),
        (
            "select 1 from users u left join orders o on o.user_id = u.id where coalesce(o.status, 'x') = 'x'",
            "u: ; reads id\no: ; reads status, user_id\nleft join u.id = o.user_id",
        ),
        (
            "select 1 from users u full join orders o on o.user_id = u.id",
            "u: ; reads id\no: ; reads user_id\nfull join o.user_id = u.id",
        ),
        (
            "select 1 from orders join items on order_id = orders.id join products p using (id)",
            "orders: ; reads id\nitems: ; reads order_id\np: ; reads id\njoin items.order_id = orders.id\njoin orders.id = p.id",
        ),
        (
            "select id from categories natural join products",
            "categories: ; reads id, name\nproducts: ; reads id, name\njoin categories.id = products.id\njoin categories.name = products.name",
        ),
        (
            "select 1 from orders o join items i on i.order_id = o.id and i.qty > 5 left join products p on p.id = i.product_id",
            "o: ; reads id\ni: qty > 5; reads order_id, product_id, qty\np: ; reads id\njoin i.order_id = o.id\nleft join i.product_id = p.id",
        ),
        (
            "select 1 from users u join unnest($1::bigint[]) as x(id) on u.id = x.id",
            "u: id in[?] ?; reads id",
        ),
        (
            "select 1 from users u join (values (1), (2)) v(id) on v.id = u.id",
            "u: id in[?] ?; reads id\nblock 1 derived in 0",
        ),
        (
            "select 1 from users u join orders o on o.user_id = u.age + 1",
            "u: ; reads age\no: ; reads user_id\nleft join u.age = o.user_id",
        ),
        (
            "select 1 from orders a join orders b on b.created_at between a.created_at and a.created_at",
            "a: ; reads created_at\nb: ; reads created_at\njoin b.created_at <>= a.created_at",
        ),
        (
            "select 1 from users u, jsonb_array_elements(u.data) e where e->>'x' = u.name",
            "u: ; reads data, name",
        ),
    ]);
}

#[test]
fn subqueries() {
    check(&[
        (
            "select id from users u where exists (select 1 from orders o where o.user_id = u.id and o.status = 'x')",
            "u: ; reads id\no@1: status = x; reads status, user_id\nsemi join u.id = o.user_id\nblock 1 semi in 0",
        ),
        (
            "select id from users u where not exists (select * from orders o where o.user_id = u.id limit 1)",
            "u: ; reads id\no@1: ; reads user_id\nanti join u.id = o.user_id\nblock 1 anti in 0: limit 1",
        ),
        (
            "select id from users where id in (select user_id from orders where total > 5)",
            "users: ; reads id\norders@1: total > 5; reads total, user_id\nsemi join users.id = orders.user_id\nblock 1 semi in 0",
        ),
        (
            "select id from users where id not in (select user_id from orders)",
            "users: ; reads id\norders@1: ; reads user_id\nanti join users.id = orders.user_id\nblock 1 anti in 0",
        ),
        (
            "select id from users where id in (select max(user_id) from orders group by status)",
            "users: id in[?] ?; reads id\norders@1: ; reads status, user_id\nblock 1 semi in 0: group orders.status; aggregates",
        ),
        (
            "select id from users where id in (select user_id from orders order by id limit 5)",
            "users: ; reads id\norders@1: ; reads id, user_id\nleft join orders.user_id = users.id\nblock 1 semi in 0: order orders.id; limit 5",
        ),
        (
            "select u.id, (select count(*) from orders o where o.user_id = u.id) from users u",
            "u: ; reads id\no@1: ; reads user_id\ncorrelated u.id = o.user_id\nblock 1 scalar in 0: aggregates",
        ),
        (
            "select x.id from (select * from users where active) x where x.email = $1",
            "users@1: active = t, email = ?; reads active, email, id\nblock 1 derived in 0",
        ),
        (
            "select x.n from (select user_id, count(*) n from orders group by user_id) x where x.user_id = $1 and x.n > 5",
            "orders@1: user_id = ?; reads user_id\nblock 1 derived in 0: group orders.user_id; aggregates",
        ),
        (
            "select * from (select id, status from orders order by id limit 10) x where status = 'a'",
            "orders@1: ; reads id, status\nblock 1 derived in 0: order orders.id; limit 10",
        ),
        (
            "select u.id, l.total from users u cross join lateral (select total from orders o where o.user_id = u.id order by created_at desc limit 3) l where u.active",
            "u: active = t; reads active, id\no@1: ; reads created_at, total, user_id\ncorrelated u.id = o.user_id\nblock 1 lateral in 0: order o.created_at desc; limit 3",
        ),
        (
            "with x as (select id, email from users where active) select id from x where email = 'a'",
            "users@1: active = t, email = a; reads active, email, id\nblock 1 derived in 0",
        ),
        (
            "with x as materialized (select id, email from users) select x.id from x join orders o on o.user_id = x.id where email = 'a'",
            "users@1: ; reads email, id\no: ; reads user_id\nleft join users.id = o.user_id\nblock 1 materialized in 0",
        ),
        (
            "with x as (select id from users) select 1 from x a join x b on a.id = b.id",
            "users@1: ; reads id\nblock 1 materialized in 0",
        ),
        (
            "with recursive t as (select id, parent_id from categories where id = $1 union all select c.id, c.parent_id from categories c join t on c.parent_id = t.id) select * from t",
            "categories@2: id = ?; reads id, parent_id\nc@3: ; reads id, parent_id\nleft join categories.id = c.parent_id\nblock 1 materialized in 0\nblock 2 derived in 1\nblock 3 derived in 1",
        ),
        (
            "select mail from active_users where id = 5",
            "users@1: active = t, id = 5; reads active, email, id\nblock 1 derived in 0",
        ),
        (
            "select mail from nested_users where mail = 'x' order by mail",
            "users@2: active = t, email is not null, email = x; reads active, email\nblock 0: order users.email\nblock 1 derived in 0\nblock 2 derived in 1",
        ),
        (
            "select total from big_orders where user_id = 5",
            "o@1: user_id = 5; reads total, user_id\nblock 1 derived in 0: group o.user_id; aggregates",
        ),
        (
            "select id from users where active union all select id from orders where status = 'x' order by 1 limit 5",
            "users@1: active = t; reads active, id\norders@2: status = x; reads id, status\nblock 0: order …; limit 5\nblock 1 in 0\nblock 2 in 0",
        ),
        (
            "select x.id from (select id, name from users union all select id, name from products) x where x.name = 'a'",
            "users@2: name = a; reads id, name\nproducts@3: name = a; reads id, name\nblock 1 derived in 0\nblock 2 derived in 1\nblock 3 derived in 1",
        ),
        (
            "select id from users u where age = 1 or exists (select 1 from orders o where o.user_id = u.id)",
            "u: ; reads age, id\no@1: ; reads user_id\ncorrelated u.id = o.user_id\nblock 1 semi in 0",
        ),
        (
            "select id from users where id = (select user_id from orders where orders.id = users.age)",
            "users: ; reads age, id\norders@1: ; reads id, user_id\ncorrelated users.age = orders.id\nblock 1 scalar in 0",
        ),
    ]);
}

#[test]
fn outputs_orders_and_groups() {
    check(&[
        (
            "select id, name n from users order by 2 desc, id nulls first limit 10 offset 20",
            "users: ; reads id, name\nblock 0: order users.name desc, users.id nulls first; limit 30",
        ),
        (
            "select id, lower(name) as n from users order by n, id",
            "users: ; reads id, name\nblock 0: order …",
        ),
        (
            "select * from users order by 1 desc fetch first $1 rows only",
            "users: ; reads *\nblock 0: order users.id desc; limit ?",
        ),
        (
            "select user_id, status, count(*) from orders group by 1, status having user_id > 5 and count(*) > 1",
            "orders: ; reads status, user_id\nblock 0: group orders.user_id, orders.status; aggregates",
        ),
        (
            "select user_id, count(*) from orders group by user_id having user_id > 5 order by count(*) desc",
            "orders: user_id > 5; reads user_id\nblock 0: order …; group orders.user_id; aggregates",
        ),
        (
            "select date_trunc('day', created_at) d, count(*) from orders group by d",
            "orders: ; reads created_at\nblock 0: group …; aggregates",
        ),
        (
            "select distinct status from orders",
            "orders: ; reads status\nblock 0: distinct orders.status",
        ),
        (
            "select distinct on (user_id) * from orders order by user_id, created_at desc",
            "orders: ; reads *\nblock 0: order orders.user_id, orders.created_at desc; distinct orders.user_id",
        ),
        (
            "select max(created_at), min(created_at) from orders where user_id = 1",
            "orders: user_id = 1; reads created_at, user_id\nblock 0: min/max orders.created_at",
        ),
        (
            "select id, row_number() over (partition by user_id order by created_at) from orders",
            "orders: ; reads created_at, id, user_id\nblock 0: aggregates",
        ),
        (
            "select id from orders where status = 'x' for update skip locked limit 5",
            "orders: status = x; reads *\nblock 0: limit 5",
        ),
        (
            "select count(*) from users u",
            "u: ; reads -\nblock 0: aggregates",
        ),
        ("select u from users u", "u: ; reads *"),
        (
            "select count(u) over () , u.* from users u",
            "u: ; reads *\nblock 0: aggregates",
        ),
    ]);
}

#[test]
fn writes() {
    check(&[
        (
            "update orders set status = 'x', total = total + 1 where user_id = $1 returning id",
            "orders: user_id = ?; reads *\nwrites status, total",
        ),
        (
            "update orders o set total = i.price from items i where i.order_id = o.id and i.qty > 1",
            "o: ; reads *\ni: qty > 1; reads order_id, price, qty\njoin i.order_id = o.id\nwrites total",
        ),
        (
            "delete from orders using users u where u.id = user_id and not u.active",
            "orders: ; reads *\nu: active = f; reads active, id\njoin u.id = orders.user_id",
        ),
        (
            "insert into orders (id, user_id) select id, id from users where active",
            "users: active = t; reads active, id",
        ),
        (
            "insert into orders values (1, 2) on conflict (id) do update set total = excluded.total where orders.total > 1",
            "OnlyWrites",
        ),
        (
            "insert into items (order_id, product_id) values ($1, (select id from products where name = $2))",
            "products@1: name = ?; reads id, name\nblock 1 scalar in 0",
        ),
        (
            "merge into orders o using items i on o.id = i.order_id when matched then update set total = i.price when not matched then insert (id) values (i.order_id)",
            "o: ; reads *\ni: ; reads order_id, price\nleft join i.order_id = o.id\nwrites total",
        ),
        (
            "with d as (delete from items where order_id = $1 returning product_id) select p.id from products p join d on d.product_id = p.id",
            "items@1: order_id = ?; reads *\np: ; reads id\nleft join items.product_id = p.id\nblock 1 materialized in 0",
        ),
    ]);
}

#[test]
fn reasons() {
    check(&[
        ("select 1", "NoTables"),
        ("select f(\"x\" := (select 1))", "NoTables"),
        ("select * from pg_class", "NoTables"),
        ("select * from information_schema.tables", "NoTables"),
        ("begin", "Utility"),
        ("explain select * from users", "Utility"),
        ("", "Utility"),
        ("select * from nope", "UnknownTable(\"nope\")"),
        (
            "select * from x.\"No pe\"",
            "UnknownTable(\"x.\\\"No pe\\\"\")",
        ),
        (
            "select bad from users",
            "Unparsed(\"column bad not found\")",
        ),
        (
            "select u.bad from users u",
            "Unparsed(\"column u.bad not found\")",
        ),
        (
            "select x.id from users u",
            "Unparsed(\"table or alias x not found in FROM\")",
        ),
        ("insert into users (id) values (1)", "OnlyWrites"),
        (
            "select +",
            "Unparsed(\"Expected: an expression, found: EOF\")",
        ),
        (
            "select 'a",
            "Unparsed(\"string does not end near \\\"'a\\\"\")",
        ),
        (
            "select id from users where id = )",
            "Unparsed(\"Expected: an expression, found: ) near \\\")\\\"\")",
        ),
        (
            "select 1; select 2",
            "Unparsed(\"more than one statement\")",
        ),
    ]);
}

/// Adversarial nesting must end in a reason, not in an overflow: test threads have 2 MB of stack.
#[test]
fn deep_and_long_statements_are_safe() {
    let deep = |open: &str, close: &str, n: usize| {
        format!(
            "select id from users where id = {}1{}",
            open.repeat(n),
            close.repeat(n)
        )
    };
    let chain =
        |link: &str, n: usize| format!("select id from users where id = 1{}", link.repeat(n));
    for n in [10, 50, 100, 150, 190, 300, 1_900, 3_000, 50_000] {
        for sql in [
            deep("(", ")", n),
            deep("(select ", ")", n),
            deep("abs(", ")", n),
            deep("case when true then ", " end", n),
            deep("- ", "", n),
            deep("array[", "]", n),
            format!("select id from users where {} active", "not ".repeat(n)),
            format!("{}select id from users{}", "(".repeat(n), ")".repeat(n)),
            format!("select id from {}users{}", "(".repeat(n), ")".repeat(n)),
            format!(
                "select 1 from {} users {}",
                "(select * from ".repeat(n),
                ") x".repeat(n)
            ),
            chain(" + 1", n),
            chain("::int", n),
            chain(" is null", n),
            chain(" or id = 2", n),
            chain(" and age = 2", n),
            chain(" union all select id from orders", n),
            chain(" at time zone 'utc'", n),
            chain(" collate \"C\"", n),
            chain(" || id", n),
            chain(" between 1 and 2", n),
            chain("[1]", n),
            chain(" in (1)", n),
            chain(" join users u on true", n),
            chain(", 1", n),
        ] {
            let _ = shape(&sql);
        }
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = shape(&text);
    }

    #[test]
    fn no_soup_of_tokens_panics(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "select", "from", "where", "users", "orders", "u", "id", "age", "(", ")", ",", "*", "=", "<", "and", "or", "not",
                "in", "exists", "join", "left", "on", "using", "group", "by", "order", "limit", "1", "'a'", "$1", "with", "as",
                "union", "all", "values", "insert", "into", "update", "set", "delete", "returning", "::", "text", ".", "is",
                "null", "between", "like", "lateral", "only", "distinct", "having", "over", "count", "max", "active_users",
                "case", "when", "then", "end", "any", "array", "[", "]", "/*, ... */", "for", "merge", "matched", "recursive",
            ]),
            0..40,
        )
    ) {
        let _ = shape(&parts.join(" "));
    }

    /// Whole clauses in random company: these parse far more often than soup.
    #[test]
    fn no_mix_of_clauses_panics(
        with in prop::sample::select(vec!["", "with c as (select * from orders)", "with recursive c as (select id from orders union all select c.id from c)", "with c as materialized (select max(id) id, user_id from orders group by 2)", "with c(id, user_id) as (values (1, 2))"]),
        outputs in prop::sample::select(vec!["*", "u.*", "count(*)", "u.id, max(o.id) over (partition by u.id) m", "distinct on (u.id) u.*", "distinct u.id", "(select max(id) from items where order_id = o.id)", "u, o", "1"]),
        first in prop::sample::select(vec!["users u", "active_users u", "(select id, id as user_id, name from users) u", "(users u)", "lateral (select 1 as id) u", "unnest($1) u(id)"]),
        join in prop::sample::select(vec!["join", "left join", "right join", "full join", "cross join", "natural left join"]),
        second in prop::sample::select(vec!["orders o", "c o", "big_orders o", "(select * from orders union select * from orders) o", "lateral (select * from orders where user_id = u.id limit 1) o"]),
        filter in prop::sample::select(vec!["", "where u.id = o.user_id", "where o.user_id in (select id from users x where x.id = u.id)", "where exists (select 1 from items i where i.order_id = o.id and u.id = 1)", "where (u.id, o.user_id) in ((1, 2))", "where u.id = 1 or o.user_id = 2 and not (u.id is null)", "where o.user_id is null"]),
        end in prop::sample::select(vec!["", "group by u.id", "group by 1 having count(*) > 1 and u.id > 2", "order by 1, u.id desc limit 5", "union all select 1 order by 1", "limit 5 offset $1"]),
    ) {
        let on = if join.starts_with("cross") || join.starts_with("natural") { "" } else { "on u.id = o.user_id" };
        let _ = shape(&format!("{with} select {outputs} from {first} {join} {second} {on} {filter} {end}"));
    }
}
