-- All items are read for each of the orders.
-- expect: seq-scan-in-loop
set max_parallel_workers_per_gather = 0;
select o.id, (select sum(i.quantity) from items i where i.order_id = o.id) from orders o where o.id <= 20;
