-- expect: select-star
-- rows: 200
select * from products where price > $1;

-- expect: select-star
-- rows: 50
SELECT "products".* FROM "products" INNER JOIN "items" ON "items"."product_id" = "products"."id" WHERE "items"."order_id" = $1;

-- expect: nothing
-- rows: 1
select * from products where id = $1;

-- expect: nothing
-- rows: 200
select * from countries;

-- expect: nothing
-- rows: 200
select * from (select id, name from products where price > $1) x;

-- expect: nothing
-- rows: 200
select id from customers c where exists (select * from products p where p.id = c.referrer_id);

-- expect: nothing
-- rows: 200
select i.* from items i join products p on p.id = i.product_id where p.price > $1;

-- expect: nothing
select * from products where price > $1;

-- expect: nothing
-- rows: 1
select count(*) from products;

-- expect: many-rows-returned
-- rows: 25000
-- calls: 400
-- share: 0.3
-- severity: high
select id, status, total from orders where status = $1;

-- expect: many-rows-returned
-- rows: 12000
-- calls: 100
select country, lower(name) from customers where created_at > $1 union all select name, name from countries;

-- an export once a night
-- expect: nothing
-- rows: 2000000
-- calls: 30
-- share: 0.5
select id, status, total from orders where created_at > $1;

-- a batch of work
-- expect: nothing
-- rows: 20000
-- calls: 500
-- share: 0.5
select id, status from orders where status = $1 order by id limit $2;

-- expect: nothing
-- rows: 9000
-- calls: 500
-- share: 0.5
select id, status from orders where status = $1;

-- what is written is not sent to anybody
-- expect: nothing
-- rows: 20000
-- calls: 500
-- share: 0.5
insert into orders (id, customer_id, status, total, reference, created_at) select id, customer_id, status, total, reference, created_at from orders where status = $1;
