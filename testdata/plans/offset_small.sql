-- The first pages are cheap.
select * from orders order by id limit 10 offset 100;
