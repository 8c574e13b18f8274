-- What is drawn once must not be drawn again.
set work_mem = '64MB';
set max_parallel_workers_per_gather = 0;
with drawn as (select id, kind, random() as chance from events) select * from drawn where kind = 3;
