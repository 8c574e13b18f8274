-- one row a table, index or materialized view with storage options, a partition bound or plain inheritance
-- reads pg_class, pg_inherits
-- needs no privilege; relations in $1 (oid[]) are not opened
-- new in 13: first variant
select
    c.oid::pg_catalog.int8 as oid,
    pg_catalog.to_json(coalesce(c.reloptions, '{}'::pg_catalog.text[])) as options,
    case when c.relispartition and c.relkind in ('r', 'p', 'f') and not c.oid = any ($1::pg_catalog.oid[]) then
        pg_catalog.pg_get_expr(c.relpartbound, c.oid)
    end as partition_bound,
    (
        select coalesce(pg_catalog.json_agg(h.inhparent::pg_catalog.int8 order by h.inhseqno), '[]')
        from pg_catalog.pg_inherits h
        where h.inhrelid = c.oid and not c.relispartition
    ) as inherits
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'm', 'f', 'i', 'I')
    and (
        c.reloptions is not null
        or c.relispartition and c.relkind in ('r', 'p', 'f')
        or not c.relispartition and exists (
            select from pg_catalog.pg_inherits h where h.inhrelid = c.oid
        )
    )
    and n.nspname <> all ('{pg_catalog,information_schema,pg_toast}'::pg_catalog.name[])
    and not pg_catalog.pg_is_other_temp_schema(n.oid)
order by c.oid
