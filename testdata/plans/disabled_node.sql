-- There is no other way.
-- expect: disabled-node
set enable_seqscan = off;
set max_parallel_workers_per_gather = 0;
select sum(quantity) from items where product_id > 500;
