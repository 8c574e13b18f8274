-- one row a collation that somebody made and no extension owns, as it would be created again
-- reads pg_collation, pg_namespace, pg_depend
-- needs no privilege
-- new in 13: first variant; later catalogs only rename columns, which to_jsonb() reads by name
select
    n.nspname as schema,
    c.collname as name,
    pg_catalog.concat(
        pg_catalog.format('CREATE COLLATION %I.%I (', n.nspname, c.collname),
        case c.collprovider
            when 'c' then pg_catalog.format('PROVIDER = libc, LC_COLLATE = %L, LC_CTYPE = %L', c.collcollate, c.collctype)
            else pg_catalog.format(
                'PROVIDER = %s, LOCALE = %L',
                case c.collprovider when 'i' then 'icu' else 'builtin' end,
                coalesce(
                    pg_catalog.to_jsonb(c) ->> 'colllocale',
                    pg_catalog.to_jsonb(c) ->> 'colliculocale',
                    pg_catalog.to_jsonb(c) ->> 'collcollate'
                )
            )
        end,
        case when not c.collisdeterministic then ', DETERMINISTIC = false' end,
        ', RULES = ' || pg_catalog.quote_literal(pg_catalog.to_jsonb(c) ->> 'collicurules'),
        ')'
    ) as definition
from pg_catalog.pg_collation c
join pg_catalog.pg_namespace n on n.oid = c.collnamespace
where n.nspname <> all ('{pg_catalog,information_schema}'::pg_catalog.name[])
    and c.collprovider <> 'd'
    and not exists (
        select
        from pg_catalog.pg_depend d
        where d.classid = 'pg_catalog.pg_collation'::pg_catalog.regclass
            and d.objid = c.oid
            and d.deptype = 'e'
    )
order by c.oid
