-- The check of a foreign key is no part of the tree.
-- explain: rollback
create table if not exists children (id int primary key, parent int not null references customers (id));
insert into children select n, 1 + n % 5000 from generate_series(1, 20000) n;
