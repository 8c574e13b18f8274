-- The walk ends at once.
set enable_sort = off;
select * from orders where status = 'done' order by created limit 5;
