-- One of the alternatives has no index.
-- expect: or-no-bitmap, seq-scan-selective
select * from orders where id = 5 or customer_id = 7;
