-- Only planned.
-- explain: verbose
-- expect: seq-scan-selective
select * from events where payload = 'payload 7';
