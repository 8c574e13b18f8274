-- A trigger that works for each row.
-- explain: rollback
-- expect: trigger-time
create table if not exists watched (id int, n bigint);
create or replace function watch() returns trigger language plpgsql as $$ begin new.n = (select count(*) from generate_series(1, 100)); return new; end $$;
drop trigger if exists watching on watched;
create trigger watching before insert on watched for each row execute function watch();
insert into watched select n from generate_series(1, 5000) n;
