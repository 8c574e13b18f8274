-- expect: not-in-subquery
-- rewrite: none
select id from customers where id not in (select referrer_id from customers);

-- expect: not-in-subquery
-- rewrite: SELECT c.id FROM customers c WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.status = $1 AND o.coupon_id = c.id)
select c.id from customers c where not (c.id in (select o.coupon_id from orders o where o.status = $1));

-- expect: not-in-subquery
-- rewrite: SELECT id FROM orders WHERE NOT EXISTS (SELECT 1 FROM archived WHERE order_id = orders.id)
select id from orders where id not in (select order_id from archived);

-- expect: not-in-subquery
delete from customers where id not in (select o.customer_id from customers c left join orders o on o.customer_id = c.id);

-- expect: not-in-subquery
-- catalog: none
select id from a where id not in (select a_id from b);

-- never NULL, and few
-- expect: nothing
select id from customers where id not in (select customer_id from blocked);

-- expect: nothing
select id from customers where id not in (select referrer_id from customers where referrer_id is not null and country = $1);

-- expect: nothing
select id from customers where id not in ($1, $2, $3);

-- expect: nothing
select id from customers where id not in (select unnest($1::bigint[]));

-- expect: nothing
select c.id from customers c where not exists (select 1 from orders o where o.customer_id = c.id);

-- expect: nothing
select id from customers where id in (select customer_id from orders where status = $1);

-- expect: nothing
select id from orders where id not in (select max(id) from orders);

-- expect: count-for-existence
-- rewrite: SELECT c.id FROM customers c WHERE EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id)
select c.id from customers c where (select count(*) from orders o where o.customer_id = c.id) > 0;

-- expect: count-for-existence
-- rewrite: SELECT EXISTS (SELECT 1 FROM orders WHERE customer_id = 5)
select count(*) > 0 from orders where customer_id = 5;

-- expect: count-for-existence
select c.id from customers c where 0 = (select count(1) from orders o where o.customer_id = c.id and o.status = 'open');

-- expect: count-for-existence
select case when (select count(*) from orders where customer_id = $1) >= 1 then 'yes' else 'no' end;

-- expect: nothing
select c.id from customers c where (select count(*) from orders o where o.customer_id = c.id) > 3;

-- expect: nothing
select count(*) from orders where status = $1;

-- expect: nothing
select c.id from customers c where (select count(*) from orders o where o.customer_id = c.id) > $1;

-- expect: nothing
select customer_id from orders group by customer_id having count(*) > 0;

-- expect: nothing
select (select count(*) from (select 1 from orders where status = 'open' limit 1) x) > 0 as any_open;

-- expect: nothing
select count(shipped_at) > 0 from orders where customer_id = 5;

-- expect: scalar-subquery-in-select
-- rows: 5000
select c.id, (select count(*) from orders o where o.customer_id = c.id) from customers c where c.country = $1;

-- expect: scalar-subquery-in-select
-- rows: 20000
select o.id, (select c.name from customers c where c.id = o.customer_id), (select max(i.line) from items i where i.order_id = o.id) from orders o where o.status = $1;

-- expect: nothing
-- rows: 20
select c.id, (select count(*) from orders o where o.customer_id = c.id) from customers c order by c.created_at desc limit $1;

-- asks once, not for each row
-- expect: nothing
-- rows: 5000
select c.id, (select max(total) from orders) from customers c where c.country = $1;

-- expect: nothing
select c.id, (select count(*) from orders o where o.customer_id = c.id) from customers c where c.country = $1;

-- expect: union-vs-all
select 'order' as kind, id from orders where customer_id = 5 union select 'job', id from jobs where owner_id = 5;

-- expect: union-vs-all
select 'open' as what, count(*) from orders where status = 'open' union select 'sent', count(*) from orders where status = 'sent';

-- expect: union-vs-all
select id from customers where id in (select customer_id from orders where status = $1 union select customer_id from blocked);

-- expect: nothing
select 'order' as kind, status from orders union select 'job', state from jobs;

-- expect: nothing
select country from customers union select code from countries;

-- expect: nothing
select $1 as kind, id from orders union select $2, id from jobs;

-- expect: nothing
select 'order' as kind, id from orders union all select 'job', id from jobs;

-- expect: nothing
select 'order' as kind, id from orders union select 'order', id from jobs;

-- the side that is always there
-- expect: nothing
select id from customers where id not in (select b.customer_id from blocked b left join customers c on c.referrer_id = b.customer_id where c.id is null);
