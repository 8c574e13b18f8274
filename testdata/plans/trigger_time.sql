-- Each deleted owner makes the server read all things.
-- explain: rollback
-- expect: trigger-time
create table if not exists owners (id int primary key);
insert into owners select n from generate_series(1, 2000) n on conflict do nothing;
create table if not exists things (id int primary key, owner int not null references owners (id));
insert into things select n, 1000 + n % 1000 from generate_series(1, 50000) n on conflict do nothing;
analyze owners, things;
delete from owners where id <= 50;
