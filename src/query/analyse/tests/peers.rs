//! The statements of the peers' test suites (dexter, pghero), and texts as ORMs write them.

use std::sync::LazyLock;

use crate::model::snapshot::Snapshot;
use crate::query::analyse::tests::check_in;
use crate::query::testing::catalog;

static DEXTER: LazyLock<Snapshot> = LazyLock::new(|| {
    catalog(
        "create table posts (id int, blog_id int, user_id int, json json, jsonb jsonb, point point, indexed int); -- rows=100000
         create index on posts (indexed);
         create table blogs (id int primary key); -- rows=1000
         create table events (blog_id int) partition by hash (blog_id);
         create table events_0 partition of events for values with (modulus 3, remainder 0);
         create table \"Bar\".\"Foo\" (\"Id\" int); -- rows=100000
         create view posts_view as select id as view_id from posts;
         create materialized view posts_mat as select id from posts;
         create foreign table remote (id int) server s;",
    )
});

static PGHERO: LazyLock<Snapshot> = LazyLock::new(|| {
    catalog(
        "create table users (id int primary key, city_id int, email text, login_attempts int, zip_code text, active boolean, created_at timestamp, range int4range, country text, tree text); -- rows=5000",
    )
});

static SHOP: LazyLock<Snapshot> = LazyLock::new(|| {
    catalog(
        "create table users (id bigint primary key, email varchar, active boolean, created_at timestamp); -- rows=1000
         create table orders (id bigint primary key, user_id bigint references users, status varchar, deleted_at timestamp, created_at timestamp); -- rows=1000
         create table app_order (id bigint primary key, user_id bigint, status varchar); -- rows=1000
         create table \"User\" (id text primary key, \"createdAt\" timestamp, \"orgId\" text); -- rows=1000",
    )
});

#[test]
fn dexter() {
    let check = |cases: &[(&str, &str)]| check_in(&DEXTER, cases);
    check(&[
        ("SELECT * FROM posts WHERE id = 1", "posts: id = 1; reads *"),
        (
            "SELECT id, blog_id FROM posts",
            "posts: ; reads blog_id, id",
        ),
        ("SELECT * FROM posts", "posts: ; reads *"),
        (
            "SELECT * FROM posts WHERE user_id = 1 AND blog_id = 2",
            "posts: user_id = 1, blog_id = 2; reads *",
        ),
        (
            "SELECT * FROM posts WHERE user_id = 1 AND blog_id < 10",
            "posts: user_id = 1, blog_id < 10; reads *",
        ),
        (
            "SELECT * FROM posts WHERE user_id = 1 ORDER BY blog_id LIMIT 1000",
            "posts: user_id = 1; reads *\nblock 0: order posts.blog_id; limit 1000",
        ),
        (
            "SELECT * FROM posts INNER JOIN blogs ON blogs.id = posts.blog_id WHERE blogs.id = 1",
            "posts: ; reads *\nblogs: id = 1; reads *\njoin blogs.id = posts.blog_id",
        ),
        (
            "UPDATE posts SET user_id = 2 WHERE user_id = 1",
            "posts: user_id = 1; reads *\nwrites user_id",
        ),
        (
            "DELETE FROM posts WHERE user_id = 1",
            "posts: user_id = 1; reads *",
        ),
        (
            "SELECT * FROM posts_view WHERE view_id = 1",
            "posts@1: id = 1; reads id\nblock 1 derived in 0",
        ),
        (
            "SELECT * FROM posts_mat WHERE id = 1",
            "posts_mat: id = 1; reads *",
        ),
        ("SELECT * FROM missing", "UnknownTable(\"missing\")"),
        ("SELECT * FROM remote WHERE id = 1", "ForeignTable"),
        ("SELECT * FROM information_schema.tables", "NoTables"),
        ("SELECT * FROM pg_catalog.pg_index", "NoTables"),
        ("SELECT * FROM pg_index", "NoTables"),
        ("SELECT 1", "NoTables"),
        (
            "SELECT +",
            "Unparsed(\"Expected: an expression, found: EOF\")",
        ),
        (
            "SELECT bad FROM posts",
            "Unparsed(\"column bad not found\")",
        ),
        (
            "SELECT * FROM events WHERE blog_id = 1",
            "events: blog_id = 1; reads *",
        ),
        (
            "SELECT * FROM events_0 WHERE blog_id = 1",
            "events_0: blog_id = 1; reads *",
        ),
    ]);
}

