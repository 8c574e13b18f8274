-- Puts rows of pg_stats into pg_statistic, and the figures of pg_class, in a clone; for its superuser.
set allow_system_table_mods = on;

create schema pgperf_clone;

-- The operators < and = by which ANALYZE would have sorted a type (its default btree class), or compared it (hash class).
create function pgperf_clone.find_operators(value_type oid, out lt oid, out eq oid)
language plpgsql stable set search_path = pg_catalog as $$
declare
    base oid := value_type;
    t pg_type;
    input oid;
begin
    loop
        select * into t from pg_type where oid = base;
        exit when t.typtype <> 'd';
        base := t.typbasetype;
    end loop;
    for input in
        select base
        union all
        select c.casttarget from pg_cast c where c.castsource = base and c.castmethod = 'b' and c.castcontext = 'i'
        union all
        select case
            when t.typtype = 'e' then 'anyenum'::regtype
            when t.typtype = 'r' then 'anyrange'::regtype
            when t.typtype = 'm' then to_regtype('anymultirange')
            when t.typtype = 'c' then 'record'::regtype
            when t.typlen = -1 and t.typelem <> 0 then 'anyarray'::regtype
        end
    loop
        select
            max(a.amopopr::int8) filter (where m.amname = 'btree' and a.amopstrategy = 1),
            coalesce(
                max(a.amopopr::int8) filter (where m.amname = 'btree' and a.amopstrategy = 3),
                max(a.amopopr::int8) filter (where m.amname = 'hash' and a.amopstrategy = 1)
            )
        into lt, eq
        from pg_opclass c
        join pg_am m on m.oid = c.opcmethod
        join pg_amop a on a.amopfamily = c.opcfamily and a.amoplefttype = c.opcintype and a.amoprighttype = c.opcintype
        where c.opcdefault and c.opcintype = input and m.amname in ('btree', 'hash');
        exit when eq is not null;
    end loop;
end $$;

-- The same, found once a type: for all types of columns, before the statistics come.
create table pgperf_clone.operator (value_type oid primary key, lt oid, eq oid);

create function pgperf_clone.note_operators() returns void
language sql set search_path = pg_catalog as $$
    insert into pgperf_clone.operator
    select t.used, o.lt, o.eq
    from (
        select distinct a.atttypid as used
        from pg_attribute a
        join pg_class c on c.oid = a.attrelid
        join pg_namespace n on n.oid = c.relnamespace
        where a.attnum > 0 and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    ) t,
    pgperf_clone.find_operators(t.used) o
$$;

create function pgperf_clone.operators(value_type oid, out lt oid, out eq oid)
language plpgsql stable set search_path = pg_catalog as $$
begin
    select o.lt, o.eq into lt, eq from pgperf_clone.operator o where o.value_type = operators.value_type;
    if not found then
        select f.lt, f.eq into lt, eq from pgperf_clone.find_operators(operators.value_type) f;
    end if;
end $$;

create function pgperf_clone.numbers(list jsonb) returns float4[]
language sql immutable set search_path = pg_catalog as $$
    select array_agg(x.value::float4 order by x.position)
    from jsonb_array_elements_text(list) with ordinality x (value, position)
$$;

-- One row: {"schema", "relation", "attnum" or "column", "inherited", and the columns of pg_stats}; array values as literals.
create function pgperf_clone.restore(r jsonb) returns void
language plpgsql set search_path = pg_catalog as $$
declare
    relation pg_class;
    a pg_attribute;
    operators record;
    element_eq oid;
    element oid;
    lengths text := r ->> 'range_length_histogram';
begin
    select c.* into strict relation
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = (r ->> 'schema')::name and c.relname = (r ->> 'relation')::name;
    select * into strict a
    from pg_attribute
    where attrelid = relation.oid
        and not attisdropped
        and (attname = (r ->> 'column')::name or attnum = (r ->> 'attnum')::int2);
    select * into operators from pgperf_clone.operators(a.atttypid);
    if r ->> 'most_common_elems' is not null then
        -- Elements of an array; a tsvector's are texts.
        select coalesce(nullif(t.typelem, 0), 'text'::regtype) into element from pg_type t where t.oid = a.atttypid;
        select eq into element_eq from pgperf_clone.operators(element);
    end if;
    insert into pg_statistic values (
        relation.oid,
        a.attnum,
        (r ->> 'inherited')::bool,
        (r ->> 'null_frac')::float4,
        (r ->> 'avg_width')::float8::int4,
        (r ->> 'n_distinct')::float4,
        case when r ->> 'most_common_vals' is not null then 1 else 0 end,
        case when r ->> 'histogram_bounds' is not null then 2 else 0 end,
        case when r ->> 'correlation' is not null then 3 else 0 end,
        case when element is not null then 4 when lengths is not null then 6 else 0 end,
        case when r ->> 'elem_count_histogram' is not null then 5 when r ->> 'range_bounds_histogram' is not null then 7 else 0 end,
        coalesce(operators.eq, 0),
        coalesce(operators.lt, 0),
        coalesce(operators.lt, 0),
        coalesce(element_eq, case when lengths is not null then 672 end, 0),
        coalesce(element_eq, 0),
        a.attcollation,
        a.attcollation,
        a.attcollation,
        case when element is not null then a.attcollation else 0 end,
        case when element is not null then a.attcollation else 0 end,
        pgperf_clone.numbers(r -> 'most_common_freqs'),
        null,
        case when r ->> 'correlation' is not null then array[(r ->> 'correlation')::float4] end,
        case
            when element is not null then pgperf_clone.numbers(r -> 'most_common_elem_freqs')
            when lengths is not null then array[(r ->> 'range_empty_frac')::float4]
        end,
        pgperf_clone.numbers(r -> 'elem_count_histogram'),
        array_in((r ->> 'most_common_vals')::cstring, a.atttypid, -1),
        array_in((r ->> 'histogram_bounds')::cstring, a.atttypid, -1),
        null,
        case
            when element is not null then array_in((r ->> 'most_common_elems')::cstring, element, -1)
            when lengths is not null then array_in(lengths::cstring, 'float8'::regtype, -1)
        end,
        array_in((r ->> 'range_bounds_histogram')::cstring, a.atttypid, -1)
    );
