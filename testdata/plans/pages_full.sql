-- A table whose pages are full of rows.
set max_parallel_workers_per_gather = 0;
select max(payload) from events;
