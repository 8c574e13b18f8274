-- Many steps of one row each.
with recursive r(n) as (select 1 union all select n + 1 from r where n < 20000)
select count(*) from r;
