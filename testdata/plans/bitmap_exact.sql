-- The same with room for all pages.
set enable_seqscan = off;
set enable_indexscan = off;
select * from events where kind = 3;
