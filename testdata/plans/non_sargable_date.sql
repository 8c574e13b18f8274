-- The day of a timestamp is compared: the index on created is of no use.
-- expect: non-sargable
select sum(total) from orders where created::date = date '2026-03-01';
