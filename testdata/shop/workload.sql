-- A while of the sample shop's traffic, 46 kinds of statements, reads and writes.
--
-- Each query here writes the statements of one kind, with their values, and \gexec runs what it wrote: `psql -f` can do that, and
-- `pgperf demo` does it over several connections, all kinds mixed. It can be repeated: what it inserts continues what is there.
--
-- The comment before a query is its name, and, where indexes matter, the one that it wants or why it wants none.

set search_path = shop;

-- customer by id
select format('select id, email, full_name, tier from customers where id = %s', 1 + i * 7919 % 100000)
from generate_series(1, 3000) i
\gexec

-- product page
select format('select id, title, description, price, attributes from products where id = %s and deleted_at is null', 1 + i * i * 31 % 20000)
from generate_series(1, 4000) i
\gexec

-- product by sku
select format('select id, price, status from products where sku = %L', 'SKU-' || lpad((i * 13 % 20000 * 7919 % 100003)::text, 6, '0'))
from generate_series(1, 1500) i
\gexec

-- stock of a product
-- wants nothing: the primary key begins with product_id
select format('select warehouse_id, on_hand - reserved as available from inventory where product_id = %s', 1 + i * 101 % 20000)
from generate_series(1, 2500) i
\gexec

-- categories of a product
-- wants nothing: the primary key begins with product_id
select format('select c.name, c.slug from product_categories pc join categories c on c.id = pc.category_id where pc.product_id = %s', 1 + i * 211 % 20000)
from generate_series(1, 1200) i
\gexec

-- products in a category
select format($$select p.id, p.title, p.price from product_categories pc join products p on p.id = pc.product_id
where pc.category_id = %s and p.status = 'active' and p.deleted_at is null order by p.title limit 24$$, 13 + i * 5 % 168)
from generate_series(1, 300) i
\gexec

-- reviews of a product
select format('select rating, title, body from reviews where product_id = %s order by created_at desc limit 10', 1 + i * 37 % 20000)
from generate_series(1, 600) i
\gexec

-- session by token
select format('select id, customer_id, expires_at from sessions where token = %L', md5('session ' || 100000 + i * 17 % 50000))
from generate_series(1, 3000) i
\gexec

-- order by id
select format('select id, status, total, placed_at from orders where id = %s', 1 + i * 7907 % 300000)
from generate_series(1, 2000) i
\gexec

-- lines of an order
select format('select oi.line_no, p.title, oi.quantity, oi.unit_price from order_items oi join products p on p.id = oi.product_id where oi.order_id = %s order by oi.line_no',
    1 + i * 7907 % 300000)
from generate_series(1, 2000) i
\gexec

-- orders of a customer
select format('select id, status, total, placed_at from orders where customer_id = %s order by placed_at desc limit 10', 1 + i * 997 % 100000)
from generate_series(1, 800) i
\gexec

-- payments of an order
select format('select provider, status, amount from payments where order_id = %s', 1 + i * 4001 % 300000)
from generate_series(1, 600) i
\gexec

-- cart of a customer
select format($$select p.title, ci.quantity, p.price from carts c join cart_items ci on ci.cart_id = c.id join products p on p.id = ci.product_id
where c.customer_id = %s and c.status = 'open'$$, 1 + i * 499 % 100000)
from generate_series(1, 1000) i
\gexec

-- tickets of a customer
select format('select id, subject, status, opened_at from support_tickets where customer_id = %s order by opened_at desc', 1 + i * 31 % 100000)
from generate_series(1, 200) i
\gexec

-- recent events of a customer
-- wants nothing: the index on (customer_id, occurred_at) is there
select format($$select kind, payload, occurred_at from events where customer_id = %s and occurred_at >= '2025-12-01 00:00Z' order by occurred_at desc limit 20$$,
    1 + i * 67 % 100000)
from generate_series(1, 200) i
\gexec

-- coupon by code
select format($$select id, percent_off from coupons where code = %L and valid_until >= '2025-12-31'$$, 'WELCOME' || i)
from generate_series(1, 300) i
\gexec

-- sales of a product
-- wants order_items (product_id): a foreign key without index
select format('select count(*), sum(quantity) from order_items where product_id = %s', 1 + i * 379 % 20000)
from generate_series(1, 40) i
\gexec

