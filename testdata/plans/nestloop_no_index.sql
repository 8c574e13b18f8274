-- Nothing finds the rows of the inner side.
-- expect: nestloop-no-index
set max_parallel_workers_per_gather = 0;
select o.id, c.id from orders o join customers c on c.balance > o.total + 990 where o.id <= 300;