end $$;

-- Many rows; gives the messages of those that failed.
create function pgperf_clone.restore_all(rows jsonb) returns setof text
language plpgsql set search_path = pg_catalog as $$
declare
    r jsonb;
begin
    for r in select value from jsonb_array_elements(rows) loop
        begin
            perform pgperf_clone.restore(r);
        exception when others then
            return next format('%s.%s %s: %s', r ->> 'schema', r ->> 'relation', coalesce(r ->> 'column', r ->> 'attnum'), sqlerrm);
        end;
    end loop;
end $$;

-- Rows, pages and visible pages of tables and indexes: [{"schema", "relation", "reltuples", "relpages", "relallvisible"}].
create function pgperf_clone.figures(rows jsonb) returns void
language sql set search_path = pg_catalog as $$
    update pg_class c
    set reltuples = r.reltuples, relpages = r.relpages, relallvisible = r.relallvisible
    from jsonb_to_recordset(rows) r (schema name, relation name, reltuples float4, relpages int4, relallvisible int4)
    join pg_namespace n on n.nspname = r.schema
    where c.relnamespace = n.oid and c.relname = r.relation
$$;

-- These types take no text; their bytes are made by hand.
create cast (bytea as pg_ndistinct) without function;
create cast (bytea as pg_dependencies) without function;
create cast (bytea as pg_mcv_list) without function;

-- Extended statistics: [{"schema", "name", "inherited", "n_distinct", "dependencies", "most_common"}], the latter three in
-- hexadecimal.
create function pgperf_clone.restore_extended(rows jsonb) returns setof text
language plpgsql set search_path = pg_catalog as $$
declare
    r jsonb;
    object oid;
    -- 15 has a row each for own and inherited figures, made by ANALYZE; before, the one row comes with the object.
    put text := case when current_setting('server_version_num')::int >= 150000
        then 'insert into pg_statistic_ext_data (stxoid, stxdinherit, stxdndistinct, stxddependencies, stxdmcv)
            values ($1, $2, $3::pg_ndistinct, $4::pg_dependencies, $5::pg_mcv_list)'
        else 'update pg_statistic_ext_data set stxdndistinct = $3::pg_ndistinct, stxddependencies = $4::pg_dependencies, stxdmcv = $5::pg_mcv_list
            where stxoid = $1 and $2 is not null'
    end;
begin
    for r in select value from jsonb_array_elements(rows) loop
        begin
            select e.oid into strict object
            from pg_statistic_ext e
            join pg_namespace n on n.oid = e.stxnamespace
            where n.nspname = (r ->> 'schema')::name and e.stxname = (r ->> 'name')::name;
            execute put using object, (r ->> 'inherited')::bool, decode(r ->> 'n_distinct', 'hex'), decode(r ->> 'dependencies', 'hex'),
                decode(r ->> 'most_common', 'hex');
        exception when others then
            return next format('statistics %s.%s: %s', r ->> 'schema', r ->> 'name', sqlerrm);
        end;
    end loop;
end $$;

-- Runs statements, each by itself; gives the position of those that failed, and why.
create function pgperf_clone.run(statements text[], out failed int4, out reason text) returns setof record
language plpgsql as $$
begin
    for i in 1 .. cardinality(statements) loop
        begin
            execute statements[i];
        exception when others then
            failed := i;
            reason := sqlerrm;
            return next;
        end;
    end loop;
end $$;

-- Indexes that questions show or hide: those of the Snapshot, and candidates, which are hidden at first.
create table pgperf_clone.toggled (index oid primary key);

create function pgperf_clone.toggle(indexes oid[]) returns void
language sql security definer set search_path = pg_catalog as $$
    update pg_index i
    set indisvalid = not i.indisvalid
    from pgperf_clone.toggled t
    where i.indexrelid = any (indexes) and t.index = i.indexrelid
$$;

-- Notes the indexes of the Snapshot that the planner sees; [schema, name, oid, and that of the parent index, if any].
create function pgperf_clone.existing() returns setof json
language sql set search_path = pg_catalog as $$
    insert into pgperf_clone.toggled
    select i.indexrelid
    from pg_index i
    join pg_class c on c.oid = i.indexrelid
    join pg_namespace n on n.oid = c.relnamespace
    where i.indisvalid and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgperf_clone');
    select json_build_array(n.nspname, c.relname, c.oid::int8, h.inhparent::int8)
    from pgperf_clone.toggled t
    join pg_class c on c.oid = t.index
    join pg_namespace n on n.oid = c.relnamespace
    left join pg_inherits h on h.inhrelid = c.oid
$$;

create role pgperf_clone login;
grant usage on schema pgperf_clone to pgperf_clone;