#[test]
fn dexter_ctes_and_orders() {
    let check = |cases: &[(&str, &str)]| check_in(&DEXTER, cases);
    check(&[
        (
            "WITH cte AS (SELECT * FROM posts WHERE id = 1) SELECT * FROM cte",
            "posts@1: id = 1; reads blog_id, id, indexed, json, jsonb, point, user_id\nblock 1 derived in 0",
        ),
        (
            "WITH cte AS (SELECT * FROM posts) SELECT * FROM cte WHERE id = 1",
            "posts@1: id = 1; reads blog_id, id, indexed, json, jsonb, point, user_id\nblock 1 derived in 0",
        ),
        (
            "WITH cte AS MATERIALIZED (SELECT * FROM posts) SELECT * FROM cte WHERE id = 1",
            "posts@1: ; reads blog_id, id, indexed, json, jsonb, point, user_id\nblock 1 materialized in 0",
        ),
        (
            "WITH cte AS NOT MATERIALIZED (SELECT id FROM posts) SELECT * FROM cte WHERE id = 1",
            "posts@1: id = 1; reads id\nblock 1 derived in 0",
        ),
        (
            "SELECT * FROM posts ORDER BY user_id DESC LIMIT 10",
            "posts: ; reads *\nblock 0: order posts.user_id desc; limit 10",
        ),
        (
            "SELECT user_id FROM posts ORDER BY 1 LIMIT 10",
            "posts: ; reads user_id\nblock 0: order posts.user_id; limit 10",
        ),
        (
            "SELECT user_id AS u FROM posts ORDER BY u LIMIT 10",
            "posts: ; reads user_id\nblock 0: order posts.user_id; limit 10",
        ),
        (
            "SELECT * FROM posts ORDER BY user_id, blog_id LIMIT 10",
            "posts: ; reads *\nblock 0: order posts.user_id, posts.blog_id; limit 10",
        ),
        (
            "SELECT * FROM posts ORDER BY user_id DESC, blog_id LIMIT 10",
            "posts: ; reads *\nblock 0: order posts.user_id desc, posts.blog_id; limit 10",
        ),
        (
            "SELECT * FROM posts ORDER BY 1 DESC LIMIT 10",
            "posts: ; reads *\nblock 0: order posts.id desc; limit 10",
        ),
        (
            "SELECT * FROM \"Bar\".\"Foo\" WHERE \"Id\" = 10000",
            "Foo: Id = 10000; reads *",
        ),
        (
            "SELECT * FROM posts WHERE id = $1",
            "posts: id = ?; reads *",
        ),
        (
            "SELECT * FROM posts WHERE indexed = 1",
            "posts: indexed = 1; reads *",
        ),
    ]);
}

#[test]
fn pghero() {
    let check = |cases: &[(&str, &str)]| check_in(&PGHERO, cases);
    check(&[
        (
            "SELECT * FROM users WHERE city_id = 1",
            "users: city_id = 1; reads *",
        ),
        (
            "SELECT * FROM users WHERE city_id = 1 AND email = 'x'",
            "users: city_id = 1, email = x; reads *",
        ),
        (
            "SELECT * FROM users ORDER BY login_attempts DESC, created_at LIMIT 10",
            "users: ; reads *\nblock 0: order users.login_attempts desc, users.created_at; limit 10",
        ),
        (
            "SELECT * FROM users WHERE email = 'x' ORDER BY created_at LIMIT 10",
            "users: email = x; reads *\nblock 0: order users.created_at; limit 10",
        ),
        (
            "SELECT * FROM users WHERE city_id IN (1, 2)",
            "users: city_id in[2] 1 2; reads *",
        ),
        (
            "SELECT * FROM users WHERE email LIKE $1",
            "users: email like ?; reads *",
        ),
        (
            "SELECT * FROM users WHERE city_id = $1 AND email LIKE $2",
            "users: city_id = ?, email like ?; reads *",
        ),
        (
            "SELECT * FROM users WHERE city_id != $1 AND login_attempts = 2",
            "users: city_id <> ?, login_attempts = 2; reads *",
        ),
        (
            "SELECT * FROM users WHERE city_id > $1 AND login_attempts > $2",
            "users: city_id > ?, login_attempts > ?; reads *",
        ),
        (
            "SELECT * FROM users WHERE zip_code IS NULL",
            "users: zip_code is null; reads *",
        ),
        (
            "SELECT * FROM users WHERE zip_code IS NOT NULL AND login_attempts = $1",
            "users: zip_code is not null, login_attempts = ?; reads *",
        ),
        (
            "SELECT * FROM users WHERE range @> $1 AND country <@ $2",
            "users: range @> ?, country <@ ?; reads *",
        ),
        (
            "INSERT INTO users (login_attempts) VALUES (1)",
            "OnlyWrites",
        ),
        ("SET x = 1", "Utility"),
    ]);
}

