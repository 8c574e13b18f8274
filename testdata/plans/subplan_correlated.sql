-- A subquery for each row, each reading the table.
-- expect: seq-scan-in-loop, subplan-correlated
select c.id, (select sum(o.total) from orders o where o.customer_id = c.id) from customers c where c.id <= 100;
