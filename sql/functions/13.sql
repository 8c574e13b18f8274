-- one row a function or plain aggregate that somebody made and no extension or type owns, as it would be created again
-- reads pg_proc, pg_aggregate, pg_namespace, pg_language, pg_depend
-- needs no privilege; bodies of standard SQL (14+), which would open relations, are null
-- new in 13: first variant; later catalogs only add columns, which to_jsonb() reads by name
select
    p.oid::pg_catalog.int8 as oid,
    n.nspname as schema,
    p.proname as name,
    l.lanname as language,
    case
        when p.prokind = 'a' then pg_catalog.format(
            'CREATE AGGREGATE %I.%I(%s) (SFUNC = %s, STYPE = %s%s%s%s%s)',
            n.nspname,
            p.proname,
            pg_catalog.pg_get_function_identity_arguments(p.oid),
            a.aggtransfn::pg_catalog.regproc,
            pg_catalog.format_type(a.aggtranstype, null),
            case when a.aggfinalfn <> 0 then ', FINALFUNC = ' || a.aggfinalfn::pg_catalog.regproc end,
            case when a.aggcombinefn <> 0 then ', COMBINEFUNC = ' || a.aggcombinefn::pg_catalog.regproc end,
            case when a.agginitval is not null then ', INITCOND = ' || pg_catalog.quote_literal(a.agginitval) end,
            case when p.proparallel = 's' then ', PARALLEL = SAFE' end
        )
        when pg_catalog.to_jsonb(p) ->> 'prosqlbody' is null then pg_catalog.pg_get_functiondef(p.oid)
    end as definition
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
join pg_catalog.pg_language l on l.oid = p.prolang
left join pg_catalog.pg_aggregate a on a.aggfnoid = p.oid
where (p.prokind = 'f' or p.prokind = 'a' and a.aggkind = 'n')
    and n.nspname <> all ('{pg_catalog,information_schema,pg_toast}'::pg_catalog.name[])
    and not pg_catalog.pg_is_other_temp_schema(n.oid)
    and not exists (
        select
        from pg_catalog.pg_depend d
        where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
            and d.objid = p.oid
            and d.deptype in ('e', 'i')
    )
    and p.prorettype <> all ('{trigger,event_trigger}'::pg_catalog.regtype[])
order by p.oid
