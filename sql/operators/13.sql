-- one row an operator that somebody made and no extension owns, as it would be created again
-- reads pg_operator, pg_proc, pg_namespace, pg_depend
-- needs no privilege
-- new in 13: first variant
select
    n.nspname as schema,
    o.oprname as name,
    pg_catalog.concat(
        pg_catalog.format('CREATE OPERATOR %I.%s (FUNCTION = %I.%I', n.nspname, o.oprname, pn.nspname, p.proname),
        case when o.oprleft <> 0 then ', LEFTARG = ' || pg_catalog.format_type(o.oprleft, null) end,
        case when o.oprright <> 0 then ', RIGHTARG = ' || pg_catalog.format_type(o.oprright, null) end,
        case when c.oid is not null then pg_catalog.format(', COMMUTATOR = OPERATOR(%I.%s)', cn.nspname, c.oprname) end,
        case when g.oid is not null then pg_catalog.format(', NEGATOR = OPERATOR(%I.%s)', gn.nspname, g.oprname) end,
        case when o.oprrest <> 0 then ', RESTRICT = ' || o.oprrest::pg_catalog.regproc end,
        case when o.oprjoin <> 0 then ', JOIN = ' || o.oprjoin::pg_catalog.regproc end,
        case when o.oprcanhash then ', HASHES' end,
        case when o.oprcanmerge then ', MERGES' end,
        ')'
    ) as definition
from pg_catalog.pg_operator o
join pg_catalog.pg_namespace n on n.oid = o.oprnamespace
join pg_catalog.pg_proc p on p.oid = o.oprcode
join pg_catalog.pg_namespace pn on pn.oid = p.pronamespace
left join pg_catalog.pg_operator c on c.oid = o.oprcom
left join pg_catalog.pg_namespace cn on cn.oid = c.oprnamespace
left join pg_catalog.pg_operator g on g.oid = o.oprnegate
left join pg_catalog.pg_namespace gn on gn.oid = g.oprnamespace
where n.nspname <> all ('{pg_catalog,information_schema}'::pg_catalog.name[])
    and not exists (
        select
        from pg_catalog.pg_depend d
        where d.classid = 'pg_catalog.pg_operator'::pg_catalog.regclass
            and d.objid = o.oid
            and d.deptype = 'e'
    )
order by o.oid
