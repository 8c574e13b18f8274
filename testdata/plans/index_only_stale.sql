-- The visibility map is stale.
-- expect: heap-fetches
set enable_seqscan = off;
set enable_bitmapscan = off;
select count(*) from stale where id between 1 and 40000;