-- bought together
-- wants order_items (product_id): the same index serves this join
select format('select b.product_id, count(*) from order_items a join order_items b on b.order_id = a.order_id where a.product_id = %s and b.product_id <> a.product_id
group by b.product_id order by count(*) desc limit 5', 2000 + i * 379 % 18000)
from generate_series(1, 15) i
\gexec

-- oldest pending orders
-- wants orders (status, placed_at): equality first, then the range that is also the order
select format($$select id, customer_id, total, placed_at from orders where status = 'pending' and placed_at < %L order by placed_at limit 50$$,
    timestamptz '2025-12-31 00:00Z' + interval '10 minutes' * i)
from generate_series(1, 60) i
\gexec

-- orders page of a store
-- wants orders (store_id, placed_at, id): scoped pagination; both directions are descending, so an ascending index serves it backwards
select format('select id, customer_id, status, total, placed_at from orders where store_id = %s order by placed_at desc, id desc limit 25 offset %s', 2 + i % 40, 25 * (i % 4))
from generate_series(1, 60) i
\gexec

-- payments of a day
-- wants payments (paid_at): one day of two years
select format('select provider, status, count(*), sum(amount) from payments where paid_at >= %L and paid_at < %L group by provider, status',
    timestamptz '2025-09-01 00:00Z' + interval '1 day' * i, timestamptz '2025-09-02 00:00Z' + interval '1 day' * i)
from generate_series(1, 40) i
\gexec

-- customer by e-mail
-- wants customers (email): addresses are stored as typed, in mixed case, and compared so
select format('select id, full_name, tier from customers where email = %L and deleted_at is null', email)
from generate_series(1, 250) i join customers on id = 1 + i * 397 % 100000
\gexec

-- address book
-- wants addresses (customer_id): a foreign key without index, under a soft-delete filter
select format('select id, kind, street, postal_code, city from addresses where customer_id = %s and deleted_at is null', 1 + i * 773 % 100000)
from generate_series(1, 100) i
\gexec

-- shipments of an order
-- wants shipments (order_id): a foreign key without index
select format('select carrier, tracking_no, status, shipped_at from shipments where order_id = %s', 1 + i * 3001 % 300000)
from generate_series(1, 80) i
\gexec

-- parcel delivered
-- wants shipments (tracking_no): an update that has to find its row
select format($$update shipments set status = 'delivered', delivered_at = '2026-01-01 00:00Z' where tracking_no = %L and carrier = %L$$, tracking_no, carrier)
from generate_series(1, 60) i join shipments on id = 290000 + i * 131 % 10000
\gexec

-- expired sessions
-- wants sessions (expires_at): a delete that has to find its rows
select format('delete from sessions where expires_at < %L', oldest + interval '20 minutes' * i)
from generate_series(1, 20) i, (select min(expires_at) as oldest from sessions) s
\gexec

-- queue of a support agent
-- wants support_tickets (assignee_id, status, priority): equality on all three
select format($$select id, subject, opened_at from support_tickets where assignee_id = %s and status = 'open' and priority = %s$$, 1 + i % 40, 1 + i % 4)
from generate_series(1, 150) i
\gexec

-- most helpful reviews
-- wants reviews (helpful_votes desc, created_at): two directions, so they must be in the index
select format('select id, product_id, rating, title from reviews order by helpful_votes desc, created_at limit 20 offset %s', 20 * (i % 5))
from generate_series(1, 40) i
\gexec

-- events of a session
-- wants events (session_id, occurred_at): on the partitioned parent, seven partitions have to be searched
select format('select kind, payload, occurred_at from events where session_id = %s order by occurred_at', 1 + i * 3329 % 150000)
from generate_series(1, 50) i
\gexec

-- orders with a coupon
-- wants orders (coupon_id): a join of four tables that begins with one coupon
select format($$select o.id, o.total, cu.full_name, a.city from coupons co join orders o on o.coupon_id = co.id join customers cu on cu.id = o.customer_id
join addresses a on a.id = o.shipping_address_id where co.code = %L order by o.placed_at desc$$, code)
from generate_series(1, 25) i join coupons on id = i * 23
\gexec

-- countries with a currency
-- wants nothing: twenty rows
select format('select code, name, vat_rate from countries where currency = %L', (array['EUR', 'USD', 'CHF', 'SEK'])[1 + i % 4])
from generate_series(1, 2000) i
\gexec

-- newsletter recipients
-- wants nothing: sixty percent of all customers
select format('select id, email, full_name from customers where marketing_opt_in and tier <> %L', (array['gold', 'silver'])[1 + i % 2])
from generate_series(1, 3) i
\gexec

-- most viewed products
-- wants nothing: read twice, and view_count changes with each page view, which an index would make much dearer
select format('select id, title from products order by view_count desc limit %s', 10 * i)
from generate_series(1, 2) i
\gexec

-- addresses in a postal code
-- wants addresses (upper(postal_code)): upper() hides the column from an index on it
select format('select id, customer_id, city from addresses where upper(postal_code) = %L', 'SW' || i || ' ' || i % 9 || 'AB')
from generate_series(1, 15) i
\gexec

-- title search
-- wants nothing: no btree finds words inside
select format($$select id, title, price from products where title ilike %L and status = 'active' limit 50$$,
    '%' || (array['lamp', 'oak', 'xl', 'tent', 'duo'])[1 + i % 5] || '%')
from generate_series(1, 25) i
\gexec

-- revenue by month
-- wants nothing: nearly all orders
select format($$select date_trunc('month', placed_at) as month, store_id, count(*), sum(total), avg(total) from orders
where placed_at >= %L and status <> 'cancelled' group by 1, 2 order by 1, 2$$, timestamptz '2024-01-15 00:00Z' + interval '1 day' * i)
from generate_series(1, 2) i
\gexec

-- page view
-- wants nothing: finds its row by primary key
select format('update products set view_count = view_count + 1 where id = %s', 1 + i * i * 31 % 20000)
from generate_series(1, 3000) i
\gexec

-- reserve stock
select format('update inventory set reserved = reserved + 1, updated_at = now() where product_id = %s and warehouse_id = %s', 1 + i * 101 % 20000, 1 + i % 3)
from generate_series(1, 2000) i
\gexec

-- put into cart
select format('insert into cart_items (cart_id, product_id, quantity) values (%s, %s, 1) on conflict (cart_id, product_id) do update set quantity = cart_items.quantity + 1',
    59001 + i % 900, 1 + i * 307 % 20000)
from generate_series(1, 500) i
\gexec

-- new session
select format($$insert into sessions (id, token, customer_id, user_agent, started_at, expires_at)
values (%s, %L, %s, 'Firefox/144.0', '2026-01-01 00:00Z', '2026-07-20 00:00Z')$$, last + i, md5('session ' || last + i), 1 + i * 53 % 100000)
from generate_series(1, 800) i, (select max(id) as last from sessions) s
\gexec

-- new event
select format($$insert into events (id, occurred_at, session_id, customer_id, kind, payload) values (%s, %L, %s, %s, 'view', '{"path": "/p/1", "ms": 12}')$$,
    last + i, timestamptz '2026-01-01 00:00Z' + interval '1 second' * i, 149000 + i % 1000, 1 + i * 53 % 100000)
from generate_series(1, 1500) i, (select max(id) as last from events) e
\gexec

-- new order
select format($$insert into orders (id, store_id, customer_id, shipping_address_id, status, total, placed_at, updated_at)
values (%s, %s, %s, %s, 'pending', %s, '2026-01-01 00:00Z', '2026-01-01 00:00Z')$$, last + i, 1 + i % 60, 1 + i * 59 % 100000, 1 + i * 59 % 100000, 10 + i % 90)
from generate_series(1, 300) i, (select max(id) as last from orders) o
\gexec

-- new order line
select format('insert into order_items (order_id, line_no, product_id, quantity, unit_price) values (%s, %s, %s, 1, 12.50)', order_id, last + 1, 1 + i * 113 % 20000)
from generate_series(1, 600) i
join lateral (select order_id, max(line_no) as last from order_items where order_id = 1 + i * 457 % 300000 group by order_id) o on true
\gexec

-- order goes on
select format($$update orders set status = 'processing', updated_at = now() where id = %s$$, 299000 + i % 1000)
from generate_series(1, 300) i
\gexec

-- close a ticket
select format($$update support_tickets set status = 'closed', closed_at = now() where id = %s$$, 78000 + i * 13 % 2000)
from generate_series(1, 60) i
\gexec

-- give up a cart
select format('delete from carts where id = %s', first + i)
from generate_series(0, 49) i, (select min(id) as first from carts) c
\gexec
