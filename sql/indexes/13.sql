-- one row an index of a relation that sql/tables gives, from the catalogs; only expressions and predicates are deparsed
-- reads pg_index, pg_class, pg_attribute, pg_opclass, pg_collation, pg_constraint, pg_inherits
-- needs no privilege; tables in $1 (oid[]) are not opened; operator classes are qualified unless their schema is in $2 (text[])
-- new in 13: first variant
select
    i.indexrelid::pg_catalog.int8 as oid,
    n.nspname as schema,
    x.relname as name,
    i.indrelid::pg_catalog.int8 as table_oid,
    pg_catalog.json_build_object('schema', tn.nspname, 'name', t.relname) as "table",
    m.amname as method,
    (
        select pg_catalog.json_agg(
            pg_catalog.json_build_object(
                'of', case when k.attnum <> 0 then pg_catalog.json_build_object('column', a.attname)
                    else pg_catalog.json_build_object('expression', coalesce(
                        case when not i.indrelid = any ($1::pg_catalog.oid[]) then
                            pg_catalog.pg_get_indexdef(i.indexrelid, k.position::pg_catalog.int4, true)
                        end,
                        ''
                    )) end,
                'descending', i.indoption[k.position - 1] & 1 <> 0,
                'nulls_first', i.indoption[k.position - 1] & 2 <> 0,
                'opclass', case when not o.opcdefault or xa.attoptions is not null then
                    case when o.nspname = 'pg_catalog' or o.nspname = any ($2::pg_catalog.text[]) then ''
                        else pg_catalog.quote_ident(o.nspname) || '.' end
                    || pg_catalog.quote_ident(o.opcname)
                    || coalesce((
                        select ' (' || pg_catalog.string_agg(
                            pg_catalog.quote_ident(p.option_name) || '=' || pg_catalog.quote_literal(p.option_value), ', '
                        ) || ')'
                        from pg_catalog.pg_options_to_table(xa.attoptions) p
                    ), '') end,
                'collation', case when i.indcollation[k.position - 1] <> coalesce(a.attcollation, 100) then l.collname end
            )
            order by k.position
        )
        from pg_catalog.unnest(i.indkey::pg_catalog.int2[]) with ordinality k (attnum, position)
        join pg_catalog.pg_attribute xa on xa.attrelid = i.indexrelid and xa.attnum = k.position
        left join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum and k.attnum <> 0
        left join (
            select oc.oid, oc.opcname, oc.opcdefault, oc.opckeytype, ns.nspname
            from pg_catalog.pg_opclass oc
            join pg_catalog.pg_namespace ns on ns.oid = oc.opcnamespace
        ) o on o.oid = i.indclass[k.position - 1]
        left join pg_catalog.pg_collation l on l.oid = nullif(i.indcollation[k.position - 1], 0)
        where k.position <= i.indnkeyatts
    ) as keys,
    (
        select coalesce(pg_catalog.json_agg(a.attname order by k.position), '[]')
        from pg_catalog.unnest(i.indkey::pg_catalog.int2[]) with ordinality k (attnum, position)
        join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
        where k.position > i.indnkeyatts
    ) as include,
    case when i.indpred is not null then coalesce(
        case when not i.indrelid = any ($1::pg_catalog.oid[]) then
            pg_catalog.pg_get_expr(i.indpred, i.indrelid, true)
        end,
        ''
    ) end as predicate,
    i.indisunique as "unique",
    i.indisprimary as "primary",
    i.indisexclusion as exclusion,
    i.indisvalid as valid,
    i.indisready as ready,
    i.indisreplident as replica_identity,
    i.indisclustered as clustered,
    false as nulls_not_distinct,
    c.conname as "constraint",
    h.inhparent::pg_catalog.int8 as parent_oid,
    x.relpages::pg_catalog.float8 as relpages,
    x.reltuples::pg_catalog.float8 as reltuples,
    i.indexprs is not null and not pg_catalog.has_table_privilege(i.indexrelid, 'select') as stats_hidden
from pg_catalog.pg_index i
join pg_catalog.pg_class x on x.oid = i.indexrelid
join pg_catalog.pg_namespace n on n.oid = x.relnamespace
join pg_catalog.pg_am m on m.oid = x.relam
join pg_catalog.pg_class t on t.oid = i.indrelid
join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
left join pg_catalog.pg_constraint c on c.conindid = i.indexrelid and c.contype in ('p', 'u', 'x')
left join pg_catalog.pg_inherits h on h.inhrelid = i.indexrelid
where i.indislive
    and t.relkind in ('r', 'p', 'm')
    and tn.nspname <> all ('{pg_catalog,information_schema,pg_toast}'::pg_catalog.name[])
    and not pg_catalog.pg_is_other_temp_schema(tn.oid)
order by i.indrelid, i.indexrelid
