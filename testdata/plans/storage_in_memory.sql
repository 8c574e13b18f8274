-- The same in memory.
set work_mem = '64MB';
set max_parallel_workers_per_gather = 0;
with kept as materialized (select * from events) select min(happened), max(payload) from kept;
