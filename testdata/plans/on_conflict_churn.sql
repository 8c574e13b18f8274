-- All are there.
-- explain: rollback
-- expect: on-conflict-churn
create table if not exists counters (id int primary key, n int not null);
insert into counters select n, 0 from generate_series(1, 5000) n on conflict do nothing;
analyze counters;
insert into counters select n, 0 from generate_series(1, 5000) n on conflict (id) do update set n = excluded.n;
