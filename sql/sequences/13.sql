-- one row a sequence outside of the system schemas, with the column that it belongs to
-- reads pg_sequence, pg_class, pg_namespace, pg_depend, pg_attribute, pg_type
-- needs no privilege
-- new in 13: first variant
select
    c.oid::pg_catalog.int8 as oid,
    n.nspname as schema,
    c.relname as name,
    s.seqmin as min_value,
    s.seqmax as max_value,
    s.seqincrement as increment,
    s.seqcycle as cycle,
    d.refobjid::pg_catalog.int8 as table_oid,
    a.attname as "column",
    t.typname as column_type
from pg_catalog.pg_sequence s
join pg_catalog.pg_class c on c.oid = s.seqrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_depend d
    on d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    and d.objid = c.oid
    and d.objsubid = 0
    and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    and d.refobjsubid > 0
    and d.deptype in ('a', 'i')
left join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
left join pg_catalog.pg_type t on t.oid = a.atttypid
where n.nspname <> all ('{pg_catalog,information_schema,pg_toast}'::pg_catalog.name[])
    and c.relpersistence <> 't'
order by c.oid
