-- A condition outside of LIMIT means something else than one inside.
set work_mem = '64MB';
set max_parallel_workers_per_gather = 0;
with kept as materialized (select * from events order by id limit 50000) select * from kept where kind = 3;
