-- An index finds 5,000 rows, one of them is wanted.
-- expect: index-filter-waste
set enable_seqscan = off;
select * from events where kind = 3 and happened = timestamp '2026-01-01 00:16:43';
