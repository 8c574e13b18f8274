-- Rows that stay the same are left alone.
-- explain: rollback
create table if not exists counters (id int primary key, n int not null);
insert into counters select n, 0 from generate_series(1, 5000) n on conflict do nothing;
analyze counters;
insert into counters select n, 0 from generate_series(1, 5000) n on conflict (id) do update set n = excluded.n where counters.n is distinct from excluded.n;
