-- one row a table constraint; NOT NULL constraints (18+) are left to the columns, trigger constraints are left out
-- reads pg_constraint, pg_class, pg_attribute
-- needs no privilege; tables in $1 (oid[]) are not opened
-- new in 13: first variant; later catalogs only add columns, which to_jsonb() reads by name
select
    k.conname as name,
    k.conrelid::pg_catalog.int8 as table_oid,
    k.contype as kind,
    (
        select coalesce(pg_catalog.json_agg(a.attname order by c.position), '[]')
        from pg_catalog.unnest(k.conkey) with ordinality c (attnum, position)
        join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = c.attnum
    ) as columns,
    nullif(k.confrelid, 0)::pg_catalog.int8 as foreign_table_oid,
    (
        select coalesce(pg_catalog.json_agg(a.attname order by c.position), '[]')
        from pg_catalog.unnest(k.confkey) with ordinality c (attnum, position)
        join pg_catalog.pg_attribute a on a.attrelid = k.confrelid and a.attnum = c.attnum
    ) as foreign_columns,
    nullif(k.conindid, 0)::pg_catalog.int8 as index_oid,
    nullif(nullif(k.confdeltype::pg_catalog.text, ' '), '') as on_delete,
    k.convalidated as validated,
    coalesce((pg_catalog.to_jsonb(k) ->> 'conenforced')::pg_catalog.bool, true) as enforced,
    k.condeferrable as deferrable,
    case when k.contype in ('c', 'x') and not k.conrelid = any ($1::pg_catalog.oid[]) then
        pg_catalog.pg_get_constraintdef(k.oid)
    end as definition
from pg_catalog.pg_constraint k
join pg_catalog.pg_class t on t.oid = k.conrelid
join pg_catalog.pg_namespace n on n.oid = t.relnamespace
where k.contype in ('p', 'u', 'f', 'c', 'x')
    and n.nspname <> all ('{pg_catalog,information_schema,pg_toast}'::pg_catalog.name[])
    and not pg_catalog.pg_is_other_temp_schema(n.oid)
order by k.conrelid, k.conname collate "C"
