-- A subquery for each row that finds its rows by an index.
select c.id, (select max(e.happened) from events e where e.kind = c.id) from customers c where c.id <= 15;
