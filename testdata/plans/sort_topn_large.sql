-- The ten newest of all events, without an index.
-- expect: sort-topn-large
set max_parallel_workers_per_gather = 0;
select * from events order by happened desc, id desc limit 10;
