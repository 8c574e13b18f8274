-- Page 501 of what several processes sort.
-- expect: offset-waste
set parallel_setup_cost = 0;
set parallel_tuple_cost = 0;
set min_parallel_table_scan_size = 0;
set min_parallel_index_scan_size = 0;
set max_parallel_workers_per_gather = 2;
select id, status from orders order by total desc, id desc limit 10 offset 5000;
