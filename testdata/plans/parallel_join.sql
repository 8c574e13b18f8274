-- Workers and the leader at once.
set parallel_setup_cost = 0;
set parallel_tuple_cost = 0;
set min_parallel_table_scan_size = 0;
set max_parallel_workers_per_gather = 2;
select o.status, sum(i.quantity) from orders o join items i on i.order_id = o.id group by o.status;
