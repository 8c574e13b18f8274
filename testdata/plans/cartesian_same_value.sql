-- Both sides are compared with the same value, which joins them.
-- expect: seq-scan-selective
set max_parallel_workers_per_gather = 0;
select count(*) from orders o join events e on e.kind = o.customer_id where o.customer_id = 7;
