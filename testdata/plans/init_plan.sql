-- The value is computed once, and waited for by the scan that compares with it.
select count(*) from orders where total > (select avg(total) from orders o2 where o2.status = 'done');
