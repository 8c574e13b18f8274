-- The same as a join.
set work_mem = '64kB';
set max_parallel_workers_per_gather = 0;
select count(*) from orders o where id <= 1500 and not exists (select from items i where i.order_id = o.id and i.id <= 8000);
