-- The same whatever the case.
-- expect: like-leading
set max_parallel_workers_per_gather = 0;
select * from events where payload ilike '%LOAD 77777x%';
