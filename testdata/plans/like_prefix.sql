-- A known begin: another kind of index, and no trigrams.
-- expect: seq-scan-selective
select * from orders where note like 'order 7777.%';
