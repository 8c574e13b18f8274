-- one row a generated column: its expression
-- reads pg_attribute, pg_attrdef
-- needs no privilege; relations in $1 (oid[]) are not opened
-- new in 13: first variant
select
    a.attrelid::pg_catalog.int8 as table_oid,
    a.attnum,
    case when not a.attrelid = any ($1::pg_catalog.oid[]) then
        pg_catalog.pg_get_expr(d.adbin, d.adrelid)
    end as expression
from pg_catalog.pg_attribute a
join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
join pg_catalog.pg_class c on c.oid = a.attrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where a.attgenerated <> ''
    and not a.attisdropped
    and n.nspname <> all ('{pg_catalog,information_schema,pg_toast}'::pg_catalog.name[])
    and not pg_catalog.pg_is_other_temp_schema(n.oid)
order by a.attrelid, a.attnum
