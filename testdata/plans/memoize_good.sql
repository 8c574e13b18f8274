-- The same fifty again and again.
-- since: 14
set enable_hashjoin = off;
set enable_mergejoin = off;
set max_parallel_workers_per_gather = 0;
create table if not exists few_lookups (k int not null);
truncate few_lookups;
insert into few_lookups select 1 + n % 50 from generate_series(1, 20000) n;
analyze few_lookups;
select count(o.note) from few_lookups l join orders o on o.id = l.k;
