-- The server knows how many a series has.
set enable_nestloop = off;
select count(o.note) from generate_series(1, 20000) m join orders o on o.id = m;
