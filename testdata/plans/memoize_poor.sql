-- The values were taken for few.
-- since: 14
-- expect: memoize-poor
set enable_hashjoin = off;
set enable_mergejoin = off;
set max_parallel_workers_per_gather = 0;
create table if not exists lookups (k int not null);
alter table lookups alter column k set (n_distinct = 50);
truncate lookups;
insert into lookups select 1 + n * 7 % 60000 from generate_series(1, 20000) n;
analyze lookups;
select count(o.note) from lookups l join orders o on o.id = l.k;
