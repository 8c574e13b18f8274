-- The server knows how many a series has. Before 15 its hash table is in several parts.
-- expect: hash-batches
-- expect 15+: nothing
set enable_nestloop = off;
select count(o.note) from generate_series(1, 20000) m join orders o on o.id = m;
