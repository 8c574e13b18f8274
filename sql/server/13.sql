-- one row: the server, the session's role and the database
-- reads pg_database, pg_roles, pg_extension, pg_available_extensions, pg_class, pg_stat_database
-- needs no privilege
-- new in 13: first variant; later catalogs only add columns, which to_jsonb() reads by name
select
    pg_catalog.current_setting('server_version_num')::pg_catalog.int4 as version_num,
    pg_catalog.current_setting('server_version') as version,
    d.datname as database,
    d.oid::pg_catalog.int8 as database_oid,
    (
        select pg_catalog.sum(c.relpages::pg_catalog.float8)
            * pg_catalog.current_setting('block_size')::pg_catalog.float8
        from pg_catalog.pg_class c
        where c.relkind in ('r', 'i', 't', 'm', 'S')
    ) as database_size_bytes,
    r.rolname as "user",
    r.rolsuper as is_superuser,
    (
        select coalesce(pg_catalog.json_agg(p.rolname order by p.rolname), '[]')
        from pg_catalog.pg_roles p
        where p.rolname ~ '^pg_' and pg_catalog.pg_has_role(r.oid, p.oid, 'usage')
    ) as predefined_roles,
    pg_catalog.pg_is_in_recovery() as in_recovery,
    coalesce(
        pg_catalog.to_jsonb(d) ->> 'datlocale',
        pg_catalog.to_jsonb(d) ->> 'daticulocale',
        d.datcollate
    ) as "collate",
    pg_catalog.pg_encoding_to_char(d.encoding) as encoding,
    pg_catalog.to_json(pg_catalog.current_schemas(true)) as search_path,
    (
        select coalesce(
            pg_catalog.json_object_agg(
                e.extname,
                pg_catalog.json_build_object('version', e.extversion, 'schema', n.nspname)
                order by e.extname
            ),
            '{}'
        )
        from pg_catalog.pg_extension e
        join pg_catalog.pg_namespace n on n.oid = e.extnamespace
    ) as extensions,
    (
        select coalesce(pg_catalog.json_agg(a.name order by a.name), '[]')
        from pg_catalog.pg_available_extensions() a
        where a.name = any ('{pg_stat_statements,hypopg,pg_trgm,btree_gin,btree_gist}'::pg_catalog.name[])
    ) as available_extensions,
    extract(epoch from pg_catalog.pg_postmaster_start_time())::pg_catalog.float8 as started_at,
    extract(epoch from pg_catalog.pg_stat_get_db_stat_reset_time(d.oid))::pg_catalog.float8 as stats_reset,
    extract(epoch from pg_catalog.transaction_timestamp())::pg_catalog.float8 as taken_at
from pg_catalog.pg_database d
join pg_catalog.pg_roles r on r.rolname = current_user
where d.datname = pg_catalog.current_database()
