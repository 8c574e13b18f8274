-- More groups than work_mem has room for.
-- expect: hashagg-disk
set work_mem = '256kB';
set enable_sort = off;
set max_parallel_workers_per_gather = 0;
select order_id, sum(quantity) from items group by order_id;
