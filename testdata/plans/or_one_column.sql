-- Alternatives of one column are a list.
-- expect: seq-scan-selective
select * from orders where customer_id = 5 or customer_id = 7;
