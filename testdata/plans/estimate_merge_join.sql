-- The inner side of a merge join is read again for equal values.
set enable_hashjoin = off;
set enable_nestloop = off;
select count(*) from items a join items b on a.quantity = b.quantity where a.id <= 700 and b.id <= 700;
