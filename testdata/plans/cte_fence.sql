-- The index on kind cannot be used for the condition outside.
-- expect: cte-fence
set work_mem = '64MB';
set max_parallel_workers_per_gather = 0;
with kept as materialized (select * from events) select * from kept where kind = 3;
