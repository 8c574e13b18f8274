-- expect: offset-pagination
-- rewrite: SELECT id, total FROM orders WHERE status = $1 AND (created_at, id) < ($3, $4) ORDER BY created_at DESC, id DESC LIMIT $2
select id, total from orders where status = $1 order by created_at desc limit $2 offset $3;

-- expect: offset-pagination
-- rewrite: SELECT id, total FROM orders WHERE status = 'open' AND (created_at, id) < ($1, $2) ORDER BY created_at DESC, id DESC LIMIT 20
select id, total from orders where status = 'open' order by created_at desc, id desc limit 20 offset 4000;

-- expect: offset-pagination
-- rows: 20
-- rewrite: SELECT "orders".* FROM "orders" WHERE "orders"."customer_id" = $1 AND ("orders"."created_at", orders.id) < ($3, $4) ORDER BY "orders"."created_at" DESC, orders.id DESC LIMIT $2
SELECT "orders".* FROM "orders" WHERE "orders"."customer_id" = $1 ORDER BY "orders"."created_at" DESC LIMIT $2 OFFSET $3;

-- expect: offset-pagination
select id from orders order by created_at offset 500 rows fetch next 50 rows only;

-- expect: offset-pagination
select id from orders union all select order_id from archived order by 1 limit 50 offset $1;

-- expect: offset-pagination, limit-without-order
-- rows: 50
select id, name from customers where country = $1 limit $2 offset $3;

-- expect: offset-pagination
-- catalog: none
-- rewrite: SELECT id FROM events WHERE id > $1 ORDER BY id LIMIT 100
select id from events order by id limit 100 offset 100000;

-- expect: nothing
select total from orders order by total desc limit 1 offset 1;

-- expect: nothing
select id from orders order by created_at limit 10 offset 0;

-- expect: nothing
select id from orders order by created_at limit 10 offset 20;

-- the value in the middle
-- expect: nothing
-- rows: 1
select total from orders order by total limit $1 offset $2;

-- one random row
-- expect: nothing
select id from orders order by id limit 1 offset floor(random() * 100);

-- all but the newest ones: nothing is paged
-- expect: nothing
delete from jobs where id in (select id from jobs where owner_id = $1 order by run_at desc offset $2);

-- a fence for the planner
-- expect: nothing
select * from (select id, note from orders where customer_id = $1 offset 0) x where x.note is not null;

-- a list of 250 rows
-- expect: nothing
select code, name from countries order by name limit $1 offset $2;

-- expect: nothing
select count(*) from orders where status = $1 limit $2 offset $3;

-- expect: nothing
select id, total from orders where (created_at, id) < ($1, $2) order by created_at desc, id desc limit $3;

-- expect: limit-without-order
-- rows: 100
select id, total from orders where status = $1 limit $2;

-- expect: limit-without-order
select id, name from customers where country = 'NL' limit 50;

-- expect: nothing
-- rows: 0.9
select id, total from orders where status = $1 limit $2;

-- expect: nothing
-- rows: 0.5
SELECT 1 AS one FROM "orders" WHERE "orders"."reference" = $1 LIMIT $2;

-- expect: nothing
select id from orders where status = 'open' limit 1;

-- Django's get()
-- expect: nothing
SELECT "customers"."id", "customers"."email" FROM "customers" WHERE "customers"."email" = 'a@b.c' LIMIT 21;

-- expect: nothing
select id, total from orders where reference = $1 limit 10;

-- a batch of work
-- expect: nothing
-- rows: 100
select id from jobs where state = $1 and owner_id = $2 limit $3 for update skip locked;

-- expect: nothing
-- rows: 10
select id from orders where status = $1 order by created_at limit $2;

-- expect: nothing
-- rows: 1
select max(total) from orders limit $1;

-- expect: nothing
-- rows: 5
select * from (select id, total from orders order by total desc) x limit $1;

-- expect: order-by-random
select id, name from products order by random() limit 5;

-- expect: order-by-random
-- rows: 3
SELECT "products"."id" FROM "products" ORDER BY RANDOM() LIMIT $1;

-- expect: order-by-random
select p.id from products p where p.price > $1 order by gen_random_uuid() limit $2;

-- expect: nothing
select code from countries order by random() limit 3;

-- expect: nothing
select id from products tablesample system (1) order by random() limit 3;

-- expect: nothing
select line from items where order_id = $1 order by random() limit 1;

-- expect: nothing
select name from (select id, name from products order by id limit 20) x order by random() limit 3;

-- everything in another order, as asked
-- expect: nothing
select id from products order by random();

-- directions that differ are spelled out
-- expect: offset-pagination
-- rewrite: SELECT id, total FROM orders WHERE (status = 'open' OR coupon_id = 5) AND total <= $1 AND (total < $1 OR (total = $1 AND id > $2)) ORDER BY total DESC, id LIMIT 20
select id, total from orders where status = 'open' or coupon_id = 5 order by total desc, id limit 20 offset 200;

-- a key that may be NULL
-- expect: offset-pagination
-- rewrite: none
select id from orders order by shipped_at desc limit $1 offset $2;

-- expect: offset-pagination
-- rewrite: none
select status, count(*) from orders group by status order by status limit $1 offset $2;

-- expect: offset-pagination
-- severity: low
-- share: 0.6
-- rows: 20
with recent as (select id from orders where created_at > $1) select o.id from orders o join recent r on r.id = o.id order by o.id limit $2 offset $3;
