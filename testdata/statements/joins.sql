-- expect: unjoined-relations
select o.id, c.name from orders o, customers c where o.status = $1;

-- expect: unjoined-relations
select distinct o.id from orders o, customers c, items i where i.order_id = o.id and c.country = 'NL';

-- expect: unjoined-relations
update orders o set note = $1 from customers c where c.country = $2;

-- expect: unjoined-relations
-- catalog: none
select a.x, b.y from a, b where a.z = $1;

-- expect: nothing
select o.id, c.name from orders o, customers c where o.customer_id = c.id;

-- expect: nothing
select o.id, c.name from orders o cross join countries c where o.status = $1;

-- expect: nothing
select o.id, s.value from orders o, settings s where o.status = $1;

-- expect: nothing
select o.id, g.day from orders o, generate_series($1::date, $2::date, interval '1 day') as g(day) where o.status = $3;

-- expect: nothing
select o.id from orders o, (select avg(total) as mean from orders) m where o.total > $1;

-- expect: nothing
with m as (select avg(total) as mean from orders) select o.id, m.mean from orders o, m where o.status = $1;

-- each has its own values
-- expect: nothing
select o.id, c.name from orders o, customers c where o.id = $1 and c.id = $2;

-- expect: nothing
select o.id, t.x from orders o, unnest($1::bigint[]) as t(x) where o.status = $2;

-- expect: nothing
select o.id from orders o, customers c where o.created_at < c.created_at;

-- expect: nothing
select id, line from orders, items where order_id = id and status = $1;

-- expect: nothing
select o.id from orders o join customers c using (id) where o.status = $1;

-- expect: nothing
select o.id, x.line from orders o, lateral (select i.line from items i where i.order_id = o.id) x where o.status = $1;

-- expect: nothing
select c.id from customers c where exists (select 1 from orders o, jobs j where o.customer_id = c.id and j.owner_id = c.id);

-- connected over a third one
-- expect: nothing
select o.id from orders o, items i, products p where i.order_id = o.id and p.id = i.product_id;

-- expect: nothing
delete from items i using orders o where o.id = i.order_id and o.status = $1;

-- expect: nothing
select c.id from customers c join countries k on true where c.id = $1;

-- expect: many-joins
select 1 from orders a join orders b on b.id = a.id join orders c on c.id = a.id join orders d on d.id = a.id join orders e on e.id = a.id join orders f on f.id = a.id join orders g on g.id = a.id join orders h on h.id = a.id join orders i on i.id = a.id where a.id = $1;

-- expect: nothing
select 1 from orders a join orders b on b.id = a.id join orders c on c.id = a.id join orders d on d.id = a.id join orders e on e.id = a.id where a.id = $1;

-- expect: distinct-join
select distinct c.* from customers c join orders o on o.customer_id = c.id where o.status = $1;

-- expect: distinct-join
SELECT DISTINCT "customers"."id", "customers"."name" FROM "customers" INNER JOIN "orders" ON "orders"."customer_id" = "customers"."id" WHERE "orders"."total" > $1;

-- expect: nothing
select distinct c.country from customers c join orders o on o.customer_id = c.id;

-- expect: nothing
select distinct c.id, o.status from customers c join orders o on o.customer_id = c.id;

-- the join repeats nothing
-- expect: nothing
select distinct o.id from orders o join customers c on c.id = o.customer_id where c.country = $1;

-- expect: nothing
select distinct country from customers;

-- expect: nothing
select distinct on (o.customer_id) o.customer_id, o.id from orders o join customers c on c.id = o.customer_id order by o.customer_id, o.created_at desc;

-- expect: distinct-group-by
select distinct status, count(*) from orders group by status;

-- expect: distinct-group-by
select distinct o.status, o.customer_id from orders o group by o.customer_id, o.status;

-- expect: nothing
select distinct count(*) from orders group by status;

-- expect: nothing
select status, count(distinct customer_id) from orders group by status;

-- expect: nothing
select distinct status from orders group by status, customer_id;
