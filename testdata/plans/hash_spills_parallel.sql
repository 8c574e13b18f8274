-- Processes fill one hash table, which is larger than what all of them may use.
-- expect: hash-batches
set work_mem = '128kB';
set enable_mergejoin = off;
set enable_nestloop = off;
set parallel_setup_cost = 0;
set parallel_tuple_cost = 0;
set min_parallel_table_scan_size = 0;
set min_parallel_index_scan_size = 0;
set max_parallel_workers_per_gather = 2;
select sum(i.quantity) from items i join orders o on o.id = i.order_id;
