-- one row a CREATE STATISTICS object
-- reads pg_statistic_ext, pg_stats_ext, pg_attribute
-- needs SELECT on its columns for the figures, which are null without it; tables in $1 (oid[]) are not opened
-- new in 13: first variant
select
    n.nspname as schema,
    e.stxname as name,
    e.stxrelid::pg_catalog.int8 as table_oid,
    pg_catalog.to_json(e.stxkind) as kinds,
    (
        select coalesce(pg_catalog.json_agg(a.attname order by c.position), '[]')
        from pg_catalog.unnest(e.stxkeys::pg_catalog.int2[]) with ordinality c (attnum, position)
        join pg_catalog.pg_attribute a on a.attrelid = e.stxrelid and a.attnum = c.attnum
    ) as columns,
    pg_catalog.to_json('{}'::pg_catalog.text[]) as expressions,
    s.n_distinct::pg_catalog.text as n_distinct,
    s.dependencies::pg_catalog.text as dependencies,
    (
        select coalesce(
            pg_catalog.json_agg(
                pg_catalog.json_build_object(
                    'values', (
                        select pg_catalog.json_agg(s.most_common_vals[i.i][j.j] order by j.j)
                        from pg_catalog.generate_subscripts(s.most_common_vals, 2) j (j)
                    ),
                    'frequency', s.most_common_freqs[i.i],
                    'base_frequency', s.most_common_base_freqs[i.i]
                )
                order by i.i
            ),
            '[]'
        )
        from pg_catalog.generate_subscripts(s.most_common_freqs, 1) i (i)
    ) as most_common
from pg_catalog.pg_statistic_ext e
cross join (select $1::pg_catalog.oid[]) skipped (oids)
join pg_catalog.pg_namespace n on n.oid = e.stxnamespace
left join pg_catalog.pg_stats_ext s
    on s.statistics_schemaname = n.nspname
    and s.statistics_name = e.stxname
where n.nspname <> all ('{pg_catalog,information_schema,pg_toast}'::pg_catalog.name[])
order by n.nspname collate "C", e.stxname collate "C"
