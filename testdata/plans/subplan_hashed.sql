-- Computed once.
set max_parallel_workers_per_gather = 0;
select count(*) from orders where customer_id in (select id from customers where country = 'de') or total = 3;
