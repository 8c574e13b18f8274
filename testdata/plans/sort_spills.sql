-- A sort larger than work_mem.
-- expect: sort-disk
set work_mem = '1MB';
set max_parallel_workers_per_gather = 0;
select * from events order by payload;