#[test]
fn texts_of_orms() {
    let check = |cases: &[(&str, &str)]| check_in(&SHOP, cases);
    check(&[
        // ActiveRecord
        (
            "SELECT \"orders\".\"id\" AS t0_r0, \"users\".\"id\" AS t1_r0 FROM \"orders\" LEFT OUTER JOIN \"users\" ON \"users\".\"id\" = \"orders\".\"user_id\" WHERE \"orders\".\"deleted_at\" IS NULL AND \"orders\".\"status\" IN ($1, $2) ORDER BY \"orders\".\"created_at\" DESC LIMIT $3 /*application:Shop,controller:orders*/",
            "orders: deleted_at is null, status in[2] ?; reads created_at, deleted_at, id, status, user_id\nusers: ; reads id\nleft join orders.user_id = users.id\nblock 0: order orders.created_at desc; limit ?",
        ),
        (
            "SELECT 1 AS one FROM \"users\" WHERE \"users\".\"email\" = $1 AND \"users\".\"id\" != $2 LIMIT $3",
            "users: email = ?, id <> ?; reads email, id\nblock 0: limit ?",
        ),
        (
            "SELECT COUNT(*) FROM (SELECT 1 AS one FROM \"orders\" WHERE \"orders\".\"user_id\" = $1 LIMIT $2 OFFSET $3) subquery_for_count",
            "orders@1: user_id = ?; reads user_id\nblock 0: aggregates\nblock 1 derived in 0: limit ?",
        ),
        // Django
        (
            "SELECT \"app_order\".\"id\", COUNT(\"users\".\"id\") AS \"n\" FROM \"app_order\" INNER JOIN \"users\" ON (\"app_order\".\"user_id\" = \"users\".\"id\") WHERE (\"users\".\"active\" AND NOT (\"app_order\".\"status\" = $1) AND UPPER(\"users\".\"email\"::text) LIKE UPPER($2)) GROUP BY \"app_order\".\"id\" ORDER BY \"n\" DESC LIMIT 21",
            "app_order: status <> ?; reads id, status, user_id\nusers: active = t, upper(email) like ?; reads active, email, id\njoin app_order.user_id = users.id\nblock 0: order …; group app_order.id; aggregates; limit 21",
        ),
        (
            "SELECT \"app_order\".\"id\" FROM \"app_order\" WHERE NOT (EXISTS(SELECT 1 AS \"a\" FROM \"users\" U1 WHERE (U1.\"active\" AND U1.\"id\" = (\"app_order\".\"user_id\")) LIMIT 1))",
            "app_order: ; reads id, user_id\nu1@1: active = t; reads active, id\nanti join app_order.user_id = u1.id\nblock 1 anti in 0: limit 1",
        ),
        // Hibernate
        (
            "select o1_0.id,o1_0.status,u1_0.id from orders o1_0 join users u1_0 on u1_0.id=o1_0.user_id where u1_0.email=$1 order by o1_0.created_at desc offset $2 rows fetch first $3 rows only",
            "o1_0: ; reads created_at, id, status, user_id\nu1_0: email = ?; reads email, id\njoin u1_0.id = o1_0.user_id\nblock 0: order o1_0.created_at desc; limit ?",
        ),
        // Prisma
        (
            "SELECT \"public\".\"User\".\"id\", \"public\".\"User\".\"createdAt\" FROM \"public\".\"User\" WHERE (\"public\".\"User\".\"orgId\" = $1 AND 1=1) ORDER BY \"public\".\"User\".\"createdAt\" ASC LIMIT $2 OFFSET $3",
            "User: orgId = ?; reads createdAt, id, orgId\nblock 0: order User.createdAt; limit ?",
        ),
        // SQLAlchemy
        (
            "SELECT anon_1.orders_id AS anon_1_orders_id FROM (SELECT orders.id AS orders_id, orders.user_id AS orders_user_id FROM orders WHERE orders.status = $1 LIMIT $2) AS anon_1 JOIN users AS users_1 ON users_1.id = anon_1.orders_user_id",
            "orders@1: status = ?; reads id, status, user_id\nusers_1: ; reads id\nleft join orders.user_id = users_1.id\nblock 1 derived in 0: limit ?",
        ),
        // A queue, a keyset page, an upsert's lookup
        (
            "UPDATE orders SET status = $1 WHERE id = (SELECT id FROM orders WHERE status = $2 ORDER BY created_at FOR UPDATE SKIP LOCKED LIMIT $3) RETURNING *",
            "orders: id = ?; reads *\norders@1: status = ?; reads created_at, id, status\nblock 1 scalar in 0: order orders.created_at; limit ?\nwrites status",
        ),
        (
            "SELECT * FROM orders WHERE (created_at, id) < ($1, $2) AND user_id = $3 ORDER BY created_at DESC, id DESC LIMIT $4",
            "orders: created_at <= ?, user_id = ?; reads *\nblock 0: order orders.created_at desc, orders.id desc; limit ?",
        ),
    ]);
}
