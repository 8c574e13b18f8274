-- Each row once.
with recursive r(id) as (select 1 union all select s.id from r join small s on s.id = r.id + 1)
select count(*) from r;
