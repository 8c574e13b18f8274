-- One column decides the other.
-- expect: row-misestimate
set default_statistics_target = 1000;
create table if not exists pairs as select n as id, n / 5000 as a, n / 5000 as b from generate_series(1, 200000) n;
create index if not exists pairs_a_idx on pairs (a);
analyze pairs;
select sum(id) from pairs where a = 1 and b = 1;
