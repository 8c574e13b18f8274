-- Only planned.
-- explain: verbose
-- expect: non-sargable
set max_parallel_workers_per_gather = 0;
select * from events where payload || '' = 'payload 7';
