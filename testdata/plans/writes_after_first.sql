-- The second query after it.
set max_parallel_workers_per_gather = 0;
set synchronous_commit = on;
drop table if exists settled;
create table settled as select n as id, repeat('x', 500) as pad from generate_series(1, 20000) n;
commit;
select sum(id) from settled;
select sum(id) from settled;
