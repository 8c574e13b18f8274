-- Page 5,001 along an index.
-- expect: offset-waste
set enable_sort = off;
set max_parallel_workers_per_gather = 0;
select * from orders order by id limit 10 offset 50000;
