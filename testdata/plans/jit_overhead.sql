-- Compiled for nothing. Of the servers of the tests only 15 can.
-- expect 15+: jit-overhead
-- expect 16+: nothing
set jit = on;
set jit_above_cost = 0;
set jit_inline_above_cost = 0;
set jit_optimize_above_cost = 0;
set max_parallel_workers_per_gather = 0;
select country, sum(balance), avg(length(notes)) from customers where balance > 10 group by country;
