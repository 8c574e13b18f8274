-- Few rows of a large table, without an index.
-- expect: seq-scan-selective
select * from orders where status = 'open';
