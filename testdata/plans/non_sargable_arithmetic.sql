-- Arithmetic around the key.
-- expect: non-sargable
select * from orders where id + 1 = 5;
