-- A list in the condition of the index, and a filter that keeps everything.
set enable_seqscan = off;
select * from events where kind in (3, 4, 5) and id > 0;
