-- one row a relation of this database on which another session holds or awaits ACCESS EXCLUSIVE
-- reads pg_locks, pg_index, pg_class
-- needs no privilege
-- new in 13: first variant
select distinct
    coalesce(i.indrelid, l.relation)::pg_catalog.int8 as oid,
    n.nspname as schema,
    c.relname as name
from pg_catalog.pg_locks l
left join pg_catalog.pg_index i on i.indexrelid = l.relation
left join pg_catalog.pg_class c on c.oid = coalesce(i.indrelid, l.relation)
left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where l.locktype = 'relation'
    and l.mode = 'AccessExclusiveLock'
    and l.pid is distinct from pg_catalog.pg_backend_pid()
    and l.database = (
        select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()
    )
order by 1
