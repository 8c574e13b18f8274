-- A CTE that is larger than work_mem.
-- since: 18
-- expect: storage-disk
set work_mem = '256kB';
set max_parallel_workers_per_gather = 0;
with kept as materialized (select * from events) select min(happened), max(payload) from kept;
