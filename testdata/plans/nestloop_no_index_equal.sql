-- The same for an equality that is not hashed.
-- expect: nestloop-no-index
set enable_hashjoin = off;
set enable_mergejoin = off;
set max_parallel_workers_per_gather = 0;
select o.id, c.email from orders o join customers c on c.balance = o.total where o.id <= 30 and c.notes <> '';
