-- A varchar is compared as text, which changes nothing.
-- expect: seq-scan-selective
create table if not exists people (id int primary key, email varchar(80) not null);
insert into people select n, 'user' || n || '@example.com' from generate_series(1, 20000) n on conflict do nothing;
analyze people;
select * from people where email = 'user77@example.com';
