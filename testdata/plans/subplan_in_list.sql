-- A subquery for each row.
-- expect: seq-scan-in-loop
select c.id, (select count(*) from orders o where o.customer_id = c.id) from customers c where c.id <= 40;
