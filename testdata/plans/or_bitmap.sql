-- Each has one.
select * from orders where id = 5 or created = timestamp '2026-03-01 00:00';
