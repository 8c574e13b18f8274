-- One branch has nearly all of the work, and cannot be split.
-- expect: parallel-skew
create or replace function dear(text) returns bool language plpgsql immutable parallel safe cost 10000 as $$ begin return true; end $$;
set parallel_setup_cost = 0;
set parallel_tuple_cost = 0;
set min_parallel_table_scan_size = '1GB';
set max_parallel_workers_per_gather = 2;
select sum(n) from (
    select sum(length(md5(md5(payload)))) as n from events
    union all select count(*) from small where dear(name)
    union all select count(*) from small where dear(name)
    union all select count(*) from small where dear(name)
) x;
