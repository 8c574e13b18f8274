-- Planned for as many as came.
set enable_hashjoin = off;
set enable_mergejoin = off;
select count(o.note) from customers c join orders o on o.id = c.id where c.id <= 2000;
