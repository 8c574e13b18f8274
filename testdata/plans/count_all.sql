-- All items are counted.
-- expect: count-star
set max_parallel_workers_per_gather = 0;
select count(*) from items;
