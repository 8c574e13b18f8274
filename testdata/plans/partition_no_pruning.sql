-- Nothing is known of the partition key: each partition is searched.
-- expect: partition-no-pruning
set max_parallel_workers_per_gather = 0;
drop table if exists log;
create table log (at date not null, kind int not null, message text) partition by range (at);
do $$ begin for m in 1..12 loop execute format(
  'create table log_2026_%s partition of log for values from (%L) to (%L)', m, date '2026-01-01' + (m - 1) * 30, date '2026-01-01' + m * 30);
end loop; end $$;
insert into log select date '2026-01-01' + n % 360, case when n % 360 = 7 then 7 else 1 + n % 5 end, repeat('m', 50) from generate_series(1, 60000) n;
analyze log;
select * from log where kind = 7;
