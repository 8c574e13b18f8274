-- Somewhere in the text.
-- expect: like-leading
set max_parallel_workers_per_gather = 0;
select * from events where payload like '%load 77777x%';
