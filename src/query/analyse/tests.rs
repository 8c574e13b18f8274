//! `sql → shape` tables.

use std::sync::LazyLock;

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
    let index = Catalog::new(&SHOP);
    match analyse(sql, &index, &SHOP.server.search_path) {
        Ok(analysed) => analysed.shape.to_string(),
        Err(reason) => format!("{reason:?}"),
    }
}

/// Each case is a statement and, indented, the lines of its Shape.
fn check(cases: &[(&str, &str)]) {
    let mut wrong = String::new();
    for (sql, expected) in cases {
        let expected: Vec<&str> = expected
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty())
            .collect();
        let got = shape(sql);
        if got != expected.join("\n") {
            wrong += &format!(
                "\n{sql}\n--- expected\n{}\n--- got\n{got}\n",
                expected.join("\n")
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
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
