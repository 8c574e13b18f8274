-- Each value of a list is searched once.
-- since: 18
set enable_seqscan = off;
set enable_bitmapscan = off;
select * from orders where id = any (array(select generate_series(1, 60000, 40)));
