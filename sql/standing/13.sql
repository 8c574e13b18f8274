-- one row: what the name $1 (schema), $2 (name) stands for, and who else than $3 (pid) builds an index on the same table
-- reads pg_class, pg_namespace, pg_index, pg_stat_progress_create_index, pg_locks
-- needs no privilege; of builds that the role may not see their locks tell the table
-- new in 13: first variant
select
    c.oid::pg_catalog.int8 as oid,
    c.relkind::pg_catalog.text as kind,
    i.indrelid::pg_catalog.int8 as table_oid,
    i.indislive as live,
    (
        select p.pid
        from pg_catalog.pg_stat_progress_create_index p
        where p.pid <> $3::pg_catalog.int4
            and p.datname = pg_catalog.current_database()
            and (p.relid = i.indrelid or p.relid is null and exists (
                select from pg_catalog.pg_locks l
                where l.pid = p.pid
                    and l.locktype = 'relation'
                    and l.relation = i.indrelid
                    and l.mode = 'ShareUpdateExclusiveLock'
                    and l.granted
            ))
        order by p.pid
        limit 1
    ) as builder
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_index i on i.indexrelid = c.oid
where n.nspname = $1::pg_catalog.text and c.relname = $2::pg_catalog.text
order by c.oid
