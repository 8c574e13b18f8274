-- Small enough.
set max_parallel_workers_per_gather = 0;
select count(*) from orders where id <= 1500 and id not in (select order_id from items where id <= 8000);
