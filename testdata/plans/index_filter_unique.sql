-- A unique index finds one row each time: with the column of the filter it would find as many.
set enable_hashjoin = off;
set enable_mergejoin = off;
set max_parallel_workers_per_gather = 0;
select o.id, c.email from orders o left join customers c on c.id = o.customer_id and c.country = 'de' where o.id <= 20000;
