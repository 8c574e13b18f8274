-- Each row is written to.
-- explain: rollback
-- expect: lock-rows
create table if not exists jobs (id int primary key, state text);
insert into jobs select n, 'new' from generate_series(1, 20000) n on conflict do nothing;
analyze jobs;
select id from jobs for update;
