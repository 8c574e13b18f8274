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
