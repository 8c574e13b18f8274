-- Nothing is so large: the whole index is walked to find that out.
-- expect: ordered-scan-trap
set max_parallel_workers_per_gather = 0;
set enable_sort = off;
select * from orders where total > 4000 order by created limit 3;
