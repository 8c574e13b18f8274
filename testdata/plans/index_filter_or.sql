-- One index cannot serve both sides of OR.
set enable_seqscan = off;
select * from events where kind = 3 and (happened = timestamp '2026-01-01 00:16:43' or payload = 'none');
