-- Nothing that an index in order could have: no advice.
-- expect: like-leading
set enable_sort = off;
set max_parallel_workers_per_gather = 0;
select * from orders where note like '%59999%' order by created limit 5;
