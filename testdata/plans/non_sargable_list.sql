-- A list of values for what is made of the column.
-- expect: non-sargable
select * from orders where id::text in ('5', '6', '7');
