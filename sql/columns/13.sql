-- one row a column of a relation that sql/tables gives, in attribute order, without its statistics
-- reads pg_attribute, pg_type, pg_collation, pg_opclass, pg_amproc, pg_cast, pg_database
-- needs no privilege
-- new in 13: first variant; later catalogs only add columns, which to_jsonb() reads by name
with recursive attributes as (
    select
        a.attrelid,
        a.attnum,
        a.attname,
        a.atttypid,
        a.atttypmod,
        a.attlen,
        a.attalign,
        a.attnotnull,
        a.attgenerated,
        a.attcollation
    from pg_catalog.pg_attribute a
    join pg_catalog.pg_class c on c.oid = a.attrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'm', 'v', 'f')
        and n.nspname <> all ('{pg_catalog,information_schema,pg_toast}'::pg_catalog.name[])
        and not pg_catalog.pg_is_other_temp_schema(n.oid)
        and a.attnum > 0
        and not a.attisdropped
),
-- domains to their base types, arrays to their elements: an array is a btree key if its element is
bases as (
    select distinct a.atttypid as used, a.atttypid as oid
    from attributes a
    union
    select b.used, t.typbasetype
    from bases b
    join pg_catalog.pg_type t on t.oid = b.oid
    where t.typtype = 'd'
),
resolved as (
    select b.used, t.oid, t.typname, t.typcategory, t.typtype, t.typelem, t.typlen
    from bases b
    join pg_catalog.pg_type t on t.oid = b.oid
    where t.typtype <> 'd'
),
-- what GetDefaultOpClass of the server finds: the type itself, one it is binary-coercible to, or a polymorphic class
classes as (
    select
        o.opcintype,
        exists (
            select
            from pg_catalog.pg_amproc p
            where p.amprocfamily = o.opcfamily
                and p.amproclefttype = o.opcintype
                and p.amprocrighttype = o.opcintype
                and p.amprocnum = 4
        ) as equalimage
    from pg_catalog.pg_opclass o
    join pg_catalog.pg_am m on m.oid = o.opcmethod
    where m.amname = 'btree' and o.opcdefault
),
keys as (
    select r.used, pg_catalog.bool_or(k.equalimage) as equalimage
    from resolved r
    left join pg_catalog.pg_type e on e.oid = r.typelem
    join classes k on k.opcintype = r.oid
        or k.opcintype in (
            select s.casttarget
            from pg_catalog.pg_cast s
            where s.castsource = r.oid and s.castmethod = 'b' and s.castcontext = 'i'
        )
        or k.opcintype = case r.typtype
            when 'e' then 'pg_catalog.anyenum'::pg_catalog.regtype
            when 'r' then 'pg_catalog.anyrange'::pg_catalog.regtype
            when 'm' then pg_catalog.to_regtype('pg_catalog.anymultirange')
            when 'c' then 'pg_catalog.record'::pg_catalog.regtype
            else case when r.typlen = -1 and r.typcategory = 'A' and (
                e.typtype in ('e', 'r', 'm', 'c')
                or e.oid in (select c.opcintype from classes c)
                or exists (
                    select
                    from pg_catalog.pg_cast s
                    join classes c on c.opcintype = s.casttarget
                    where s.castsource = e.oid and s.castmethod = 'b' and s.castcontext = 'i'
                )
            ) then 'pg_catalog.anyarray'::pg_catalog.regtype end
        end
    group by r.used
),
collations as (
    select
        o.oid,
        o.collname,
        o.collisdeterministic,
        case when o.collprovider = 'd' then coalesce(pg_catalog.to_jsonb(d) ->> 'datlocprovider', 'c')
            else o.collprovider::pg_catalog.text end as provider,
        case when o.collprovider = 'd'
            then coalesce(
                pg_catalog.to_jsonb(d) ->> 'datlocale',
                pg_catalog.to_jsonb(d) ->> 'daticulocale',
                d.datcollate
            )
            else coalesce(pg_catalog.to_jsonb(o) ->> 'colllocale', o.collcollate)
        end as locale
    from pg_catalog.pg_collation o
    join pg_catalog.pg_database d on d.datname = pg_catalog.current_database()
    where o.oid in (select a.attcollation from attributes a)
)
select
    a.attrelid::pg_catalog.int8 as table_oid,
    a.attnum,
    a.attname as name,
    pg_catalog.format_type(a.atttypid, a.atttypmod) as type_name,
    r.typname as base_type,
    r.typcategory as category,
    a.attlen as typlen,
    a.attalign as typalign,
    a.attnotnull as not_null,
    o.collname as collation,
    coalesce(
        o.provider = 'c' and o.locale in ('C', 'POSIX')
            or o.provider = 'b' and o.locale in ('C', 'C.UTF-8', 'PG_UNICODE_FAST'),
        false
    ) as collation_is_c,
    coalesce(o.collisdeterministic, true) as collation_deterministic,
    k.used is not null as btree,
    coalesce(k.equalimage, false) and coalesce(o.collisdeterministic, true) as dedup,
    a.attgenerated as generated
from attributes a
join resolved r on r.used = a.atttypid
left join keys k on k.used = a.atttypid
left join collations o on o.oid = a.attcollation
order by a.attrelid, a.attnum
