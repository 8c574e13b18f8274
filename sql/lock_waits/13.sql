-- one row a lock that is waited for
-- reads pg_locks, pg_class, pg_namespace
-- needs no privilege
-- new in 13: first variant
select
    l.pid,
    l.locktype,
    l.mode,
    case when l.database = d.oid then coalesce(n.nspname || '.' || c.relname, l.relation::pg_catalog.text) end as relation,
    null::pg_catalog.float8 as waitstart
from pg_catalog.pg_locks l
join pg_catalog.pg_database d on d.datname = pg_catalog.current_database()
left join pg_catalog.pg_class c on c.oid = l.relation and l.database = d.oid
left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where not l.granted and l.pid is not null
order by l.pid, l.locktype, l.mode
