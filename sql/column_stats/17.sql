-- one row a column, or an expression of an index, of pg_stats: inherited figures for partitioned tables, own ones else
-- reads pg_stats, pg_class, pg_namespace, pg_attribute
-- needs SELECT on the column (or pg_read_all_data), or owning the index: other rows are absent; $1 (boolean) false leaves the values out
-- new in 17: the three range histograms
select
    c.oid::pg_catalog.int8 as table_oid,
    a.attnum,
    s.null_frac,
    s.avg_width,
    s.n_distinct,
    case when $1 then s.most_common_vals::pg_catalog.text end as most_common_vals,
    s.most_common_freqs,
    case when $1 then s.histogram_bounds::pg_catalog.text end as histogram_bounds,
    s.correlation,
    case when $1 then s.most_common_elems::pg_catalog.text end as most_common_elems,
    s.most_common_elem_freqs,
    s.elem_count_histogram,
    case when $1 then s.range_length_histogram::pg_catalog.text end as range_length_histogram,
    s.range_empty_frac,
    case when $1 then s.range_bounds_histogram::pg_catalog.text end as range_bounds_histogram
from pg_catalog.pg_stats s
join pg_catalog.pg_namespace n on n.nspname = s.schemaname
join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = s.tablename
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = s.attname
where c.relkind in ('r', 'p', 'm', 'f', 'i')
    and s.inherited = (c.relkind = 'p')
    and s.schemaname <> all ('{pg_catalog,information_schema,pg_toast}'::pg_catalog.name[])
    and not pg_catalog.pg_is_other_temp_schema(n.oid)
order by c.oid, a.attnum
