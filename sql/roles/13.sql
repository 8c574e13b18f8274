-- one row a role that ran a kept statement ($1, oid[]) or has a search_path of its own; oid 0 stands for every role
-- reads pg_roles, pg_db_role_setting, pg_database
-- needs no privilege
-- new in 13: first variant
select
    w.oid::pg_catalog.int8 as oid,
    r.rolname as name,
    (
        select pg_catalog.substr(s.option, pg_catalog.length('search_path=') + 1)
        from pg_catalog.pg_db_role_setting p
        left join pg_catalog.pg_database d on d.oid = p.setdatabase
        cross join lateral pg_catalog.unnest(p.setconfig) s (option)
        where p.setrole = w.oid
            and (p.setdatabase = 0 or d.datname = pg_catalog.current_database())
            and s.option like 'search\_path=%'
        order by p.setdatabase = 0
        limit 1
    ) as search_path
from (
    select pg_catalog.unnest($1::pg_catalog.oid[]) as oid
    union
    select p.setrole
    from pg_catalog.pg_db_role_setting p
    left join pg_catalog.pg_database d on d.oid = p.setdatabase
    where p.setdatabase = 0 or d.datname = pg_catalog.current_database()
) w
left join pg_catalog.pg_roles r on r.oid = w.oid
order by w.oid
