-- The same in memory.
set work_mem = '64MB';
set enable_mergejoin = off;
set enable_nestloop = off;
set max_parallel_workers_per_gather = 0;
select sum(i.quantity) from items i join orders o on o.id = i.order_id;
