-- The first query after a load.
-- expect: writes-in-select
set max_parallel_workers_per_gather = 0;
set synchronous_commit = on;
drop table if exists fresh;
create table fresh as select n as id, repeat('x', 500) as pad from generate_series(1, 20000) n;
select sum(id) from fresh;
