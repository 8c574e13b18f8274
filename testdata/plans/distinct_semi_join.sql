-- The planner makes the inner side distinct; the statement says IN already.
set work_mem = '64MB';
set max_parallel_workers_per_gather = 0;
select count(*) from orders o where o.id in (select i.order_id from items i join customers c on c.id = i.product_id where c.country = 'de');
