-- Groups have to be made, whichever page they are on.
set max_parallel_workers_per_gather = 0;
select customer_id, count(*) from orders group by customer_id order by count(*) desc, customer_id limit 10 offset 3000;
