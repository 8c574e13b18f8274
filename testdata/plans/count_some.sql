-- Some items are counted.
set max_parallel_workers_per_gather = 0;
select count(*) from items where quantity > 1;
