-- No btree index could take this filter.
-- expect: like-leading
set enable_seqscan = off;
select * from events where kind = 3 and payload like '%77777%';
