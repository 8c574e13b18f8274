-- one row a relation that statements can read, outside of the system schemas and other sessions' temporary ones
-- reads pg_class, pg_namespace, pg_inherits, pg_partitioned_table, pg_depend, pg_stat_all_tables
-- needs no privilege; relations in $1 (oid[]) are not opened, so that no lock is waited for
-- new in 13: first variant
select
    c.oid::pg_catalog.int8 as oid,
    n.nspname as schema,
    c.relname as name,
    c.relkind as kind,
    c.relpersistence as persistence,
    c.reltuples::pg_catalog.float8 as reltuples,
    c.relpages::pg_catalog.float8 as relpages,
    c.relallvisible::pg_catalog.float8 as relallvisible,
    coalesce(
        (
            select o.option_value::pg_catalog.float8
            from pg_catalog.pg_options_to_table(c.reloptions) o
            where o.option_name = 'fillfactor'
        ),
        100
    ) as fillfactor,
    case when c.relispartition then (
        select h.inhparent::pg_catalog.int8 from pg_catalog.pg_inherits h where h.inhrelid = c.oid limit 1
    ) end as parent_oid,
    case when c.relkind = 'p' and c.oid <> all ($1::pg_catalog.oid[]) then
        pg_catalog.pg_get_partkeydef(c.oid)
    end as partition_key,
    coalesce(
        (
            select pg_catalog.json_agg(a.attname order by k.position)
            from pg_catalog.pg_partitioned_table p
            cross join lateral pg_catalog.unnest(p.partattrs::pg_catalog.int2[]) with ordinality k (attnum, position)
            join pg_catalog.pg_attribute a on a.attrelid = p.partrelid and a.attnum = k.attnum
            where p.partrelid = c.oid and k.attnum > 0
        ),
        '[]'
    ) as partition_columns,
    (
        select e.extname
        from pg_catalog.pg_depend d
        join pg_catalog.pg_extension e on e.oid = d.refobjid
        where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and d.objid = c.oid
            and d.objsubid = 0
            and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
            and d.deptype = 'e'
        limit 1
    ) as extension,
    c.relrowsecurity as row_security,
    case when c.relkind in ('r', 'm') then
        greatest(pg_catalog.age(c.relfrozenxid), pg_catalog.age(t.relfrozenxid))::pg_catalog.float8
    end as xid_age,
    case when c.relkind in ('r', 'm') then
        greatest(pg_catalog.mxid_age(c.relminmxid), pg_catalog.mxid_age(t.relminmxid))::pg_catalog.float8
    end as mxid_age,
    coalesce(t.relpages, 0)::pg_catalog.float8 as toast_pages,
    c.relreplident as replica_identity,
    pg_catalog.has_table_privilege(c.oid, 'select') as readable,
    pg_catalog.row_security_active(c.oid) as policed,
    case when c.relkind in ('r', 'm', 'p') and s.relid is not null then pg_catalog.json_build_object(
        'seq_scan', s.seq_scan,
        'seq_tup_read', s.seq_tup_read,
        'idx_scan', coalesce(s.idx_scan, 0),
        'idx_tup_fetch', coalesce(s.idx_tup_fetch, 0),
        'n_tup_ins', s.n_tup_ins,
        'n_tup_upd', s.n_tup_upd,
        'n_tup_del', s.n_tup_del,
        'n_tup_hot_upd', s.n_tup_hot_upd,
        'n_live_tup', s.n_live_tup,
        'n_dead_tup', s.n_dead_tup,
        'n_mod_since_analyze', s.n_mod_since_analyze,
        'n_ins_since_vacuum', s.n_ins_since_vacuum,
        'last_vacuum', extract(epoch from greatest(s.last_vacuum, s.last_autovacuum))::pg_catalog.float8,
        'last_analyze', extract(epoch from greatest(s.last_analyze, s.last_autoanalyze))::pg_catalog.float8
    ) end as stats
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_class t on t.oid = c.reltoastrelid
left join pg_catalog.pg_stat_all_tables s on s.relid = c.oid
where c.relkind in ('r', 'p', 'm', 'v', 'f')
    and n.nspname <> all ('{pg_catalog,information_schema,pg_toast}'::pg_catalog.name[])
    and not pg_catalog.pg_is_other_temp_schema(n.oid)
order by c.oid
