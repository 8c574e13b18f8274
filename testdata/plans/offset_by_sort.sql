-- Page 501 of a sort.
-- expect: offset-waste
set max_parallel_workers_per_gather = 0;
select id, status from orders order by total desc, id desc limit 10 offset 5000;
