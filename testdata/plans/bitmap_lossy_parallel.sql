-- Processes share a bitmap that is too large.
-- expect: bitmap-lossy
set work_mem = '64kB';
set enable_seqscan = off;
set enable_indexscan = off;
set parallel_setup_cost = 0;
set parallel_tuple_cost = 0;
set min_parallel_table_scan_size = 0;
set min_parallel_index_scan_size = 0;
set max_parallel_workers_per_gather = 2;
select max(payload) from events where kind = 3;
