-- one row a type that somebody made: enum, domain, range or free-standing composite
-- reads pg_type, pg_enum, pg_range, pg_attribute, pg_constraint, pg_depend
-- needs no privilege
-- new in 13: first variant
select
    t.oid::pg_catalog.int8 as oid,
    n.nspname as schema,
    t.typname as name,
    t.typtype as kind,
    (
        select coalesce(pg_catalog.json_agg(e.enumlabel order by e.enumsortorder), '[]')
        from pg_catalog.pg_enum e
        where e.enumtypid = t.oid
    ) as labels,
    case
        when t.typtype = 'd' then pg_catalog.format_type(t.typbasetype, t.typtypmod)
        when t.typtype = 'r' then (
            select pg_catalog.format_type(r.rngsubtype, null)
            from pg_catalog.pg_range r
            where r.rngtypid = t.oid
        )
    end as base_type,
    t.typnotnull as not_null,
    (
        select coalesce(pg_catalog.json_agg(pg_catalog.pg_get_constraintdef(k.oid) order by k.conname collate "C"), '[]')
        from pg_catalog.pg_constraint k
        where k.contypid = t.oid and k.contype = 'c'
    ) as checks,
    (
        select coalesce(
            pg_catalog.json_agg(
                pg_catalog.json_build_object(
                    'name', a.attname,
                    'type_name', pg_catalog.format_type(a.atttypid, a.atttypmod)
                )
                order by a.attnum
            ),
            '[]'
        )
        from pg_catalog.pg_attribute a
        where a.attrelid = nullif(t.typrelid, 0) and a.attnum > 0 and not a.attisdropped
    ) as attributes,
    (
        select x.extname
        from pg_catalog.pg_depend d
        join pg_catalog.pg_extension x on x.oid = d.refobjid
        where d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
            and d.objid = t.oid
            and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
            and d.deptype = 'e'
        limit 1
    ) as extension
from pg_catalog.pg_type t
join pg_catalog.pg_namespace n on n.oid = t.typnamespace
left join pg_catalog.pg_class c on c.oid = t.typrelid
where (t.typtype in ('e', 'd', 'r') or t.typtype = 'c' and c.relkind = 'c')
    and n.nspname <> all ('{pg_catalog,information_schema,pg_toast}'::pg_catalog.name[])
    and not pg_catalog.pg_is_other_temp_schema(n.oid)
order by t.oid
