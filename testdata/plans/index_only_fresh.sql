-- The visibility map is fresh.
set enable_seqscan = off;
set enable_bitmapscan = off;
select count(*) from orders where id between 1 and 40000;
