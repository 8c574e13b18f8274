-- one row a table or index with storage: its length now, which the planner goes by
-- reads pg_class, the files' lengths
-- needs no privilege; relations in $1 (oid[]) are not opened
-- new in 13: first variant
select
    c.oid::pg_catalog.int8 as oid,
    case when not c.oid = any ($1::pg_catalog.oid[]) then
        pg_catalog.pg_relation_size(c.oid)::pg_catalog.float8
        / pg_catalog.current_setting('block_size')::pg_catalog.float8
    end as pages
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'm', 'i')
    and n.nspname <> all ('{pg_catalog,information_schema,pg_toast}'::pg_catalog.name[])
    and not pg_catalog.pg_is_other_temp_schema(n.oid)
order by c.oid
