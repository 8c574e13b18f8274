-- The orders of one customer, walked to along all orders.
-- expect: ordered-scan-trap
set enable_sort = off;
set max_parallel_workers_per_gather = 0;
select * from orders where customer_id = 4999 order by created limit 5;
