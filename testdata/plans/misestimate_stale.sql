-- What was inserted after ANALYZE is not in the statistics.
-- expect: row-misestimate
drop table if exists grown;
create table grown as select n as id, n % 10 as kind from generate_series(1, 5000) n;
analyze grown;
insert into grown select n, 99 from generate_series(1, 20000) n;
select sum(id) from grown where kind = 99;
