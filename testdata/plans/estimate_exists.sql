-- One match is enough.
set enable_hashjoin = off;
set enable_mergejoin = off;
select count(*) from small s where exists (select from items i where i.id >= s.id);
