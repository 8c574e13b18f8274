-- Arithmetic around the key.
-- expect: non-sargable, seq-scan-selective
select * from orders where id + 1 = 5;
