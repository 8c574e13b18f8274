-- A function of the column.
-- expect: non-sargable
select count(*) from orders where upper(status) = 'OPEN';
