-- Nobody reads what the CTE returns.
-- explain: rollback
with gone as (delete from items where quantity = 7 returning id)
select 1;
