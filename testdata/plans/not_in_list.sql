-- Too large for a hash table.
-- expect: not-in-subplan
set work_mem = '64kB';
set max_parallel_workers_per_gather = 0;
select count(*) from orders where id <= 1000 and id not in (select order_id from items where id <= 5000);
