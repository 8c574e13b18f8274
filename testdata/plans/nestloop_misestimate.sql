-- Planned for few rows.
-- expect: nestloop-misestimate, row-misestimate
set default_statistics_target = 1000;
create table if not exists pairs as select n as id, n / 5000 as a, n / 5000 as b from generate_series(1, 200000) n;
create index if not exists pairs_a_idx on pairs (a);
analyze pairs;
select count(o.note) from pairs p join orders o on o.id = 1 + p.id * 7 % 60000 where p.a = 1 and p.b = 1;
