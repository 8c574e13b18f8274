-- 1,000 rows are expected of any function.
-- expect: function-rows
set enable_nestloop = off;
create or replace function many() returns setof int language plpgsql as $$ begin return query select generate_series(1, 20000); end $$;
select count(o.note) from many() m join orders o on o.id = m;
