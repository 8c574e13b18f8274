-- A CTE whose two scans wait for it.
with busy as materialized (select customer_id, count(*) as n from orders group by customer_id)
select count(*) from busy a join busy b on a.n = b.n + 1;
