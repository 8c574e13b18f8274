-- The condition was forgotten.
-- expect: cartesian
set max_parallel_workers_per_gather = 0;
select count(*) from customers c, small s;
