-- Both sides are asked for.
set work_mem = '64MB';
set max_parallel_workers_per_gather = 0;
select distinct o.status, i.quantity from orders o join items i on i.order_id = o.id;
