-- expect: function-on-column
-- share: 0.6
-- severity: high
-- rewrite: SELECT id FROM orders WHERE created_at >= $1::date AND created_at < $1::date + 1
select id from orders where date(created_at) = $1;

-- expect: function-on-column
-- rewrite: SELECT count(*) FROM orders WHERE created_at >= '2026-03-01'::date AND created_at < '2026-03-01'::date + 1
select count(*) from orders where created_at::date = '2026-03-01';

-- expect: function-on-column
-- rewrite: SELECT count(*) FROM orders o WHERE o.created_at >= $1::date AND o.total > 10
select count(*) from orders o where cast(o.created_at as date) >= $1 and o.total > 10;

-- expect: function-on-column
-- rewrite: SELECT sum(total) FROM orders WHERE created_at >= $1::timestamptz AND created_at < $1::timestamptz + interval '1 month'
select sum(total) from orders where date_trunc('month', created_at) = $1;

-- the unit is lost: no rewrite, but the same fault
-- expect: function-on-column
-- rewrite: none
select sum(total) from orders where date_trunc($1, created_at) = $2;

-- expect: function-on-column
-- rewrite: SELECT sum(total) FROM orders WHERE created_at >= make_date(2026::int, 1, 1) AND created_at < make_date(2026::int + 1, 1, 1)
select sum(total) from orders where extract(year from created_at) = 2026;

-- expect: function-on-column
select id from customers where lower(email) = $1;

-- expect: function-on-column
select id from customers where upper(name) in ('ADA', 'BOB');

-- expect: function-on-column
-- rewrite: SELECT id FROM customers WHERE external_id = ($1)::uuid
select id from customers where external_id::text = $1;

-- expect: function-on-column
select id from orders where created_at + interval '7 days' > now();

-- expect: function-on-column
select id from orders where $1 < created_at - interval '1 hour';

-- expect: function-on-column
select id from customers where coalesce(referrer_id, 0) = $1;

-- expect: function-on-column
-- rewrite: SELECT id FROM customers WHERE score = $1
select id from customers where coalesce(score, 0) = $1;

-- expect: function-on-column
select c.id from customers c join orders o on o.customer_id = c.id and o.created_at::date = $1 where c.country = $2;

-- expect: function-on-column
update orders set status = $1 where substring(reference, 1, 3) = $2;

-- expect: function-on-column
select id from orders where (created_at at time zone 'Europe/Berlin')::date = $1;

-- expect: nothing
select id from accounts where lower(email) = $1;

-- expect: nothing
select id from accounts a where LOWER(a.email) = LOWER($1);

-- expect: nothing
select id from accounts where opened_at::date = $1;

-- expect: nothing
select id from customers where lower(code) = $1;

-- expect: nothing
select id from customers where nick::text = $1;

-- expect: nothing
select id from customers where email = lower($1);

-- expect: nothing
select id from orders where created_at >= date_trunc('month', now());

-- expect: nothing
select id from orders where created_at >= now() - interval '7 days';

-- another index finds few rows
-- expect: nothing
select id from orders where customer_id = $1 and date(created_at) = $2;

-- expect: nothing
select o.id from customers c join orders o on o.customer_id = c.id where c.id = $1 and o.created_at::date = $2;

-- expect: nothing
select code from countries where lower(name) = $1;

-- in the outputs only
-- expect: nothing
select lower(name), date(created_at) from customers where id = $1;

-- most rows pass
-- expect: nothing
select id from customers where length(name) > $1;

-- a share of the work for each worker
-- expect: nothing
select id from jobs where id % 8 = $1;

-- expect: nothing
select id from orders where id = $1::bigint;

-- expect: nothing
select id from customers where lower(name) <> $1;

-- not known whether there is an index
-- expect: nothing
-- catalog: none
select id from customers where lower(name) = $1;

-- expect: nothing
select id from orders where extract(dow from created_at) = 1;

-- a day of the week of few rows of one customer
-- expect: nothing
select id from orders o where exists (select 1 from items i where i.order_id = o.id and lower(i.title) = $1) and o.customer_id = $2;

-- expect: implicit-cast
select id from orders where id = $1::numeric;

-- expect: implicit-cast
select id from orders where customer_id = cast($1 as double precision);

-- expect: implicit-cast
select id from products where price = $1::float8;

-- expect: nothing
select id from orders where id = $1::bigint;

-- expect: nothing
select id from orders where total > $1::numeric;

-- expect: nothing
select id from orders where id = $1 and customer_id = $2::numeric;

-- expect: leading-wildcard
select id from customers where name like '%berg%';

-- expect: leading-wildcard
select id from customers where email ilike '%@example.com';

-- expect: leading-wildcard
select id from customers where email like '%@example.com';

-- expect: leading-wildcard
select id from products where name ilike '%' || $1 || '%';

-- expect: leading-wildcard
select id from customers where lower(name) like concat('%', $1::text, '%');

-- expect: leading-wildcard
select id from orders where note ~ 'refund';

