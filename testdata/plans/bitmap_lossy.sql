-- A bitmap of more pages than work_mem has room for.
-- expect: bitmap-lossy
set work_mem = '64kB';
set enable_seqscan = off;
set enable_indexscan = off;
select * from events where kind = 3;
