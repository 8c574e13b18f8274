-- Sorted by what is computed: an index on a column would not do.
set max_parallel_workers_per_gather = 0;
select * from events order by md5(payload) limit 10;
