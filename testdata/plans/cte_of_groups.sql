-- The condition is on what is grouped by: it could choose the rows before.
-- expect: cte-fence
set work_mem = '64MB';
set max_parallel_workers_per_gather = 0;
with sold as materialized (select order_id, sum(quantity) as quantity from items group by order_id)
select * from sold where order_id < 100;
