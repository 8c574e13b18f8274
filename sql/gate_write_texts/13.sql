-- one row a text that runs when rows of a relation of one of these names are written, or a relation that is written with it: defaults, checks, indexes, policies; partitions, and tables whose foreign keys cascade ($1 names, $2 names looked at before)
-- reads pg_class, pg_namespace, pg_attrdef, pg_constraint, pg_index, pg_policy, pg_inherits
-- needs no privilege; opens the tables, so that it waits behind ACCESS EXCLUSIVE: lock_timeout
-- new in 13: first variant
with written as (
    select
        c.oid,
        n.nspname || '.' || c.relname as name
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind = any ('{r,p}'::"char"[])
        and n.nspname <> all ('{pg_catalog,information_schema}'::pg_catalog.name[])
        and c.relname = any ($1::pg_catalog.text[])
        and c.relname <> all ($2::pg_catalog.text[])
)
select
    'a default of ' || w.name as place,
    pg_catalog.pg_get_expr(d.adbin, d.adrelid) as text
from written w
join pg_catalog.pg_attrdef d on d.adrelid = w.oid
union
select
    'constraint ' || k.conname || ' of ' || w.name,
    pg_catalog.pg_get_constraintdef(k.oid)
from written w
join pg_catalog.pg_constraint k on k.conrelid = w.oid
where k.contype = any ('{c,x}'::"char"[])
union
select
    'an index of ' || w.name,
    pg_catalog.concat_ws(' ', pg_catalog.pg_get_expr(i.indexprs, i.indrelid), pg_catalog.pg_get_expr(i.indpred, i.indrelid))
from written w
join pg_catalog.pg_index i on i.indrelid = w.oid
where i.indexprs is not null or i.indpred is not null
union
select
    'policy ' || p.polname || ' of ' || w.name,
    pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)
from written w
join pg_catalog.pg_policy p on p.polrelid = w.oid
where p.polwithcheck is not null
union
select
    'a part of ' || w.name,
    pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)
from written w
join pg_catalog.pg_inherits h on h.inhparent = w.oid
join pg_catalog.pg_class c on c.oid = h.inhrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
union
select
    'what refers to ' || w.name,
    pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)
from written w
join pg_catalog.pg_constraint k on k.confrelid = w.oid
join pg_catalog.pg_class c on c.oid = k.conrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where k.contype = 'f'
    and (k.confdeltype = any ('{c,n,d}'::"char"[]) or k.confupdtype = any ('{c,n,d}'::"char"[]))
order by 1, 2
