-- Half of them.
set work_mem = '64MB';
set max_parallel_workers_per_gather = 0;
select * from (select o.id, o.customer_id, row_number() over (partition by customer_id order by created desc) as rn from orders o) x where rn <= 6;
