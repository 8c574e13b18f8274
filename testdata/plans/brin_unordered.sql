-- Each range of pages has all values: the index finds everything.
-- expect: recheck-waste
set enable_seqscan = off;
set default_statistics_target = 1000;
create table if not exists readings as
select n as id, (n::bigint * 7919) % 100000 as value, repeat('r', 50) as body from generate_series(1, 100000) n;
create index if not exists readings_value_idx on readings using brin (value);
create index if not exists readings_id_idx on readings using brin (id);
analyze readings;
select * from readings where value between 10 and 20;