-- expect: nothing
select id from customers where name like 'Berg%';

-- expect: nothing
select id from customers where name like $1;

-- expect: nothing
select id from customers where name like $1 || $2 || $3;

-- expect: nothing
select id from accounts where login like '%ada%';

-- expect: nothing
select code from countries where name ilike '%land%';

-- expect: nothing
select id from orders where customer_id = $1 and note like '%refund%';

-- expect: nothing
select id from customers where name not like '%test%' and country = $1;

-- expect: nothing
select id from orders where reference ~ '^A[0-9]+';

-- expect: nothing
select id from customers where name like '%';

-- expect: json-filter
select id from customers where profile ->> 'plan' = $1;

-- expect: json-filter
select id from jobs where payload ->> $1 = $2;

-- expect: json-filter
select id from products where (data ->> 'weight')::int = 5;

-- expect: json-filter
select id from jobs where payload -> 'target' ->> 'kind' in ('a', 'b');

-- expect: nothing
select id from accounts where attributes ->> 'tier' = $1;

-- the key is lost, the index may be for it
-- expect: nothing
select id from accounts where attributes ->> $1 = $2;

-- expect: nothing
select id from products where data @> '{"weight": 5}';

-- expect: nothing
select payload ->> 'kind' from jobs where id = $1;

-- expect: nothing
select id from jobs where owner_id = $1 and payload ->> 'kind' = $2;

-- expect: or-different-columns
select id from orders where customer_id = $1 or coupon_id = $2;

-- expect: or-different-columns
select o.id from orders o join customers c on c.id = o.customer_id where o.reference = $1 or c.external_id = $2;

-- expect: nothing
select id from orders where customer_id = $1 or reference = $2;

-- expect: nothing
select id from orders where status = $1 or status = $2;

-- expect: nothing
select id from orders where created_at < $1 or (created_at = $1 and id < $2) order by created_at desc, id desc limit 10;

-- expect: nothing
select id from orders where customer_id = $1 and (status = 'open' or coupon_id = 5);

-- expect: nothing
select code from countries where code = $1 or region = $2;

-- expect: nothing
select id from orders where coupon_id = $1 or note = $2;

-- expect: catch-all-parameter
select id from orders where ($1::bigint is null or customer_id = $1) and ($2::text is null or note = $2);

-- expect: catch-all-parameter
select id from orders where customer_id = coalesce($1, customer_id) order by id;

-- the constants are lost: two different ones
-- expect: nothing
select id from orders where $1 is null or customer_id = $2;

-- expect: nothing
select id from orders where customer_id = $1 and ($2::text is null or status = $2);

-- expect: nothing
select id from orders where shipped_at is null or shipped_at > now();

-- expect: between-timestamp
select sum(total) from orders where created_at between '2026-01-01' and '2026-01-31';

-- expect: between-timestamp
select sum(total) from orders o where o.created_at between $1::date and $2::date;

-- expect: nothing
select sum(total) from orders where created_at between $1 and $2;

-- expect: nothing
select sum(total) from orders where created_at between '2026-01-01 00:00' and '2026-01-31 23:59:59.999999';

-- expect: nothing
select id from customers where score between 1 and 10;

-- expect: eq-null
-- share: 0.6
-- severity: low
-- rewrite: SELECT id FROM orders WHERE customer_id = $1 AND shipped_at IS NULL
select id from orders where customer_id = $1 and shipped_at = null;

-- expect: eq-null
select id, case when shipped_at <> null then 'sent' else 'open' end from orders where customer_id = $1;

-- expect: nothing
update orders set shipped_at = null where id = $1;

-- expect: nothing
select id from orders where customer_id = $1 and shipped_at is null;

-- expect: nothing
select id from orders where customer_id = $1 and shipped_at = $2;

-- expect: nothing
select id from orders where customer_id = $1 and coupon_id is not distinct from null;

-- the day of a moment: of what type it is cannot be told, so it is not written otherwise
-- expect: function-on-column
-- rewrite: none
select id from orders where created_at::date = now() - interval '1 day';

-- expect: function-on-column
-- rewrite: SELECT id FROM orders WHERE created_at >= date_trunc('week', now()) AND created_at < date_trunc('week', now()) + interval '1 week'
select id from orders where date_trunc('week', created_at) = date_trunc('week', now());

-- expect: nothing
select o.id from orders o left join customers c on c.id = o.customer_id where coalesce(c.score, 0) = 0 and o.created_at > $1;

-- expect: nothing
select o.id from orders o left join customers c on c.id = o.customer_id and lower(c.name) = $1 where o.customer_id = $2;

-- twice the same: which one is meant
-- expect: function-on-column
-- rewrite: none
select id from orders where date(created_at) = $1 union all select id from orders where date(created_at) = $1;

-- a value that many rows have
-- expect: nothing
select id from orders where upper(status) = $1;

-- expect: nothing
select id from orders where status = coalesce($1, status) and total > $2;

-- expect: nothing
select id from orders where status = $1 or coupon_id = $2;
