-- one row a thing that runs when rows of a relation of one of these names are written: a trigger's function, a rule ($1 names, $2 names looked at before, $3 functions vouched for)
-- reads pg_trigger, pg_rewrite, pg_class, pg_proc, pg_language, pg_namespace
-- needs no privilege
-- new in 13: first variant
select
    'function' as kind,
    pn.nspname::pg_catalog.text as schema,
    p.proname::pg_catalog.text as name,
    'trigger ' || t.tgname || ' of ' || n.nspname || '.' || c.relname || ' runs it' as why
from pg_catalog.pg_trigger t
join pg_catalog.pg_class c on c.oid = t.tgrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_proc p on p.oid = t.tgfoid
join pg_catalog.pg_namespace pn on pn.oid = p.pronamespace
join pg_catalog.pg_language l on l.oid = p.prolang
where not t.tgisinternal
    and t.tgenabled <> 'D'
    and c.relname = any ($1::pg_catalog.text[])
    and c.relname <> all ($2::pg_catalog.text[])
    and l.lanname <> 'internal'
    and p.proname <> all ($3::pg_catalog.text[])
union
select
    'rule',
    n.nspname,
    r.rulename,
    'what it does when rows of ' || n.nspname || '.' || c.relname || ' are written is not looked at'
from pg_catalog.pg_rewrite r
join pg_catalog.pg_class c on c.oid = r.ev_class
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where r.ev_type <> '1'
    and r.ev_enabled <> 'D'
    and n.nspname <> all ('{pg_catalog,information_schema}'::pg_catalog.name[])
    and c.relname = any ($1::pg_catalog.text[])
    and c.relname <> all ($2::pg_catalog.text[])
order by 1, 2, 3, 4
