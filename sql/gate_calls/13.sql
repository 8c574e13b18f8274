-- one row a thing that may do more than read when a statement calls it: what it is, its name, and why ($1 names called, $2 names behind a dot, $3 operators, $4 all names, $5 functions vouched for)
-- reads pg_proc, pg_aggregate, pg_language, pg_type, pg_operator, pg_cast, pg_class, pg_namespace
-- needs no privilege
-- new in 13: first variant
with harmless (name) as (
    -- Volatile because each call gives another value, and for nothing else.
    select pg_catalog.unnest('{
        random,random_normal,clock_timestamp,timeofday,gen_random_uuid,uuidv4,uuidv7,uuid_generate_v4
    }'::pg_catalog.name[])
),
harmful (name) as (
    -- Not volatile, and yet: they take a transaction number, or read whatever a text names, views too.
    select pg_catalog.unnest('{
        txid_current,pg_current_xact_id,table_to_xml,table_to_xml_and_xmlschema,table_to_xmlschema,schema_to_xml,
        schema_to_xml_and_xmlschema,schema_to_xmlschema,database_to_xml,database_to_xml_and_xmlschema,database_to_xmlschema
    }'::pg_catalog.name[])
),
suspect as (
    select
        p.oid,
        n.nspname as schema,
        p.proname as name,
        case
            when p.provolatile = 'v' then 'it is volatile'
            when p.proname in (select h.name from harmful h) then 'it does more than its volatility tells'
            when l.lanname = 'c' then 'it may run any SQL that it is given'
            else 'what a function in ' || l.lanname || ' does is not known'
        end as why
    from pg_catalog.pg_proc p
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    join pg_catalog.pg_language l on l.oid = p.prolang
    where p.prokind <> 'a'
        and (
            p.provolatile = 'v'
            or p.proname in (select h.name from harmful h)
            or l.lanname <> all ('{internal,c}'::pg_catalog.name[])
            -- crosstab, connectby, xpath_table.
            or l.lanname = 'c' and p.provolatile = 's' and n.nspname <> 'pg_catalog'
        )
        -- Functions of SQL that came with the server are as they were delivered.
        and not (
            n.nspname = 'pg_catalog' and l.lanname = 'sql' and p.provolatile <> 'v' and p.oid < 16384
        )
        and not (p.proname in (select h.name from harmless h) and p.prolang in (12, 13, 14))
        and p.proname <> all ($5::pg_catalog.text[])
),
told as (
    select 'function' as kind, s.schema, s.name, s.why
    from suspect s
    where s.name = any ($1::pg_catalog.text[])
    union
    select 'function', s.schema, s.name, s.why || ', and .' || s.name || ' would call it'
    from suspect s
    join pg_catalog.pg_proc p on p.oid = s.oid
    join pg_catalog.pg_type t on t.oid = p.proargtypes[0]
    where p.pronargs >= 1
        and p.pronargs - p.pronargdefaults <= 1
        and (t.typtype = 'c' or t.typtype = 'p')
        and s.name = any ($2::pg_catalog.text[])
    union
    select 'aggregate', n.nspname, p.proname, s.name || ', a part of it: ' || s.why
    from pg_catalog.pg_proc p
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    join pg_catalog.pg_aggregate a on a.aggfnoid = p.oid
    join suspect s on s.oid = any (array[
        a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn
    ]::pg_catalog.oid[])
    where p.proname = any ($1::pg_catalog.text[])
    union
    select 'operator', n.nspname, o.oprname, s.name || ', its function: ' || s.why
    from pg_catalog.pg_operator o
    join pg_catalog.pg_namespace n on n.oid = o.oprnamespace
    join suspect s on s.oid in (o.oprcode, o.oprrest, o.oprjoin)
    where o.oprname = any ($3::pg_catalog.text[])
    union
    -- A cast may happen without being written.
    select 'cast', s.schema, pg_catalog.format_type(c.casttarget, null)::pg_catalog.name, s.name || ', its function: ' || s.why
    from pg_catalog.pg_cast c
    join suspect s on s.oid = c.castfunc
    where c.oid >= 16384
    union
    select 'type', n.nspname, t.typname, s.name || ', which reads or writes its values: ' || s.why
    from pg_catalog.pg_type t
    join pg_catalog.pg_namespace n on n.oid = t.typnamespace
    join suspect s on s.oid in (t.typinput, t.typoutput)
    where t.oid >= 16384 and t.typtype = 'b' and t.typcategory <> 'A'
    union
    select 'foreign table', n.nspname, c.relname, 'what its server does is not known'
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'f' and c.relname = any ($4::pg_catalog.text[])
)
select
    t.kind,
    t.schema::pg_catalog.text as schema,
    t.name::pg_catalog.text as name,
    t.why
from told t
order by t.kind, t.schema, t.name, t.why
