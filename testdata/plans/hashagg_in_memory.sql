-- The same in memory.
set work_mem = '64MB';
set enable_sort = off;
set max_parallel_workers_per_gather = 0;
select order_id, sum(quantity) from items group by order_id;
