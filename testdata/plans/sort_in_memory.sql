-- The same in memory.
set work_mem = '64MB';
set max_parallel_workers_per_gather = 0;
select * from orders order by note;
