-- one row a view or materialized view named in $1 (oid[]): its text; null if it reads a relation in $2 (oid[])
-- reads pg_rewrite, pg_depend, and the definitions through pg_get_viewdef
-- needs no privilege; pg_get_viewdef opens what the view reads and keeps those locks: roll back to a savepoint afterwards
-- new in 13: first variant
select
    v.oid::pg_catalog.int8 as oid,
    case when v.oid <> all ($2::pg_catalog.oid[]) and not exists (
        select
        from pg_catalog.pg_rewrite r
        join pg_catalog.pg_depend d
            on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
            and d.objid = r.oid
            and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
        where r.ev_class = v.oid and d.refobjid = any ($2::pg_catalog.oid[])
    ) then pg_catalog.pg_get_viewdef(v.oid) end as view_definition
from pg_catalog.unnest($1::pg_catalog.oid[]) v (oid)
order by v.oid
