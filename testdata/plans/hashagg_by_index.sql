-- Few groups need little memory.
set work_mem = '256kB';
set max_parallel_workers_per_gather = 0;
select quantity, count(*) from items group by quantity;
