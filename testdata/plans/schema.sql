-- The database that the scenarios of this folder run in.

-- Before a commit is on disk, VACUUM does not take its rows for visible to all.
set synchronous_commit = on;

create table customers (id int primary key, email varchar(80) not null, country text, balance numeric(12,2), notes text);
insert into customers
select n, 'user' || n || '@example.com', (array['de','fr','us','jp'])[1 + n % 4], n % 1000, repeat('n', 20)
from generate_series(1, 5000) n;

create table orders (
    id int primary key, customer_id int not null, status text not null, total numeric(12,2) not null,
    created timestamp not null, note text
);
insert into orders
select n, 1 + (n * 7919) % 5000, case when n % 100 = 0 then 'open' else 'done' end, n % 500,
       timestamp '2026-01-01' + n * interval '7 minutes', 'order ' || n || repeat('.', 60)
from generate_series(1, 60000) n;
create index orders_created_idx on orders (created);

-- No index on order_id.
create table items (id int primary key, order_id int not null, product_id int not null, quantity int not null);
insert into items select n, 1 + (n * 31) % 60000, 1 + n % 1000, 1 + n % 7 from generate_series(1, 150000) n;

create table events (id int primary key, kind int not null, happened timestamp not null, payload text not null);
insert into events
select n, n % 20, timestamp '2026-01-01' + n * interval '1 second', 'payload ' || n || repeat('x', 100)
from generate_series(1, 100000) n;
create index events_kind_idx on events (kind);

-- Written again after its VACUUM: the visibility map is stale.
create table stale (id int primary key, value int not null) with (autovacuum_enabled = false);
insert into stale select n, n % 100 from generate_series(1, 50000) n;
vacuum analyze stale;
update stale set value = value + 1 where id % 5 <> 0;

create table small (id int primary key, name text);
insert into small select n, 'name ' || n from generate_series(1, 50) n;

-- Large once: of twenty rows one is left, and the room of the others is free.
create table sparse (id int primary key, value int not null) with (autovacuum_enabled = false);
insert into sparse select n, n % 100 from generate_series(1, 250000) n;
delete from sparse where id % 20 <> 0;
vacuum analyze sparse;

vacuum analyze customers;
vacuum analyze orders;
vacuum analyze items;
vacuum analyze events;
vacuum analyze small;
