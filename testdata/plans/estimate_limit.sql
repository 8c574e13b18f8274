-- Stopped early, not expected wrongly.
select * from (select o.id, o.status, i.product_id from orders o join items i on i.id = o.id) x limit 5;
